"""`score`: figures of a file of captions or answers, without any model."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from eval.commands import options as shared
from eval.commands.metrics import METRICS
from eval.jsonio import sha256_of
from eval.metrics.linguistic import COUNTINGS
from eval.metrics.overlap import TOKENIZERS
from eval.show import table
from eval.task import DetectorModel


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("score", help="score a file of captions or answers", description=__doc__)
    parser.add_argument("metric", choices=sorted(METRICS), metavar="METRIC", help=", ".join(sorted(METRICS)))
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, metavar="FILE")
    shared.add_truth(parser, required=False)
    shared.add_normaliser(parser)
    shared.add_parser_mode(parser)
    parser.add_argument(
        "--tokenizer",
        choices=sorted(TOKENIZERS),
        default="raw",
        help="raw strings, as DID-Bench (default), or PTB",
    )
    parser.add_argument(
        "--counting",
        choices=sorted(COUNTINGS),
        default="it",
        help="LIN-Bench's rules (default) or the textbook's",
    )
    parser.add_argument(
        "--meteor",
        metavar="JAR",
        help="METEOR's jar for DID, or `pycocoevalcap` for that package's; needs Java",
    )
    parser.add_argument("--spice", metavar="JAR", help="SPICE's jar for DID; needs Java 8 to 15")
    parser.add_argument("--word-vectors", metavar="FILE", help="word2vec vectors for DID's WMD; needs gensim")
    parser.add_argument("--spacy-model", metavar="MODEL", help="folder or name, for LIN's parts of speech")
    parser.add_argument(
        "--similarity", metavar="SOURCE", help="word similarity for AMBER: a JSON table or a spaCy model"
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="the images (D2I, entities)")
    parser.add_argument(
        "--detector",
        default=DetectorModel().checkpoint,
        metavar="CHECKPOINT",
        help="for entities (%(default)s)",
    )
    parser.add_argument("--threshold", type=float, metavar="X", help="score that a thing needs (entities)")
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="or the file that `python -m factory calibrate` wrote",
    )
    parser.add_argument(
        "--clip", default="openai/clip-vit-base-patch16", metavar="CHECKPOINT", help="for D2I (%(default)s)"
    )
    shared.add_resampling(parser)
    parser.add_argument("--partial", action="store_true", help="score answered questions alone (POPE)")
    parser.add_argument(
        "--evidence", type=Path, metavar="FILE", help="write what was counted, image by image, as JSON"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Score and print."""
    score, figures, settings = METRICS[options.metric](options)
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
