"""Measures how fast the evaluation scores: CHAIR alone, and BLEU, ROUGE-L and CIDEr beside pycocoevalcap.

python scripts/bench_eval.py [--captions FILE] [--rounds N]

FILE is a JSON list of {"image_id", "test": [text], "refs": [text, ...]}, already tokenised; without it, texts are made
up with the word frequencies of captions. Both sides get the same tokens; times are CPU seconds of one core, the best
of the rounds.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from eval.captions import Captions
from eval.metrics.chair import Chair
from eval.metrics.mentions import MentionFinder
from eval.references import score_overlap
from eval.scoring import score_chair
from eval.statistics import Resampling, estimate
from eval.truth import Truth, TruthImage, TruthObject
from eval.vocabulary import coco_vocabulary

CHAIR_CAPTIONS, CHAIR_WORDS, CHAIR_LIMIT_S = 5000, 100, 5.0
OVERLAP_RATIO = 5.0
Texts = Mapping[str, str]
References = Mapping[str, Sequence[str]]


def main() -> int:
    """Measure both and return 0 if both limits hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captions", type=Path, help="captions with references (default: made up)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    return 0 if all([bench_chair(options.rounds), bench_overlap(options.captions, options.rounds)]) else 1


def bench_chair(rounds: int) -> bool:
    """Time CHAIR over 5,000 captions of 100 words."""
    truth, captions = _chair_material()
    finder = coco_vocabulary()

    def score() -> None:
        found = score_chair(Chair(MentionFinder(finder)), captions, truth)
        estimate(found.tally, found.formulas, Resampling(200))

    seconds = _best(score, rounds)
    rate = CHAIR_CAPTIONS / seconds
    print(
        f"CHAIR: {CHAIR_CAPTIONS} captions of {CHAIR_WORDS} words in {seconds:.2f} s ({rate:,.0f} captions/s)"
    )
    return seconds < CHAIR_LIMIT_S


def bench_overlap(path: Path | None, rounds: int) -> bool:
    """Time BLEU, ROUGE-L and CIDEr against pycocoevalcap on the same tokens."""
    texts, references = _read(path) if path else _made_up()
    ours = _best(lambda: _ours(texts, references), rounds)
    print(f"BLEU + ROUGE-L + CIDEr, ours: {len(texts)} captions in {ours:.2f} s")
    try:
        import pycocoevalcap  # noqa: F401
    except ImportError:
        print(
            "pycocoevalcap is not installed: `pip install --no-deps pycocoevalcap` to compare",
            file=sys.stderr,
        )
        return True
    theirs = _best(lambda: _theirs(texts, references), rounds)
    print(f"BLEU + ROUGE-L + CIDEr, pycocoevalcap: {theirs:.2f} s, {theirs / ours:.1f} times as long")
    mine, other = _ours(texts, references), _theirs(texts, references)
    print(f"largest difference of a figure: {max(abs(mine[name] - other[name]) for name in mine):.1e}")
    return theirs / ours >= OVERLAP_RATIO


def _ours(texts: Texts, references: References) -> dict[str, float]:
    score = score_overlap(Captions(texts), references, "raw")
    counts = score.tally.matrix().sum(axis=0)
    return {each.name: float(each(counts, score.tally.columns)) for each in score.formulas}


def _theirs(texts: Texts, references: References) -> dict[str, float]:
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    keys = sorted(texts)
    gts, res = {key: list(references[key]) for key in keys}, {key: [texts[key]] for key in keys}
    with redirect_stdout(sys.stderr):
        bleu = Bleu(4).compute_score(gts, res, verbose=0)[0]
        found = {"rouge_l": Rouge().compute_score(gts, res)[0], "cider": Cider().compute_score(gts, res)[0]}
    return {**{f"bleu_{n}": float(value) for n, value in enumerate(bleu, start=1)}, **found}


def _chair_material() -> tuple[Truth, Captions]:
    rng = random.Random(0)
    words = sorted(coco_vocabulary().class_of)
    filler = [f"word{n}" for n in range(4000)]
    classes = coco_vocabulary().classes
    images, texts = {}, {}
    for number in range(CHAIR_CAPTIONS):
        key = str(number)
        said = [rng.choice(words) if rng.random() < 0.12 else rng.choice(filler) for _ in range(CHAIR_WORDS)]
        texts[key] = " ".join(said) + "."
        objects = tuple(TruthObject(f"{key}/{n}", rng.choice(classes)) for n in range(4))
        images[key] = TruthImage(key, key, objects)
    return Truth(images, tuple(classes)), Captions(texts)


def _read(path: Path) -> tuple[Texts, References]:
    records = json.loads(path.read_text(encoding="utf-8"))
    texts = {str(each["image_id"]): each["test"] for each in records}
    whole = {key: text if isinstance(text, str) else text[0] for key, text in texts.items()}
    return whole, {str(each["image_id"]): each["refs"] for each in records}


def _made_up(images: int = 1000) -> tuple[Texts, References]:
    rng = random.Random(0)
    words = [f"w{n}" for n in range(3000)]
    weights = [1 / (rank + 3) for rank in range(3000)]

    def text() -> str:
        return " ".join(rng.choices(words, weights, k=rng.randint(8, 14)))

    return {str(n): text() for n in range(images)}, {
        str(n): [text() for _ in range(5)] for n in range(images)
    }


def _best(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(max(1, rounds)):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
