from factory.records import Item
from factory.stages.ground import Ground
from factory.thresholds import Thresholds
from tests.factory.stages.fakes import FakeDetector, item

BOX, OTHER = (10.0, 10.0, 40.0, 40.0), (60.0, 10.0, 90.0, 40.0)


def ground(
    found: dict[str, list[tuple[tuple[float, float, float, float], float]]], *phrases: str, **more: object
) -> Item:
    stage = Ground(FakeDetector(found), Thresholds(0.5, **more))  # type: ignore[arg-type]
    done = stage.run([item(entities=phrases)])[0]
    assert isinstance(done, Item)
    return done


def test_what_scores_below_the_threshold_is_hallucinated() -> None:
    done = ground({"car": [(BOX, 0.5)], "boat": [(BOX, 0.49)]}, "car", "boat", "dog")
    assert done.hallucinated == ("boat", "dog")
    assert [(e.phrase, e.grounded) for e in done.entities or ()] == [
        ("car", True),
        ("boat", False),
        ("dog", False),
    ]
    assert [round(e.score or 0, 2) for e in done.entities or ()] == [
        0.5,
        0.49,
        0.0,
    ]  # scores are kept either way


def test_the_best_box_is_kept_and_only_for_what_is_grounded() -> None:
    done = ground({"car": [(OTHER, 0.6), (BOX, 0.9)], "boat": [(BOX, 0.1)]}, "car", "boat")
    assert [e.box_xyxy for e in done.entities or ()] == [BOX, None]


def test_plurals_and_articles_are_looked_for_as_the_thing_itself() -> None:
    detector = FakeDetector({"red bus": [(BOX, 0.9)]})
    done = Ground(detector, Thresholds(0.5)).run([item(entities=["two red buses", "red bus"])])[0]
    assert detector.asked == [["red bus"]]  # asked once
    assert isinstance(done, Item) and done.hallucinated == ()
    assert [e.phrase for e in done.entities or ()] == ["two red buses", "red bus"]


def test_a_kind_may_have_its_own_threshold() -> None:
    done = ground({"red boat": [(BOX, 0.6)], "car": [(BOX, 0.6)]}, "red boat", "car", of={"boat": 0.7})
    assert done.hallucinated == ("red boat",)


def test_no_entities_no_hallucinations() -> None:
    assert ground({}).hallucinated == ()


def test_things_with_an_attribute_have_a_threshold_of_their_own_where_it_was_calibrated() -> None:
    done = ground({"red car": [(BOX, 0.4)], "car": [(BOX, 0.4)]}, "red car", "car", attribute=0.3)
    assert done.hallucinated == ("car",)


def test_probes_are_looked_for_though_no_text_names_them_and_are_no_hallucinations() -> None:
    stage = Ground(FakeDetector({"car": [(BOX, 0.9)]}), Thresholds(0.5), ["car", "boat"], 2)
    done = stage.run([item(entities=["dog"])])[0]
    assert isinstance(done, Item) and done.hallucinated == ("dog",)
    assert {p.phrase: p.grounded for p in done.probes or ()} == {"car": True, "boat": False}


def test_an_image_gets_the_same_probes_whatever_is_beside_it_and_none_that_is_named() -> None:
    stage = Ground(FakeDetector({}), Thresholds(0.5), [*"abcdefgh"], 3)
    alone = stage.run([item(entities=["a", "b"])])[0]
    beside = stage.run([item(entities=["c"]), item(entities=["a", "b"])])[1]
    assert isinstance(alone, Item) and isinstance(beside, Item) and alone.probes == beside.probes
    assert len({p.phrase for p in alone.probes or ()} - {"a", "b"}) == 3
