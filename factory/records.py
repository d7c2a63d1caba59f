"""The records that pass between stages. All are frozen; a field that is None has not been made yet."""

from dataclasses import dataclass

BoxXyxy = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the image as decoded; right and bottom are exclusive."""


@dataclass(frozen=True)
class Rle:
    """A mask as COCO compressed run-length code; `size_hw` in pixels."""

    size_hw: tuple[int, int]
    counts: str


@dataclass(frozen=True)
class Entity:
    """A phrase of the reference description that names something visible.

    `score` in [0, 1] is the best that the detector gave the phrase; `grounded` tells whether that was enough.
    """

    phrase: str
    score: float | None = None
    grounded: bool | None = None
    box_xyxy: BoxXyxy | None = None


@dataclass(frozen=True)
class Object:
    """Something found in the image, with what the vision experts say of it.

    `nearness` in [0, 1], 1 = nearest; `area_fraction` of the image under the box; `place`, `distance` and
    `size` are words computed from geometry, empty where none applies.
    """

    id: str
    phrase: str
    box_xyxy: BoxXyxy
    score: float
    caption: str = ""
    mask: Rle | None = None
    nearness: float | None = None
    area_fraction: float | None = None
    place: str = ""
    distance: str = ""
    size: str = ""


@dataclass(frozen=True)
class Claim:
    """One checkable statement of the final description: `text` stands at `span` (start, end) of it.

    `verdict` is supported, refuted or unknown; `evidence` names objects ("o1") or scores ("phrase:car=0.91").
    """

    kind: str
    text: str
    span: tuple[int, int]
    verdict: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repair:
    """What verification did to a piece of the text.

    `action` is corrected, rewritten, from evidence, dropped, cut or cleaned; `kind` is the kind of the claim that
    was wrong; `before` and `after` are the words, `after` empty where nothing took their place.
    """

    action: str
    kind: str
    before: str
    after: str


@dataclass(frozen=True)
class Item:
    """One image on its way through the stages. `image`: encoded bytes; `name`: a base name, never a path.

    `probes` are things that no text named and that were looked for nevertheless.
    `written` is the description as it was before verification, `repairs` what was done to it since, and `marked`
    are the sentences of the description that say what nothing supports.
    """

    id: str
    image: bytes
    name: str
    size_wh: tuple[int, int]
    reference: str | None = None
    entities: tuple[Entity, ...] | None = None
    hallucinated: tuple[str, ...] | None = None
    probes: tuple[Entity, ...] | None = None
    objects: tuple[Object, ...] | None = None
    facts: tuple[str, ...] | None = None
    description: str | None = None
    claims: tuple[Claim, ...] | None = None
    written: str | None = None
    repairs: tuple[Repair, ...] | None = None
    marked: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Rejection:
    """An item that cannot go on: at which stage and why; `reason` is a short phrase that can be counted."""

    id: str
    stage: str
    reason: str
    detail: str = ""
