from typing import Any

from factory.models import Owlv2Config, TransformersChatConfig
from factory.models.protocols import ChatRequest, Reply
from factory.prompts import Prompt
from factory.records import Entity, Item, Object
from factory.stages.regions import FindRegions, RegionsConfig
from tests.factory.stages.fakes import FakeChat, FakeDetector, item

LEFT, MIDDLE, RIGHT = (2.0, 20.0, 32.0, 50.0), (45.0, 20.0, 75.0, 50.0), (85.0, 20.0, 115.0, 50.0)
NEAR_LEFT = (4.0, 20.0, 34.0, 50.0)


def find(detector: FakeDetector, answer: Any, entities: Any = (), **options: Any) -> tuple[Object, ...]:
    owl, chat = Owlv2Config(), TransformersChatConfig(checkpoint="unused")
    config = RegionsConfig(proposer=owl, captioner=chat, detector=owl, **options)
    captioner = answer if isinstance(answer, FakeChat) else FakeChat(answer)
    stage = FindRegions(detector, captioner, detector, Prompt("What is this?", "test"), config)
    done = stage.run([item(entities=entities)])[0]
    assert isinstance(done, Item)
    return done.objects or ()


def by_place(names: dict[int, str]) -> Any:
    """Answer in the order asked, which is the proposals' order."""
    queue = iter(names.values())
    return lambda _: next(queue)


def test_objects_are_numbered_from_left_to_right() -> None:
    detector = FakeDetector({"car": [(RIGHT, 0.9), (LEFT, 0.8)]}, proposed=[(RIGHT, 0.9), (LEFT, 0.8)])
    found = find(detector, lambda _: "car")
    assert [(o.id, o.box_xyxy, round(o.score, 2)) for o in found] == [("o1", LEFT, 0.8), ("o2", RIGHT, 0.9)]


def test_a_name_that_the_detector_does_not_confirm_there_is_dropped() -> None:
    detector = FakeDetector(
        {"car": [(RIGHT, 0.9)], "bus": [(LEFT, 0.1)]}, proposed=[(LEFT, 0.9), (MIDDLE, 0.8)]
    )
    assert find(detector, by_place({0: "bus", 1: "car"})) == ()  # too low a score; right name, wrong place


def test_the_caption_is_kept_and_its_thing_named() -> None:
    detector = FakeDetector({"red car": [(LEFT, 0.9)]}, proposed=[(LEFT, 0.9)])
    found = find(detector, lambda _: "This is a red car on a road.")
    assert [(o.phrase, o.caption) for o in found] == [("red car", "This is a red car on a road.")]


def test_grounded_entities_without_a_region_become_objects() -> None:
    entities = [
        Entity("two boats", 0.8, True, MIDDLE),
        Entity("cars", 0.9, True, NEAR_LEFT),
        Entity("dog", 0.1, False),
    ]
    detector = FakeDetector({"red car": [(LEFT, 0.9)]}, proposed=[(LEFT, 0.9)])
    found = find(detector, lambda _: "red car", entities)
    assert [o.phrase for o in found] == ["red car", "boat"]  # the car has its region already


def test_of_two_objects_at_one_place_the_better_stays() -> None:
    detector = FakeDetector(
        {"car": [(LEFT, 0.6)], "bus": [(NEAR_LEFT, 0.7)]}, proposed=[(LEFT, 0.9), (NEAR_LEFT, 0.8)]
    )
    assert [o.phrase for o in find(detector, by_place({0: "car", 1: "bus"}))] == ["bus"]


def test_a_region_without_a_caption_is_passed_over() -> None:
    detector = FakeDetector({"car": [(LEFT, 0.9)]}, proposed=[(LEFT, 0.9), (RIGHT, 0.8)])
    found = find(
        detector, lambda request: "car" if request.image.getpixel((0, 0)) else Reply("", error="busy")
    )
    assert [o.phrase for o in found] == ["car"]


def test_crops_are_square_and_lie_inside_the_image() -> None:
    sizes = []

    def answer(request: ChatRequest) -> str:
        assert request.image is not None
        sizes.append(request.image.size)
        return ""

    find(FakeDetector({}, proposed=[((0.0, 0.0, 20.0, 10.0), 0.9), ((90.0, 40.0, 120.0, 80.0), 0.8)]), answer)
    assert sizes == [(27, 27), (54, 54)]  # 1.35 times the longest side


def test_only_the_likeliest_proposals_are_captioned() -> None:
    chat = FakeChat(lambda _: "car")
    find(FakeDetector({}, proposed=[(LEFT, 0.9), (MIDDLE, 0.8), (RIGHT, 0.7)]), chat, max_regions=2)
    assert len(chat.asked) == 2


def test_an_empty_scene_has_no_objects() -> None:
    assert find(FakeDetector({}), lambda _: "car") == ()


def test_one_checkpoint_for_proposing_and_detecting_is_loaded_once() -> None:
    owl, chat = Owlv2Config(), TransformersChatConfig(checkpoint="unused")
    stage = RegionsConfig(proposer=owl, captioner=chat, detector=owl).build()
    assert len(stage._models) == 2


def test_two_boxes_of_one_kind_that_share_most_of_the_smaller_are_one_thing() -> None:
    part = (85.0, 20.0, 97.0, 50.0)  # less than half of RIGHT: too little overlap for two kinds
    detector = FakeDetector({"car": [(RIGHT, 0.9), (part, 0.6)]}, proposed=[(RIGHT, 0.9), (part, 0.8)])
    assert [o.box_xyxy for o in find(detector, lambda _: "car")] == [RIGHT]
    detector = FakeDetector(
        {"car": [(RIGHT, 0.9)], "wheel": [(part, 0.6)]}, proposed=[(RIGHT, 0.9), (part, 0.8)]
    )
    assert len(find(detector, by_place({0: "car", 1: "wheel"}))) == 2


def test_a_caption_and_a_better_box_of_one_thing_are_joined() -> None:
    shifted = (14.0, 20.0, 44.0, 50.0)
    detector = FakeDetector({"red car": [(shifted, 0.6)]}, proposed=[(shifted, 0.9)])
    found = find(detector, lambda _: "red car", [Entity("car", 0.9, True, LEFT)], max_inside=0.5)
    assert [(o.phrase, o.box_xyxy, round(o.score, 2)) for o in found] == [("red car", LEFT, 0.9)]


def test_a_thing_is_where_the_detector_finds_it_by_name() -> None:
    detector = FakeDetector({"car": [(LEFT, 0.9)]}, proposed=[(NEAR_LEFT, 0.8)])
    assert [o.box_xyxy for o in find(detector, lambda _: "car")] == [LEFT]
