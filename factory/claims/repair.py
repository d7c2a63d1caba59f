"""Mends a text by what was found out about it, sentence by sentence.

The ladder, each rung tried on what the one before could not mend: the smallest edit that the evidence backs, a
rewrite by a model (asked for elsewhere), the template's sentence about the thing, and leaving the sentence out.
Whatever a rung makes is checked anew before it counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from factory.claims.correct import Edit, apply, correction
from factory.claims.evidence import Evidence, of_kind
from factory.claims.read import parse
from factory.claims.statement import Judged
from factory.english import capital, with_article
from factory.grammar import sentences
from factory.records import Repair
from factory.wording import object_line, worded
from factory.writer import write

_ANOTHER = "another "
_NEVER_DROPPED = ("setting",)

Span = tuple[int, int]


@dataclass(frozen=True)
class Mended:
    """A text and what was done to it."""

    text: str
    repairs: tuple[Repair, ...]


def faulty(text: str, judged: Sequence[Judged]) -> list[tuple[Span, list[Judged]]]:
    """Return the sentences with refuted statements, each with all of its statements."""
    return [
        (span, of_one) for span, of_one in by_sentence(text, judged) if any(one.is_refuted for one in of_one)
    ]


def by_sentence(text: str, judged: Sequence[Judged]) -> list[tuple[Span, list[Judged]]]:
    """Return the sentences, each with its statements."""
    rest = iter(sorted(judged, key=lambda one: one.statement.start))
    one = next(rest, None)
    found: list[tuple[Span, list[Judged]]] = []
    for span in sentences(text):
        mine: list[Judged] = []
        while one is not None and one.statement.start < span[1]:
            mine.append(one)
            one = next(rest, None)
        found.append((span, mine))
    return found


def corrected(text: str, judged: Sequence[Judged], evidence: Evidence) -> Mended:
    """Return the text with the words changed that the evidence corrects."""
    return _changed(
        text, faulty(text, judged), "corrected", lambda span, of_one: _edited(text, span, of_one, evidence)
    )


def from_evidence(text: str, judged: Sequence[Judged], evidence: Evidence) -> Mended:
    """Return the text with faulty sentences replaced by what the evidence says of a thing not yet told of."""
    told = {
        e for span, of_one in by_sentence(text, judged) if not any(one.is_refuted for one in of_one)
        for one in of_one for e in one.finding.evidence if one.statement.kind != "count"
    }  # fmt: skip

    def sentence(_: Span, of_one: Sequence[Judged]) -> str | None:
        kinds = [one.statement.phrase for one in of_one if one.statement.phrase]
        free = [o for phrase in kinds for o in of_kind(phrase, evidence.objects) if o.id not in told]
        if not free:
            return None
        told.add(free[0].id)
        line = object_line(worded(free[0], evidence.size_wh))
        return write("", [line]) if " | " in line else None

    return _changed(text, faulty(text, judged), "from evidence", sentence)


def dropped(text: str, spans: Sequence[tuple[Span, str]]) -> Mended:
    """Return the text without sentences, each given with the kind of claim that it is dropped for."""
    gone = dict(spans)
    repairs = tuple(Repair("dropped", kind, text[start:end], "") for (start, end), kind in spans)
    kept = (text[start:end] for start, end in sentences(text) if (start, end) not in gone)
    return Mended(without_dangling(" ".join(kept)), repairs)


def clauses_dropped(text: str, judged: Sequence[Judged]) -> Mended:
    """Return the text without its inferred clauses; a sentence that is nothing else goes with them."""
    whole = {span for span in sentences(text)}
    edits, repairs = [], []
    for one in judged:
        start, end = one.statement.start, one.statement.end
        repairs.append(Repair("dropped", one.statement.kind, text[start:end], ""))
        closing = 1 if (start, end) not in whole and text[end : end + 1] == "," else 0
        edits.append(Edit(start, end + closing, ""))
    return Mended(" ".join(apply(text, edits).split()) if edits else text, tuple(repairs))


def refuted_kind(of_one: Sequence[Judged]) -> str:
    """Return the kind of the first refuted statement."""
    return next((one.statement.kind for one in of_one if one.is_refuted), "")


def with_verdict(text: str, judged: Sequence[Judged], verdict: str) -> list[tuple[Span, str]]:
    """Return the sentences with a statement of that verdict, with its kind; never for a setting alone."""
    found = []
    for span, of_one in by_sentence(text, judged):
        kinds = [
            one.statement.kind for one in of_one
            if one.finding.verdict == verdict and one.statement.kind not in (*_NEVER_DROPPED, "inferred")
        ]  # fmt: skip
        if kinds:
            found.append((span, kinds[0]))
    return found


def without_dangling(text: str) -> str:
    """Turn `Another ball` into `A ball` where the sentence with the first ball is gone."""
    said: set[str] = set()
    kept = []
    for start, end in sentences(text):
        sentence = text[start:end]
        named = [s for s in parse(sentence) if s.kind == "existence"]
        if sentence.lower().startswith(_ANOTHER) and named and named[0].phrase not in said:
            sentence = capital(with_article(sentence[len(_ANOTHER) :]))
        said.update(noun.phrase for noun in named)
        kept.append(sentence)
    return " ".join(kept)


def _edited(text: str, span: Span, of_one: Sequence[Judged], evidence: Evidence) -> str | None:
    edits = [
        edit for one in of_one if one.is_refuted
        if (edit := correction(text, span, one, [other for other in of_one if other is not one], evidence))
    ]  # fmt: skip
    if not edits:
        return None
    whole = apply(text, edits)
    return whole[span[0] : span[1] + len(whole) - len(text)]


def _changed(
    text: str,
    wrong: Sequence[tuple[Span, list[Judged]]],
    action: str,
    new_sentence: Callable[[Span, Sequence[Judged]], str | None],
) -> Mended:
    """Replace sentences; one that comes to say what another says already is left out."""
    edits, repairs = [], []
    there = {text[start:end] for start, end in sentences(text)}
    for (start, end), of_one in wrong:
        new = new_sentence((start, end), of_one)
        if new is None or new == text[start:end]:
            continue
        after = "" if new in there else new
        there.add(new)
        edits.append(Edit(start, end, after))
        repairs.append(Repair(action if after else "dropped", refuted_kind(of_one), text[start:end], after))
    mended = " ".join(part for part in apply(text, edits).split(" ") if part) if edits else text
    return Mended(mended, tuple(repairs))
