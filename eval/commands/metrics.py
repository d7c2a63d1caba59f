"""The metrics that `score` knows: each reads its files and returns counts, figures and settings."""

import argparse
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from eval.amber import load_benchmark, load_similarity, read_responses, score_amber
from eval.captions import Captions, read_captions
from eval.commands import options as shared
from eval.d2i import read_drawn, score_drawn
from eval.entities.score import score_entities
from eval.entities.threshold import threshold_of
from eval.errors import InputError
from eval.figure import Figure
from eval.material import find_images
from eval.metrics import pope
from eval.metrics.chair import Chair
from eval.metrics.claims import Claims
from eval.metrics.mentions import MentionFinder
from eval.references import Extras, read_references, score_linguistic, score_overlap
from eval.scoring import PopeSplit, Score, score_chair, score_claims, score_pope
from eval.task import DetectorModel, EntitiesTask
from eval.truth import Truth, load_truth
from eval.vocabulary import Vocabulary, coco_vocabulary, load_vocabulary, vocabulary_for

Scored = tuple[Score, dict[str, Figure], dict[str, Any]]

_NOT_COMPUTED = {
    "meteor": "needs Java and --meteor JAR",
    "spice": "needs Java and --spice JAR",
    "wmd": "needs gensim and --word-vectors FILE",
}


def chair(options: argparse.Namespace) -> Scored:
    """Score captions by CHAIR."""
    truth, captions, vocabulary = _material(options)
    score = score_chair(Chair(MentionFinder(vocabulary, options.normaliser)), captions, truth)
    return _scored(
        options,
        score,
        captions,
        normaliser=options.normaliser,
        vocabulary=vocabulary.name,
        missing=_missing(captions, truth.images),
    )


def claims(options: argparse.Namespace) -> Scored:
    """Score captions claim by claim."""
    truth, captions, vocabulary = _material(options)
    vocabulary.require(truth.categories)
    score = score_claims(Claims.against(truth, vocabulary), captions, truth)
    missing = _missing(captions, truth.images)
    return _scored(options, score, captions, vocabulary=vocabulary.name, missing=missing)


def did(options: argparse.Namespace) -> Scored:
    """Score captions against reference texts."""
    references, captions = read_references(_required(options)), read_captions(_one(options))
    extras = Extras(options.meteor, options.spice, options.word_vectors)
    score = score_overlap(captions, references, options.tokenizer, extras)
    _, figures, settings = _scored(options, score, captions, tokenizer=options.tokenizer)
    absent = {name: why for name, why in _NOT_COMPUTED.items() if name not in figures}
    figures |= {name: Figure(None, 0, reason=f"not computed: {why}") for name, why in absent.items()}
    return (
        score,
        figures,
        settings | {"references": len(references), "missing": _missing(captions, references)},
    )


def lin(options: argparse.Namespace) -> Scored:
    """Score the readability of captions."""
    captions = read_captions(_one(options))
    score = score_linguistic(captions, options.counting, options.spacy_model)
    return _scored(options, score, captions, counting=options.counting)


def d2i(options: argparse.Namespace) -> Scored:
    """Score images that were drawn from descriptions."""
    if options.images is None:
        raise InputError("d2i needs the folder of the original images: give it with --images DIR")
    score = score_drawn(read_drawn(_one(options)), options.images, options.clip)
    return score, score.figures(shared.resampling(options)), {"clip": options.clip}


def entities(options: argparse.Namespace) -> Scored:
    """Score captions by what a detector does not find in the images."""
    if options.images is None:
        raise InputError("entities needs the folder of the images: give it with --images DIR")
    task = _entities_task(options)
    threshold, captions = threshold_of(task), read_captions(_one(options))
    truth = load_truth(options.annotations) if options.annotations else None
    vocabulary = vocabulary_for(truth.categories) if truth else coco_vocabulary()
    vocabulary = load_vocabulary(options.synonyms) if options.synonyms else vocabulary
    files = find_images(options.images, list(captions.texts))
    from eval.entities.detector import load_detector

    score = score_entities(captions, files, load_detector(task.detector), threshold, vocabulary)
    return _scored(options, score, captions, detector=options.detector, threshold=threshold)


def _entities_task(options: argparse.Namespace) -> EntitiesTask:
    if (options.threshold is None) == (options.calibration is None):
        raise InputError("entities needs either --threshold, from 0 to 1, or --calibration FILE")
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        raise InputError(f"--threshold is {options.threshold}; scores go from 0 to 1")
    calibration = str(options.calibration) if options.calibration else None
    detector = DetectorModel(checkpoint=options.detector)
    return EntitiesTask(detector=detector, threshold=options.threshold, calibration=calibration)


def amber(options: argparse.Namespace) -> Scored:
    """Score AMBER's descriptions and answers."""
    benchmark, responses = load_benchmark(_required(options)), read_responses(_one(options))
    similarity = load_similarity(options.similarity) if options.similarity else None
    score = score_amber(benchmark, responses, similarity, exact=options.parser == "reference")
    return _scored(options, score, responses, parser=options.parser, similarity=options.similarity or "none")


def pope_(options: argparse.Namespace) -> Scored:
    """Score answers to POPE questions, one file of answers for each file of questions."""
    if len(options.predictions) != len(_required(options)):
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


METRICS: dict[str, Callable[[argparse.Namespace], Scored]] = {
    "amber": amber, "chair": chair, "claims": claims, "d2i": d2i, "did": did,
    "entities": entities, "lin": lin, "pope": pope_,
}  # fmt: skip


def _pope_split(questions: Path, answers: Path, partial: bool) -> PopeSplit:
    name = next((split for split in pope.SPLITS if split in questions.stem), questions.stem)
    return PopeSplit(name, pope.join(pope.read_questions(questions), pope.read_answers(answers), partial))


def _material(options: argparse.Namespace) -> tuple[Truth, Captions, Vocabulary]:
    truth, captions = load_truth(_required(options)), read_captions(_one(options))
    vocabulary = load_vocabulary(options.synonyms) if options.synonyms else vocabulary_for(truth.categories)
    return truth, captions, vocabulary


def _scored(options: argparse.Namespace, score: Score, captions: Captions, **settings: Any) -> Scored:
    return score, score.figures(shared.resampling(options)), {**settings, "empty_captions": captions.empty}


def _missing(captions: Captions, known: Collection[str]) -> int:
    """Count the known images without a prediction; they are left out of every figure."""
    return sum(key not in captions.texts for key in known)


def _required(options: argparse.Namespace) -> list[Path]:
    if not options.annotations:
        raise InputError(f"{options.metric} needs the truth: give it with --annotations FILE")
    annotations: list[Path] = options.annotations
    return annotations


def _one(options: argparse.Namespace) -> Path:
    if len(options.predictions) != 1:
        raise InputError(f"{options.metric} takes one file of predictions, got {len(options.predictions)}")
    path: Path = options.predictions[0]
    return path
