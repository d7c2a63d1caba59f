"""Claim precision and coverage: is what a description states true, and how much of the image does it name.

claim_precision      true claims / judged claims (existence, attribute, count, position, depth, size, relation)
precision_<kind>     the same for one kind
coverage             true objects named / true objects; two balls named as `a ball` are half covered
words                words per text, punctuation not counted
unparsed_sentences   sentences without any known object or setting / sentences
unjudged             claims about what the truth does not record / claims
setting_accuracy     settings named rightly / settings named
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.claims import Claim, Parser, Verdict, judge
from eval.claims.claim import KINDS
from eval.formula import Formula, Ratio
from eval.tally import Tally
from eval.text import count_words
from eval.truth import Truth, TruthImage
from eval.vocabulary import Vocabulary

COLUMNS = (
    "texts", "words", "sentences", "unparsed", "claims", "true", "unjudged", "named", "objects", "settings",
    "true_settings", *(f"claims_{kind}" for kind in KINDS), *(f"true_{kind}" for kind in KINDS),
)  # fmt: skip
_BY_KIND = tuple(
    Ratio(f"precision_{kind}", {f"true_{kind}": 1}, {f"claims_{kind}": 1}, f"no {kind} claim could be judged")
    for kind in KINDS
)
FORMULAS: tuple[Formula, ...] = (
    Ratio("claim_precision", {"true": 1}, {"claims": 1}, "no claim could be judged"),
    Ratio("coverage", {"named": 1}, {"objects": 1}, "the truth has no objects"),
    Ratio("words", {"words": 1}, {"texts": 1}, "no texts", is_rate=False),
    *_BY_KIND,
    Ratio("unparsed_sentences", {"unparsed": 1}, {"sentences": 1}, "no sentences"),
    Ratio("unjudged", {"unjudged": 1}, {"claims": 1, "unjudged": 1}, "no claims"),
    Ratio("setting_accuracy", {"true_settings": 1}, {"settings": 1}, "no setting is named, or none is known"),
)


@dataclass(frozen=True)
class Claims:
    """Scores descriptions claim by claim."""

    parse: Parser

    @classmethod
    def against(cls, truth: Truth, vocabulary: Vocabulary) -> "Claims":
        """Return the metric for the classes and settings of a truth."""
        settings = {image.setting for image in truth.images.values() if image.setting}
        return cls(Parser(vocabulary, tuple(sorted(settings))))

    def empty(self) -> Tally:
        """Return the neutral state."""
        return Tally(COLUMNS)

    def update(self, state: Tally, image: TruthImage, text: str) -> dict[str, Any]:
        """Count one description and return the evidence: each claim with span, verdict and reason."""
        parsed = self.parse(text)
        judged = [(claim, judge(claim, image)) for claim in parsed.claims]
        true_names = [object_.name for object_ in image.objects]
        missed = _missed(true_names, parsed.named)
        counts: dict[str, float] = {
            "texts": 1,
            "words": count_words(text),
            "sentences": parsed.sentences,
            "unparsed": len(parsed.unparsed),
            "named": len(true_names) - sum(missed.values()),
            "objects": len(true_names),
        }
        state.add(image.key, counts)
        for claim, verdict in judged:
            state.add(image.key, _counts(claim, verdict))
        return {
            "claims": [_evidence(text, claim, verdict) for claim, verdict in judged],
            "unparsed": [[sentence.start, sentence.end] for sentence in parsed.unparsed],
            "missed": missed,
        }


def _missed(true_names: Sequence[str], named: Mapping[str, float]) -> dict[str, int]:
    """Return how many true objects of each class the text does not name."""
    left = {name: max(0, true_names.count(name) - named.get(name, 0)) for name in sorted(set(true_names))}
    return {name: int(count) for name, count in left.items() if count}


def _counts(claim: Claim, verdict: Verdict) -> dict[str, float]:
    if claim.kind == "setting":
        return {} if verdict.true is None else {"settings": 1, "true_settings": verdict.true}
    if verdict.true is None:
        return {"unjudged": 1}
    return {
        "claims": 1,
        "true": verdict.true,
        f"claims_{claim.kind}": 1,
        f"true_{claim.kind}": verdict.true,
    }


def _evidence(text: str, claim: Claim, verdict: Verdict) -> dict[str, Any]:
    return {
        "kind": claim.kind,
        "subject": str(claim.subject),
        "value": claim.value,
        "other": None if claim.other is None else str(claim.other),
        "text": text[claim.start : claim.end],
        "span": [claim.start, claim.end],
        "true": verdict.true,
        "reason": verdict.reason,
        "evidence": list(verdict.evidence),
    }
