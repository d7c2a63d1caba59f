"""`dataset`: are the descriptions of a built dataset true, before (holistic) and after (textualized)."""

import argparse
import sys
from pathlib import Path
from typing import Any

from eval.commands import options as shared
from eval.dataset import SIDES, evaluate_dataset, read_sides, write_dataset_evaluation
from eval.jsonio import sha256_of
from eval.show import table
from eval.statistics import estimate
from eval.truth import load_truth
from eval.vocabulary import load_vocabulary, vocabulary_for


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "dataset", help="judge a built dataset against known truth", description=__doc__
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET_DIR")
    shared.add_truth(parser, required=True)
    shared.add_resampling(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Judge, write and print."""
    texts = read_sides(options.dataset)
    truth = load_truth(options.annotations)
    vocabulary = load_vocabulary(options.synonyms) if options.synonyms else vocabulary_for(truth.categories)
    found = evaluate_dataset(texts, truth, vocabulary)
    how = shared.resampling(options)
    settings = {
        "vocabulary": vocabulary.name,
        "resamples": how.resamples,
        "seed": how.seed,
        "truth": {str(path): sha256_of(path) for path in options.annotations},
    }
    write_dataset_evaluation(options.out, found, how, settings)
    for side in SIDES:
        score = found.scores[side]
        sys.stdout.write(f"\n{side}\n{table(estimate(score.tally, score.formulas, how))}\n")
    sys.stdout.write(f"\nwritten to {options.out}\n")
    return 0
