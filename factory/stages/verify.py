"""Checks every claim of the final text against the image, alone, and drops what is refuted.

What the rewriting model added by itself is found here: the text is read anew, and nothing is believed for
having been written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from PIL import Image

from factory.english import bare, capital, with_article
from factory.evidence import Evidence, Finding, check, phrase_to_score
from factory.grammar import Statement, parse, sentences
from factory.models import DetectorConfig
from factory.models.checkpoint import Probability
from factory.models.protocols import Detector
from factory.records import Claim, Item, Rejection
from factory.stages.opening import Opening
from factory.stages.pictures import with_pictures
from recipes import Config

_ANOTHER = "another "
_NEVER_DROPPED = ("setting",)


class VerifyConfig(Config):
    """Check every claim of the description."""

    kind: Literal["verify"] = "verify"
    detector: DetectorConfig | None = None
    """Asked for things that are no object yet; without it such claims stay unknown."""
    min_score: Probability = 0.35
    """Things and attributes that score less are refuted."""
    on_refuted: Literal["drop_sentence", "keep"] = "drop_sentence"
    """What happens to a sentence with a refuted claim."""
    on_unknown: Literal["drop_sentence", "keep"] = "keep"
    """What happens to a sentence with a claim that nothing tells for or against, such as a mood."""

    def build(self) -> "Verify":
        """Return the stage."""
        return Verify(self.detector.build() if self.detector else None, self)

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        return {
            "version": str(Verify.version),
            **(self.detector.identity() if self.detector else {"model": "none"}),
        }


class Verify(Opening):
    """Adds the claims with verdict and evidence, and takes out of the description what they refute."""

    name = "verify"
    version = 1
    needs: tuple[str, ...] = ("image", "description", "objects", "entities.score")
    adds: tuple[str, ...] = ("claims",)

    def __init__(self, detector: Detector | None, config: VerifyConfig) -> None:
        super().__init__(detector)
        self._detector, self._config = detector, config

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its claims, or rejected if nothing of its description is left."""
        if self._detector is None:
            return [self._verified(item, {}) for item in items]
        return with_pictures(self.name, items, self._verify)

    def _verify(self, items: list[Item], images: list[Image.Image]) -> list[Item | Rejection]:
        assert self._detector is not None
        asked = [_phrases_to_score(item) for item in items]
        found = self._detector.detect(images, asked, min_score=0.0)
        best = [[float(r.scores[0]) if len(r.scores) else 0.0 for r in of_one] for of_one in found]
        return [
            self._verified(item, dict(zip(names, scores, strict=True)))
            for item, names, scores in zip(items, asked, best, strict=True)
        ]

    def _verified(self, item: Item, scores: Mapping[str, float]) -> Item | Rejection:
        known = {bare(e.phrase): e.score for e in item.entities or () if e.score is not None}
        evidence = Evidence(item.objects or (), item.size_wh, {**known, **scores}, self._config.min_score)
        text = item.description or ""
        while True:
            findings = [(statement, check(statement, evidence)) for statement in parse(text)]
            spans = sentences(text)
            dropped = next((span for span in spans if self._drops(span, findings)), None)
            if dropped is None:
                break
            # one at a time: what the next sentence claims may depend on this one, as `another` does
            self.counts["dropped sentences"] += 1
            kept = (text[start:end] for start, end in spans if (start, end) != dropped)
            text = _without_dangling(" ".join(kept))
        if not text:
            return Rejection(item.id, self.name, "nothing left of the description", item.description or "")
        claims = tuple(_claim(text, statement, finding) for statement, finding in findings)
        self.counts.update(claim.verdict for claim in claims)
        return replace(item, description=text, claims=claims)

    def _drops(self, span: tuple[int, int], findings: Sequence[tuple[Statement, Finding]]) -> bool:
        drop_refuted, drop_unknown = (
            choice == "drop_sentence" for choice in (self._config.on_refuted, self._config.on_unknown)
        )
        verdicts = {
            finding.verdict
            for statement, finding in findings
            if span[0] <= statement.start < span[1] and statement.kind not in _NEVER_DROPPED
        }
        return (drop_refuted and "refuted" in verdicts) or (drop_unknown and "unknown" in verdicts)


def _phrases_to_score(item: Item) -> list[str]:
    known = {bare(e.phrase) for e in item.entities or () if e.score is not None}
    phrases = (phrase_to_score(statement, item.objects or ()) for statement in parse(item.description or ""))
    return [phrase for phrase in dict.fromkeys(phrases) if phrase and phrase not in known]


def _claim(text: str, statement: Statement, finding: Finding) -> Claim:
    span = (statement.start, statement.end)
    return Claim(
        statement.kind, text[statement.start : statement.end], span, finding.verdict, finding.evidence
    )


def _without_dangling(text: str) -> str:
    """Turn `Another ball` into `A ball` where the sentence with the first ball is gone."""
    said: set[str] = set()
    kept = []
    for start, end in sentences(text):
        sentence = text[start:end]
        nouns = [s for s in parse(sentence) if s.kind == "existence"]
        if sentence.lower().startswith(_ANOTHER) and nouns and nouns[0].phrase not in said:
            sentence = capital(with_article(sentence[len(_ANOTHER) :]))
        said.update(noun.phrase for noun in nouns)
        kept.append(sentence)
    return " ".join(kept)
