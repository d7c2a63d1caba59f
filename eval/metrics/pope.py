"""POPE: yes/no questions about objects that are, or are not, in the image (Li et al. 2023, arXiv:2305.10355).

The positive class is yes. An answer that cannot be read is wrong, a miss where the truth is yes, and counted
apart in `unparsed`; `yes_ratio` is over what the model said, not over the labels.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import InputError, MismatchError
from eval.formula import Formula, MeanOf, Ratio
from eval.identity import image_key
from eval.jsonio import Record, read_records
from eval.metrics.answers import PARSERS
from eval.tally import Tally

SPLITS = ("random", "popular", "adversarial")
_PARTS = ("tp", "fp", "tn", "fn", "open_no", "unparsed")
_ALL = {"tp": 1, "fp": 1, "tn": 1, "fn": 1, "open_no": 1}
_EXAMPLES = 5


@dataclass(frozen=True)
class Question:
    """One question of the public format, which asks about one image; `label` is "yes" or "no"."""

    id: str
    image: str
    """The image's key."""
    file_name: str
    text: str
    label: str


def columns(splits: Sequence[str]) -> tuple[str, ...]:
    """Return the counts of a POPE tally: `<split>.<part>`."""
    return tuple(f"{split}.{part}" for split in splits for part in _PARTS)


def formulas(split: str, prefix: str = "") -> tuple[Ratio, ...]:
    """Return the figures of one split; the names start with `prefix`."""

    def over(weights: Mapping[str, float]) -> dict[str, float]:
        return {f"{split}.{part}": weight for part, weight in weights.items()}

    every = over(_ALL)
    none = "no questions"
    return (
        Ratio(prefix + "accuracy", over({"tp": 1, "tn": 1}), every, none),
        Ratio(prefix + "precision", over({"tp": 1}), over({"tp": 1, "fp": 1}), "no answer is yes"),
        Ratio(prefix + "recall", over({"tp": 1}), over({"tp": 1, "fn": 1}), "no question has the label yes"),
        Ratio(
            prefix + "f1",
            over({"tp": 2}),
            over({"tp": 2, "fp": 1, "fn": 1}),
            "neither an answer nor a label is yes",
            base=every,
        ),
        Ratio(prefix + "yes_ratio", over({"tp": 1, "fp": 1}), every, none),
        Ratio(prefix + "unparsed", over({"unparsed": 1}), every, none),
    )


def mean_f1(splits: Sequence[str], name: str = "pope_f1") -> Formula:
    """Return the mean F1 over splits, which is what is quoted as "POPE" (LLaVA's model zoo)."""
    return MeanOf(name, tuple(formulas(split)[3] for split in splits), "the F1 of a split is undefined")


def update(state: Tally, split: str, question: Question, answer: str, parser: str) -> dict[str, Any]:
    """Count one answer and return the evidence: how it was read, and whether that is right."""
    reading = PARSERS[parser](answer)
    state.add(
        question.image,
        {f"{split}.{part}": 1 for part in _outcome(reading.answer, question.label, reading.parsed)},
    )
    return {
        "split": split,
        "question_id": question.id,
        "question": question.text,
        "label": question.label,
        "answer": answer,
        "read_as": reading.answer,
        "parsed": reading.parsed,
        "correct": reading.answer == question.label,
    }


def _outcome(read: str | None, label: str, parsed: bool) -> list[str]:
    if read is None:
        return ["fn" if label == "yes" else "open_no", "unparsed"]
    part = {("yes", "yes"): "tp", ("yes", "no"): "fp", ("no", "no"): "tn", ("no", "yes"): "fn"}[(read, label)]
    return [part] if parsed else [part, "unparsed"]


def read_questions(path: Path) -> list[Question]:
    """Read questions of the public format: JSON Lines of `question_id`, `image`, `text`, `label`.

    Raises:
        InputError: a field is missing, a label is neither yes nor no, or an id comes twice.
    """
    questions = [
        _question(record, f"{path}, record {n}") for n, record in enumerate(read_records(path), start=1)
    ]
    _refuse_duplicates((question.id for question in questions), path)
    return questions


def read_answers(path: Path) -> dict[str, str]:
    """Read answers: JSON Lines of `question_id` and `answer` (or `text`), by question id.

    Raises:
        InputError: a field is missing, or an id comes twice.
    """
    records = read_records(path)
    pairs = [_answer(record, f"{path}, record {n}") for n, record in enumerate(records, start=1)]
    _refuse_duplicates((question_id for question_id, _ in pairs), path)
    return dict(pairs)


def read_split_answers(path: Path, questions: Mapping[str, Sequence[Question]]) -> dict[str, dict[str, str]]:
    """Read the answers to several splits from one file; where splits share ids, records must name their `split`.

    Raises:
        InputError: a field is missing, or an id comes twice in a split.
        MismatchError: an answer belongs to no question, or could belong to several.
    """
    by_split: dict[str, dict[str, str]] = {split: {} for split in questions}
    ids = {split: {question.id for question in members} for split, members in questions.items()}
    for number, record in enumerate(read_records(path), start=1):
        where = f"{path}, record {number}"
        question_id, answer = _answer(record, where)
        named = record.get("split")
        homes = [split for split in ids if question_id in ids[split] and named in (None, split)]
        if len(homes) != 1:
            many = (
                f"to questions of {' and '.join(homes)}; say which in `split`" if homes else "to no question"
            )
            raise MismatchError(f"{where}: the answer with id {question_id} belongs {many}")
        if question_id in by_split[homes[0]]:
            raise InputError(f"{path}: question_id {question_id} comes twice; each id must be unique")
        by_split[homes[0]][question_id] = answer
    return by_split


def join(
    questions: Sequence[Question], answers: Mapping[str, str], partial: bool
) -> list[tuple[Question, str]]:
    """Pair questions and answers by id; with `partial`, questions without an answer are left out.

    Raises:
        MismatchError: ids are on one side only; an answer to no question always means the wrong question
        file.
    """
    known = {question.id for question in questions}
    extra = [question_id for question_id in answers if question_id not in known]
    missing = [question.id for question in questions if question.id not in answers]
    if extra:
        raise MismatchError(
            f"{len(extra)} answers belong to no question (ids such as {extra[:_EXAMPLES]}): "
            "these answers were given to another version of the questions"
        )
    if missing and not partial:
        raise MismatchError(
            f"{len(missing)} of {len(questions)} questions have no answer (such as {missing[:_EXAMPLES]}): "
            "answer them, or score the answered ones alone with --partial"
        )
    return [(question, answers[question.id]) for question in questions if question.id in answers]


def _question(record: Record, where: str) -> Question:
    absent = [name for name in ("question_id", "image", "text", "label") if record.get(name) is None]
    if absent:
        raise InputError(
            f"{where}: no {', '.join(absent)}; a POPE question has question_id, image, text, label"
        )
    label = str(record["label"]).strip().lower()
    if label not in {"yes", "no"}:
        raise InputError(f"{where}: label {record['label']!r} is neither yes nor no")
    image = str(record["image"])
    return Question(str(record["question_id"]), image_key(image), image, str(record["text"]), label)


def _answer(record: Record, where: str) -> tuple[str, str]:
    if record.get("question_id") is None:
        raise InputError(
            f"{where}: no question_id; answers are joined to questions by id, never by line order"
        )
    answer = record.get("answer", record.get("text"))
    if not isinstance(answer, str):
        raise InputError(f"{where}: no answer (fields seen: {', '.join(record)})")
    return str(record["question_id"]), answer


def _refuse_duplicates(ids: Iterable[str], path: Path) -> None:
    seen: set[str] = set()
    for question_id in ids:
        if question_id in seen:
            raise InputError(f"{path}: question_id {question_id} comes twice; each id must be unique")
        seen.add(question_id)
