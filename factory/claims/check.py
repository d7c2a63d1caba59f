"""Checks the texts of a batch: reads them, asks the detector and the witness where need be, and judges."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from PIL import Image

from factory.claims.binding import bind
from factory.claims.evidence import Evidence, Score, check, phrases_to_score
from factory.claims.read import parse
from factory.claims.statement import Judged, Statement
from factory.claims.witness import Witness
from factory.english import bare
from factory.models.protocols import Detector
from factory.pictures import decoded
from factory.records import Item, Repair
from factory.thresholds import Thresholds

Reader = Callable[[Sequence[str]], list[list[Statement]]]


@dataclass
class Case:
    """An item, its text as it stands, and all that has been found out and done so far."""

    item: Item
    text: str
    scores: dict[str, Score] = field(default_factory=dict)
    judged: list[Judged] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    _picture: Image.Image | str | None = None

    @property
    def picture(self) -> Image.Image | None:
        """Return the image, decoded when first asked for; None if it cannot be."""
        self._picture = decoded(self.item) if self._picture is None else self._picture
        return self._picture if isinstance(self._picture, Image.Image) else None

    def evidence(self, thresholds: Thresholds) -> Evidence:
        """Return what is known of the image."""
        return Evidence(self.item.objects or (), self.item.size_wh, self.scores, thresholds)


def by_grammar(texts: Sequence[str]) -> list[list[Statement]]:
    """Read texts by rule."""
    return [parse(text) for text in texts]


class Checker:
    """Judges the statements of texts.

    An image goes through the detector only for phrases that neither its objects nor earlier scores settle, and
    at most `max_phrases` of them; what was not asked stays unknown.
    """

    def __init__(
        self,
        detector: Detector | None,
        thresholds: Thresholds,
        reader: Reader = by_grammar,
        witness: Witness | None = None,
        max_phrases: int = 100,
        counts: Counter[str] | None = None,
    ) -> None:
        self._detector, self.thresholds = detector, thresholds
        self._reader, self._witness, self._max_phrases = reader, witness, max_phrases
        self._counts: Counter[str] = Counter() if counts is None else counts

    def check(self, cases: Sequence[Case]) -> None:
        """Set `judged` of each case for its text."""
        read = self._reader([case.text for case in cases])
        self._score(cases, read)
        for case, statements in zip(cases, read, strict=True):
            evidence = case.evidence(self.thresholds)
            found = [Judged(statement, check(statement, evidence)) for statement in statements]
            case.judged = bind(found, evidence.objects)
        if self._witness is not None:
            self._hear(self._witness, cases)

    def _score(self, cases: Sequence[Case], read: Sequence[Sequence[Statement]]) -> None:
        if self._detector is None:
            return
        asked = [self._open_phrases(case, statements) for case, statements in zip(cases, read, strict=True)]
        todo = [
            (case, phrases, image)
            for case, phrases in zip(cases, asked, strict=True)
            if phrases and (image := case.picture) is not None
        ]
        if not todo:
            return
        self._counts["images looked at again"] += len(todo)
        images = [image for _, _, image in todo]
        found = self._detector.detect(images, [phrases for _, phrases, _ in todo], min_score=0.0)
        for (case, phrases, _), regions in zip(todo, found, strict=True):
            for phrase, of_one in zip(phrases, regions, strict=True):
                case.scores[phrase] = best_score(of_one.boxes_xyxy.tolist(), of_one.scores.tolist())

    def _open_phrases(self, case: Case, statements: Sequence[Statement]) -> list[str]:
        objects = case.item.objects or ()
        wanted = dict.fromkeys(phrase for s in statements for phrase in phrases_to_score(s, objects))
        phrases = [phrase for phrase in wanted if phrase not in case.scores]
        self._counts["phrases not asked"] += max(0, len(phrases) - self._max_phrases)
        return phrases[: self._max_phrases]

    def _hear(self, witness: Witness, cases: Sequence[Case]) -> None:
        open_ = [
            (case, index, image)
            for case in cases
            for index, one in enumerate(case.judged)
            if witness.wants(one) and (image := case.picture) is not None
        ]
        said = witness.hear([(image, case.text, case.judged[i].statement) for case, i, image in open_])
        self._counts["questions"] += len(open_)
        for (case, index, _), finding in zip(open_, said, strict=True):
            case.judged[index] = replace(case.judged[index], finding=finding)


def best_score(boxes: Sequence[Sequence[float]], scores: Sequence[float]) -> Score:
    """Return the score of the best region, which stands first; 0 where there is none."""
    if not scores:
        return Score(0.0)
    left, top, right, bottom = boxes[0]
    return Score(float(scores[0]), (left, top, right, bottom))


def known_scores(item: Item) -> dict[str, Score]:
    """Return the scores that the entities of the draft were given."""
    return {bare(e.phrase): Score(e.score, e.box_xyxy) for e in item.entities or () if e.score is not None}
