from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from factory import rle
from factory.records import BoxXyxy, Item, Object
from factory.stages.facts import Facts, FactsConfig
from factory.stages.verify import Verify, VerifyConfig
from factory.writer import write
from tests.factory.stages.fakes import item, thing

W, H = 120, 80


def facts(*objects: Object, **options: object) -> list[str]:
    done = Facts(FactsConfig.model_validate(options)).run([item(objects=objects)])[0]
    assert isinstance(done, Item)
    return list(done.facts or ())


def test_one_line_per_object_then_counts_then_relations() -> None:
    lines = facts(
        thing(1, "red umbrella", (0, 10, 40, 60), 0.9),
        thing(2, "blue ball", (50, 20, 60, 30), 0.1),
        thing(3, "green ball", (80, 20, 110, 45), 0.5),
    )
    assert lines == [
        "large red umbrella | on the left | close to the viewer",
        "small blue ball | in the middle | far away",
        "green ball | on the right | halfway back",
        "count | two balls",
        "relation | the red umbrella | in front of | the blue ball",
    ]


def test_relations_are_only_between_things_that_their_name_tells_apart() -> None:
    twins = thing(1, "ball", (0, 0, 10, 10), 1.0), thing(2, "ball", (20, 0, 30, 10), 0.0)
    assert not any(line.startswith("relation") for line in facts(*twins))
    assert facts(*twins, thing(3, "cup", (60, 0, 70, 10), 0.8))[-1] == "count | two balls"


def test_a_small_difference_in_nearness_is_not_told() -> None:
    near, far = thing(1, "cup", (0, 0, 10, 10), 0.64), thing(2, "cake", (50, 0, 60, 10), 0.5)
    assert not any(line.startswith("relation") for line in facts(near, far))


def test_left_and_right_are_told_when_asked_for() -> None:
    right, left = thing(1, "cup", (100, 0, 110, 10)), thing(2, "cake", (0, 0, 10, 10))
    assert facts(right, left, sideways=True)[-1] == "relation | the cake | to the left of | the cup"


def test_no_objects_no_facts() -> None:
    assert facts() == []


def test_what_is_at_one_distance_hidden_or_wide_is_told_when_asked_for() -> None:
    bus = thing(1, "bus", (20, 0, 80, 60), 0.9)
    car = thing(2, "red car", (70, 20, 90, 40), 0.6)
    cup = thing(3, "cup", (100, 0, 110, 10), 0.62)
    told = facts(bus, car, cup, same_distance=True, hidden=True, shares=True)
    assert told[-3:] == [
        "relation | the cup | at the same distance as | the red car",
        "hidden | the red car | behind | the bus",
        "share | the bus | about a third of the image",
    ]
    assert write("", told[-3:]) == (
        "The cup is at the same distance as the red car. The red car is partly hidden behind the bus. "
        "The bus takes up about a third of the image."
    )


def test_the_mask_and_not_the_box_tells_what_is_hidden_and_how_wide_a_thing_is() -> None:
    thin = np.zeros((H, W), np.bool_)
    thin[:, 20] = True
    pole = replace(thing(1, "pole", (0, 0, 120, 80), 0.9), mask=rle.encode(thin))
    car = thing(2, "car", (70, 20, 90, 40), 0.5)
    told = facts(pole, car, hidden=True, shares=True)
    assert not any(line.startswith(("hidden", "share")) for line in told)


coordinate = st.integers(0, 40)
EVERYTHING = {
    "sideways": True,
    "min_sideways_gap": 0.01,
    "same_distance": True,
    "hidden": True,
    "shares": True,
}
TURNED = {"on the left": "on the right", "on the right": "on the left"}


@st.composite
def scene(draw: st.DrawFn) -> tuple[Object, ...]:
    objects = []
    for number in range(draw(st.integers(1, 4))):
        left, top = draw(coordinate) * 2, draw(coordinate)
        width, height = draw(st.integers(1, 20)) * 2, draw(st.integers(1, 40))
        box: BoxXyxy = (left, top, left + width, top + height)
        phrase = draw(st.sampled_from(["red car", "bus", "ball"]))
        objects.append(thing(number, phrase, box, draw(st.integers(0, 20)) / 20))
    return tuple(objects)


def mirrored(object_: Object) -> Object:
    left, top, right, bottom = object_.box_xyxy
    return replace(object_, box_xyxy=(W - right, top, W - left, bottom))


def swapped(line: str) -> str:
    marks = {"on the left": "on the right", "on the right": "on the left"}
    return " | ".join(marks.get(part, part) for part in line.split(" | "))


@given(scene())
def test_mirroring_swaps_left_and_right_and_nothing_else(objects: tuple[Object, ...]) -> None:
    assert facts(*(mirrored(o) for o in objects)) == [swapped(line) for line in facts(*objects)]


def apart(objects: tuple[Object, ...]) -> tuple[Object, ...]:
    """Give each thing a name and a distance of its own, so that no order is left to chance."""
    return tuple(
        replace(o, phrase=f"thing{i}", nearness=min(1.0, (o.nearness or 0.0) * 0.9 + i * 0.02))
        for i, o in enumerate(objects)
    )


@given(scene())
def test_mirroring_leaves_who_is_in_front_hidden_alike_far_and_wide(objects: tuple[Object, ...]) -> None:
    told = apart(objects)

    def others(lines: list[str]) -> list[str]:
        return sorted(swapped(line) for line in lines if "to the left of" not in line)

    mirror = facts(*(mirrored(o) for o in told), **EVERYTHING)
    assert others(mirror) == sorted(
        line for line in facts(*told, **EVERYTHING) if "to the left of" not in line
    )
    pairs = {tuple(line.split(" | ")[1::2]) for line in mirror if "to the left of" in line}
    back = {
        tuple(line.split(" | ")[:0:-2]) for line in facts(*told, **EVERYTHING) if "to the left of" in line
    }
    centres = [o.box_xyxy[0] + o.box_xyxy[2] for o in told]
    assert pairs == back or len(set(centres)) < len(centres)  # of things above each other either may be named


@given(scene())
def test_what_the_facts_say_is_supported_when_it_is_written_out(objects: tuple[Object, ...]) -> None:
    made = Facts(FactsConfig.model_validate(EVERYTHING)).run([item(objects=apart(objects), entities=())])[0]
    assert isinstance(made, Item)
    text = write("", made.facts or ())
    done = Verify(None, VerifyConfig(on_refuted="keep")).run([replace(made, description=text)])[0]
    assert isinstance(done, Item)
    assert not [claim for claim in done.claims or () if claim.verdict == "refuted"]


@given(scene(), st.sampled_from([2, 3, 10]))
def test_the_size_of_the_image_changes_nothing(objects: tuple[Object, ...], factor: int) -> None:
    def scaled(o: Object) -> Object:
        left, top, right, bottom = o.box_xyxy
        return replace(o, box_xyxy=(left * factor, top * factor, right * factor, bottom * factor))

    large = replace(item(objects=tuple(scaled(o) for o in objects)), size_wh=(W * factor, H * factor))
    done = Facts(FactsConfig.model_validate(EVERYTHING)).run([large])[0]
    assert isinstance(done, Item)
    assert list(done.facts or ()) == facts(*objects, **EVERYTHING)
