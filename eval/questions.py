"""POPE questions drawn from known truth: about what is present, and about what is absent.

Following Li et al. 2023 (arXiv:2305.10355, section 5): `random` takes any absent class, `popular` the absent
classes that most images have, `adversarial` the absent classes that most often keep company with those
present.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from eval.identity import key_order
from eval.jsonio import write_jsonl
from eval.metrics.pope import Question
from eval.recipe import PopeTask
from eval.truth import Truth, TruthImage


def draw_questions(
    truth: Truth, images: Iterable[str], task: PopeTask, seed: int
) -> dict[str, list[Question]]:
    """Return the questions of each split.

    Each image gets equally many yes and no questions, at most `task.pairs_per_image` of each; images with no
    object get none. All splits ask about the same present objects. Ids are unique over all splits.
    """
    keys = sorted(images, key=key_order)
    habits = _Habits.of([_classes(truth[key]) for key in keys])
    drawn: dict[str, list[tuple[TruthImage, str, str]]] = {split: [] for split in task.splits}
    for key in keys:
        rng = random.Random(f"{seed}/{key}")
        present = _classes(truth[key])
        absent = [name for name in truth.categories if name not in present]
        pairs = min(task.pairs_per_image, len(present), len(absent))
        asked = rng.sample(present, pairs)
        rng.shuffle(absent)
        for split in task.splits:
            drawn[split] += [(truth[key], name, "yes") for name in asked]
            drawn[split] += [
                (truth[key], name, "no") for name in habits.order(split, absent, present)[:pairs]
            ]
    ids = count(1)
    return {
        split: [_question(next(ids), image, name, label, task.template) for image, name, label in members]
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


@dataclass(frozen=True)
class _Habits:
    """In how many images a class is, and in how many two classes stand together."""

    popularity: Counter[str]
    company: Counter[tuple[str, str]]

    @classmethod
    def of(cls, present: Iterable[Sequence[str]]) -> "_Habits":
        images = list(present)
        together = ((a, b) for names in images for a in names for b in names if a != b)
        return cls(Counter(name for names in images for name in names), Counter(together))

    def order(self, split: str, absent: Sequence[str], present: Sequence[str]) -> list[str]:
        """Return absent classes, the most misleading first; ties keep the random order that they come in."""
        if split == "popular":
            return sorted(absent, key=lambda name: -self.popularity[name])
        if split == "adversarial":
            return sorted(absent, key=lambda name: -sum(self.company[name, other] for other in present))
        return list(absent)


def _classes(image: TruthImage) -> list[str]:
    return sorted({object_.name for object_ in image.objects})


def _question(number: int, image: TruthImage, name: str, label: str, template: str) -> Question:
    text = template.replace("{object}", with_article(name))
    return Question(str(number), image.key, image.file_name, text, label)
