"""POPE questions drawn from known truth: what is present, and what is absent at random, by popularity, by company.

Following Li et al. 2023 (arXiv:2305.10355, section 5): `random` takes any absent class, `popular` the absent classes that
most images have, `adversarial` the absent classes that most often keep company with those present.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path

from eval.identity import key_order
from eval.jsonio import write_jsonl
from eval.metrics.pope import Question
from eval.truth import Truth, TruthImage


def draw_questions(
    truth: Truth, images: Iterable[str], splits: Sequence[str], template: str, pairs_per_image: int, seed: int
) -> dict[str, list[Question]]:
    """Return the questions of each split.

    Each image gets equally many yes and no questions, at most `pairs_per_image` of each; images with no object get
    none. All splits ask about the same present objects. Ids are unique over all splits.
    """
    keys = sorted(images, key=key_order)
    present = {key: _classes(truth[key]) for key in keys}
    popularity = Counter(name for names in present.values() for name in names)
    company = _company(present)
    drawn: dict[str, list[tuple[TruthImage, str, str]]] = {split: [] for split in splits}
    for key in keys:
        rng = random.Random(f"{seed}/{key}")  # noqa: S311
        asked, absent = _draw(present[key], truth.categories, pairs_per_image, rng)
        orders = {
            "random": absent,
            "popular": sorted(absent, key=lambda name: -popularity[name]),
            "adversarial": sorted(
                absent, key=lambda name, here=present[key]: -sum(company[name, o] for o in here)
            ),
        }
        for split in splits:
            drawn[split] += [(truth[key], name, "yes") for name in asked]
            drawn[split] += [(truth[key], name, "no") for name in orders[split][: len(asked)]]
    ids = count(1)
    return {
        split: [_question(next(ids), image, name, label, template) for image, name, label in members]
        for split, members in drawn.items()
    }


def write_questions(path: Path, questions: Sequence[Question]) -> None:
    """Write questions in the public format."""
    fields = (
        {"question_id": int(q.id), "image": q.file_name, "text": q.text, "label": q.label} for q in questions
    )
    write_jsonl(path, fields)


def with_article(name: str) -> str:
    """Put a or an before a class name; names that are plural stay bare."""
    if name in {"skis", "scissors"}:
        return name
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _draw(
    present: Sequence[str], categories: Sequence[str], pairs: int, rng: random.Random
) -> tuple[list[str], list[str]]:
    """Return the present classes to ask about, and all absent ones in random order."""
    absent = [name for name in categories if name not in present]
    count = min(pairs, len(present), len(absent))
    asked = rng.sample(list(present), count)
    rng.shuffle(absent)
    return asked, absent


def _classes(image: TruthImage) -> list[str]:
    return sorted({object_.name for object_ in image.objects})


def _company(present: Mapping[str, Sequence[str]]) -> Counter[tuple[str, str]]:
    """Count in how many images two classes stand together."""
    return Counter((a, b) for names in present.values() for a in names for b in names if a != b)


def _question(number: int, image: TruthImage, name: str, label: str, template: str) -> Question:
    text = template.replace("{object}", with_article(name))
    return Question(str(number), image.key, image.file_name, text, label)
