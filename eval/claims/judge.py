"""Judging a claim against the known objects of its image.

Fractions of the image: a place is told by the centre of the box (left < 1/3 <= middle <= 2/3 < right), a size
by the box's share of the image, a distance by nearness in [0, 1]. Within a tolerance of a border both words
are true. A claim is true if some true object of that class, and colour if stated, satisfies it.
"""

from collections.abc import Callable, Sequence

from eval.claims.claim import Claim, Kind, Noun, Verdict
from eval.truth import TruthImage, TruthObject

THIRD = 1 / 3
PLACE_TOLERANCE = 0.04
CLOSE_ABOVE, FAR_BELOW, NEARNESS_TOLERANCE = 0.65, 0.35, 0.06
LARGE_FROM, SMALL_TO, SIZE_TOLERANCE = 0.12, 0.07, 0.02

# rounding of the truth's numbers must not turn a border case
_ROUNDING = 1e-9


def judge(claim: Claim, image: TruthImage) -> Verdict:
    """Return whether a claim about this image is true, and why."""
    return _JUDGES[claim.kind](claim, image)


def _matching(noun: Noun, image: TruthImage) -> list[TruthObject]:
    """Return the objects of the class and colour; a colour the truth does not record excludes nothing."""
    return [
        object_
        for object_ in image.objects
        if object_.name == noun.name and (noun.color is None or object_.color in (None, noun.color))
    ]


def _judge_setting(claim: Claim, image: TruthImage) -> Verdict:
    if image.setting is None:
        return Verdict(None, "the truth does not say where this is")
    return Verdict(image.setting == claim.value, f"this is a {image.setting}")


def _judge_existence(claim: Claim, image: TruthImage) -> Verdict:
    found = _matching(claim.subject, image)
    if claim.negated:
        return Verdict(not found, f"there is {'a' if found else 'no'} {claim.subject}", _ids(found))
    if len(found) >= claim.at_least:
        return Verdict(True, f"the image has {_many(len(found), claim.subject)}", _ids(found))
    if not found:
        return Verdict(False, f"there is no {claim.subject}")
    return Verdict(False, f"the image has only {_many(len(found), claim.subject)}")


def _judge_color(claim: Claim, image: TruthImage) -> Verdict:
    same_class = _matching(Noun(claim.subject.name), image)
    if not same_class:
        return Verdict(False, _absent(claim.subject, image))
    colors = [object_.color for object_ in same_class]
    if None in colors:
        return Verdict(None, f"the truth does not say what colour the {claim.subject.name} is")
    found = [object_ for object_ in same_class if object_.color == claim.value]
    reason = f"{claim.subject.name}: {', '.join(sorted({str(color) for color in colors}))}"
    if found and len(found) < claim.at_least:
        reason = f"the image has only {_many(len(found), Noun(claim.subject.name, claim.value))}"
    return Verdict(len(found) >= claim.at_least, reason, _ids(found) if len(found) >= claim.at_least else ())


def _judge_count(claim: Claim, image: TruthImage) -> Verdict:
    matching = _matching(claim.subject, image)
    true = len(matching) == int(claim.value)
    return Verdict(
        true, f"the image has {_many(len(matching), claim.subject)}", _ids(matching) if true else ()
    )


def _judge_place(claim: Claim, image: TruthImage) -> Verdict:
    def fits(object_: TruthObject) -> bool | None:
        x = _center_x(object_)
        if x is None:
            return None
        left, right = x <= THIRD + PLACE_TOLERANCE + _ROUNDING, x >= 2 * THIRD - PLACE_TOLERANCE - _ROUNDING
        middle = THIRD - PLACE_TOLERANCE - _ROUNDING <= x <= 2 * THIRD + PLACE_TOLERANCE + _ROUNDING
        return {"left": left, "right": right, "middle": middle}[claim.value]

    return _some(claim, image, fits, lambda object_: f"centre at {_center_x(object_) or 0:.2f} of the width")


def _judge_distance(claim: Claim, image: TruthImage) -> Verdict:
    def fits(object_: TruthObject) -> bool | None:
        nearness = object_.nearness
        if nearness is None:
            return None
        slack = NEARNESS_TOLERANCE + _ROUNDING
        close, far = nearness > CLOSE_ABOVE - slack, nearness < FAR_BELOW + slack
        halfway = FAR_BELOW - slack <= nearness <= CLOSE_ABOVE + slack
        return {"close": close, "far": far, "halfway": halfway}[claim.value]

    return _some(claim, image, fits, lambda object_: f"nearness {object_.nearness or 0:.2f}")


def _judge_size(claim: Claim, image: TruthImage) -> Verdict:
    def fits(object_: TruthObject) -> bool | None:
        area = _area(object_)
        if area is None:
            return None
        slack = SIZE_TOLERANCE + _ROUNDING
        return area >= LARGE_FROM - slack if claim.value == "large" else area <= SMALL_TO + slack

    return _some(claim, image, fits, lambda object_: f"{_area(object_) or 0:.0%} of the image")


def _judge_relation(claim: Claim, image: TruthImage) -> Verdict:
    assert claim.other is not None
    matching, others = _matching(claim.subject, image), _matching(claim.other, image)
    if not matching or not others:
        return Verdict(False, _absent(claim.other if matching else claim.subject, image))
    pairs = [(first, second) for first in matching for second in others if first is not second]
    if not pairs:
        return Verdict(False, f"the image has only {_many(len(matching), claim.subject)}")
    outcomes = [(_relation_holds(claim.value, first, second), first, second) for first, second in pairs]
    for holds, first, second in outcomes:
        if holds:
            return Verdict(
                True, f"the {claim.subject} is {claim.value} the {claim.other}", (first.id, second.id)
            )
    if any(holds is None for holds, _, _ in outcomes):
        return Verdict(None, "the truth does not say how these two lie")
    return Verdict(False, f"the {claim.subject} is not {claim.value} the {claim.other}")


def _relation_holds(relation: str, first: TruthObject, second: TruthObject) -> bool | None:
    in_depth = relation in {"in front of", "behind"}
    a, b = (first.nearness, second.nearness) if in_depth else (_center_x(first), _center_x(second))
    if a is None or b is None:
        return None
    return a >= b if relation in {"in front of", "right of"} else a <= b


def _some(
    claim: Claim,
    image: TruthImage,
    fits: Callable[[TruthObject], bool | None],
    describe: Callable[[TruthObject], str],
) -> Verdict:
    matching = _matching(claim.subject, image)
    if not matching:
        return Verdict(False, _absent(claim.subject, image))
    outcomes = [(fits(object_), object_) for object_ in matching]
    found = [object_ for fit, object_ in outcomes if fit]
    if not found and any(fit is None for fit, _ in outcomes):
        return Verdict(None, f"the truth does not record the {claim.kind} of the {claim.subject}")
    seen = ", ".join(describe(object_) for object_ in (found or matching))
    return Verdict(bool(found), f"{claim.subject}: {seen}", _ids(found))


def _absent(noun: Noun, image: TruthImage) -> str:
    same_class = _matching(Noun(noun.name), image)
    if not same_class:
        return f"there is no {noun.name}"
    return f"no {noun.name} is {noun.color} ({', '.join(sorted({str(o.color) for o in same_class}))})"


def _center_x(object_: TruthObject) -> float | None:
    return None if object_.box_xyxy is None else (object_.box_xyxy[0] + object_.box_xyxy[2]) / 2


def _area(object_: TruthObject) -> float | None:
    if object_.box_xyxy is None:
        return None
    left, top, right, bottom = object_.box_xyxy
    return (right - left) * (bottom - top)


def _ids(objects: Sequence[TruthObject]) -> tuple[str, ...]:
    return tuple(object_.id for object_ in objects)


def _many(number: int, noun: Noun) -> str:
    if number == 0:
        return f"no {noun}"
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.name.endswith(('s', 'sh', 'ch', 'x')) else 's'}"


_JUDGES: dict[Kind, Callable[[Claim, TruthImage], Verdict]] = {
    "existence": _judge_existence,
    "attribute": _judge_color,
    "count": _judge_count,
    "position": _judge_place,
    "depth": _judge_distance,
    "size": _judge_size,
    "relation": _judge_relation,
    "setting": _judge_setting,
}
