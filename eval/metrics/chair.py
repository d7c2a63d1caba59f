"""CHAIR: which mentioned objects are not in the image (Rohrbach et al. 2018, arXiv:1809.02156).

chair_i   hallucinated mentions / mentions (over the corpus, repeated mentions count)
chair_s   captions with a hallucinated mention / captions
recall    true classes mentioned / true classes, per image and class
coverage  true objects of a mentioned class / true objects
words     tokens per caption, punctuation counted and two-word names as one (CHAIR's `Len`)
"""

from dataclasses import dataclass
from typing import Any

from eval.formula import Ratio
from eval.metrics.mentions import MentionFinder
from eval.tally import Tally
from eval.truth import TruthImage

COLUMNS = (
    "captions",
    "hallucinated",
    "mentioned",
    "wrong_captions",
    "found",
    "true",
    "covered",
    "objects",
    "tokens",
)
FORMULAS = (
    Ratio("chair_i", {"hallucinated": 1}, {"mentioned": 1}, "no caption mentions an object"),
    Ratio("chair_s", {"wrong_captions": 1}, {"captions": 1}, "no captions", independent=True),
    Ratio("recall", {"found": 1}, {"true": 1}, "the truth has no objects"),
    Ratio("coverage", {"covered": 1}, {"objects": 1}, "the truth has no objects"),
    Ratio("words", {"tokens": 1}, {"captions": 1}, "no captions", is_rate=False),
)


@dataclass(frozen=True)
class Chair:
    """Scores captions against the classes in an image's annotations and in its human captions together."""

    find: MentionFinder

    def empty(self) -> Tally:
        """Return the neutral state."""
        return Tally(COLUMNS)

    def update(self, state: Tally, image: TruthImage, caption: str) -> dict[str, Any]:
        """Count one caption and return the evidence: each mention, its place, whether it is hallucinated."""
        truth = self.classes_of(image)
        mentions, tokens = self.find(caption)
        wrong = [mention for mention in mentions if mention.name not in truth]
        named = {mention.name for mention in mentions}
        objects = [self.find.vocabulary.class_of[object_.name] for object_ in image.objects]
        counts = {
            "captions": 1,
            "hallucinated": len(wrong),
            "mentioned": len(mentions),
            "wrong_captions": bool(wrong),
            "found": len(named & truth),
            "true": len(truth),
            "covered": sum(name in named for name in objects),
            "objects": len(objects),
            "tokens": tokens,
        }
        state.add(image.key, counts)
        evidence = [
            _evidence(caption, mention.name, mention.start, mention.end, truth) for mention in mentions
        ]
        return {"mentions": evidence, "truth": sorted(truth)}

    def classes_of(self, image: TruthImage) -> set[str]:
        """Return the classes that are in the image."""
        from_captions = {mention.name for caption in image.captions for mention in self.find(caption)[0]}
        return from_captions | {self.find.vocabulary.class_of[object_.name] for object_ in image.objects}


def _evidence(caption: str, name: str, start: int, end: int, truth: set[str]) -> dict[str, Any]:
    hallucinated = name not in truth
    reason = f"no {name} in the image" if hallucinated else f"the image has a {name}"
    return {
        "word": caption[start:end],
        "class": name,
        "span": [start, end],
        "hallucinated": hallucinated,
        "reason": reason,
    }
