"""`score`: figures of a file of captions or answers, without any model."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eval.captions import read_captions
from eval.commands import options as shared
from eval.errors import InputError
from eval.figure import Figure
from eval.jsonio import sha256_of
from eval.metrics import pope
from eval.metrics.chair import Chair
from eval.metrics.claims import Claims
from eval.metrics.mentions import MentionFinder
from eval.scoring import PopeSplit, Score, score_chair, score_claims, score_pope
from eval.show import table
from eval.truth import Truth, load_truth
from eval.vocabulary import Vocabulary, load_vocabulary, vocabulary_for

Subparsers = Any


def add_to(commands: Subparsers) -> None:
    """Register the command."""
    parser = commands.add_parser("score", help="score a file of captions or answers", description=__doc__)
    parser.add_argument(
        "metric", choices=sorted(_METRICS), metavar="METRIC", help=", ".join(sorted(_METRICS))
    )
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, metavar="FILE")
    shared.add_truth(parser, required=True)
    shared.add_normaliser(parser)
    shared.add_parser_mode(parser)
    shared.add_resampling(parser)
    parser.add_argument("--partial", action="store_true", help="score answered questions alone (POPE)")
    parser.add_argument(
        "--evidence", type=Path, metavar="FILE", help="write what was counted, image by image, as JSON"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Score and print."""
    score, figures, settings = _METRICS[options.metric](options)
    if options.evidence:
        options.evidence.write_text(
            json.dumps(score.evidence, ensure_ascii=False, indent=1), encoding="utf-8"
        )
    settings |= {
        "metric": options.metric,
        "images": len(score.tally.rows),
        "resamples": options.resamples,
        "seed": options.seed,
        "inputs": {str(path): sha256_of(path) for path in _inputs(options)},
    }
    if options.json:
        json.dump(
            {**{k: f.to_json() for k, f in figures.items()}, "settings": settings}, sys.stdout, indent=2
        )
        sys.stdout.write("\n")
    else:
        sys.stdout.write(table(figures) + "\n")
    return 0


def _inputs(options: argparse.Namespace) -> list[Path]:
    return [*options.predictions, *options.annotations, *([options.synonyms] if options.synonyms else [])]


def _vocabulary(options: argparse.Namespace, truth: Truth) -> Vocabulary:
    return load_vocabulary(options.synonyms) if options.synonyms else vocabulary_for(truth.categories)


def _one(options: argparse.Namespace) -> Path:
    if len(options.predictions) != 1:
        raise InputError(f"{options.metric} takes one file of predictions, got {len(options.predictions)}")
    path: Path = options.predictions[0]
    return path


Scored = tuple[Score, dict[str, Figure], dict[str, Any]]


def _chair(options: argparse.Namespace) -> Scored:
    truth, captions = load_truth(options.annotations), read_captions(_one(options))
    vocabulary = _vocabulary(options, truth)
    score = score_chair(Chair(MentionFinder(vocabulary, options.normaliser)), captions, truth)
    settings = {
        "normaliser": options.normaliser,
        "vocabulary": vocabulary.name,
        "empty_captions": captions.empty,
    }
    return score, score.figures(shared.resampling(options)), settings


def _claims(options: argparse.Namespace) -> Scored:
    truth, captions = load_truth(options.annotations), read_captions(_one(options))
    vocabulary = _vocabulary(options, truth)
    vocabulary.require(truth.categories)
    score = score_claims(Claims.against(truth, vocabulary), captions, truth)
    settings = {"vocabulary": vocabulary.name, "empty_captions": captions.empty}
    return score, score.figures(shared.resampling(options)), settings


def _pope(options: argparse.Namespace) -> Scored:
    if len(options.predictions) != len(options.annotations):
        raise InputError(
            f"{len(options.predictions)} files of answers but {len(options.annotations)} of questions: "
            "give one file of answers for each file of questions, in the same order"
        )
    pairs = zip(options.annotations, options.predictions, strict=True)
    splits = [_pope_split(questions, answers, options.partial) for questions, answers in pairs]
    if len({split.name for split in splits}) < len(splits):
        splits = [PopeSplit(f"{n}_{split.name}", split.answered) for n, split in enumerate(splits, start=1)]
    score = score_pope(splits, options.parser)
    figures = score.figures(shared.resampling(options))
    if len(splits) == 1:
        prefix = f"{splits[0].name}."
        figures = {name.removeprefix(prefix): figure for name, figure in figures.items() if name != "pope_f1"}
    answers = [answer for split in splits for _, answer in split.answered]
    settings = {
        "parser": options.parser,
        "splits": {split.name: len(split.answered) for split in splits},
        "empty_answers": sum(not answer.strip() for answer in answers),
    }
    return score, figures, settings


def _pope_split(questions: Path, answers: Path, partial: bool) -> PopeSplit:
    name = next((split for split in pope.SPLITS if split in questions.stem), questions.stem)
    return PopeSplit(name, pope.join(pope.read_questions(questions), pope.read_answers(answers), partial))


_METRICS: dict[str, Callable[[argparse.Namespace], Scored]] = {
    "chair": _chair,
    "claims": _claims,
    "pope": _pope,
}
