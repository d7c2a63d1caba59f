from typing import Any

from factory.records import Entity, Item, Rejection
from factory.stages.verify import Verify, VerifyConfig
from tests.factory.stages.fakes import FakeDetector, item, thing

UMBRELLA = thing(1, "red umbrella", (0, 10, 40, 60), 0.9)
BALL = thing(2, "blue ball", (90, 20, 100, 30), 0.1)
BOX = (0.0, 0.0, 9.0, 9.0)


def verify(
    text: str, found: Any = None, entities: Any = (), objects: Any = (UMBRELLA, BALL), **options: Any
) -> Item | Rejection:
    detector = None if found is None else FakeDetector(found)
    made = item(description=text, entities=entities, objects=objects)
    return Verify(detector, VerifyConfig(**options)).run([made])[0]


def verdicts(outcome: Item | Rejection) -> dict[str, str]:
    assert isinstance(outcome, Item), outcome
    return {f"{claim.kind}: {claim.text}": claim.verdict for claim in outcome.claims or ()}


def text_of(outcome: Item | Rejection) -> str:
    assert isinstance(outcome, Item), outcome
    return outcome.description or ""


def test_true_claims_are_supported_by_the_objects_they_speak_of() -> None:
    text = (
        "This is a beach. A large red umbrella is on the left, close to the viewer. "
        "The red umbrella is in front of the blue ball."
    )
    done = verify(text, {})
    assert set(verdicts(done).values()) - {"unknown"} == {"supported"}
    assert isinstance(done, Item)
    relation = next(c for c in done.claims or () if c.kind == "relation")
    assert relation.evidence == ("o1", "o2")


def test_every_claim_stands_at_its_span_also_after_a_sentence_is_dropped() -> None:
    done = verify(
        "This is a beach. A red umbrella is on the right. A blue ball is on the right, far away.", {}
    )
    assert isinstance(done, Item)
    assert done.description == "This is a beach. A blue ball is on the right, far away."
    assert done.claims
    assert all(done.description[c.span[0] : c.span[1]] == c.text for c in done.claims)


def test_refuted_claims_are_kept_when_asked() -> None:
    done = verify("A red umbrella is on the right.", {}, on_refuted="keep")
    assert verdicts(done)["position: on the right"] == "refuted"


def test_what_is_no_object_is_looked_for_by_the_detector() -> None:
    done = verify(
        "There is a boat. There is a crab.", {"boat": [(BOX, 0.8)], "crab": [(BOX, 0.1)]}, on_refuted="keep"
    )
    assert verdicts(done) == {"existence: a boat": "supported", "existence: a crab": "refuted"}
    assert isinstance(done, Item)
    assert [c.evidence for c in done.claims or ()] == [("phrase:boat=0.80",), ("phrase:crab=0.10",)]


def test_scores_of_the_entities_are_evidence_and_not_asked_for_again() -> None:
    detector = FakeDetector({})
    made = item(description="There is a boat.", entities=[Entity("boats", 0.1, False)], objects=(BALL,))
    done = Verify(detector, VerifyConfig(on_refuted="keep")).run([made])[0]
    assert verdicts(done) == {"existence: a boat": "refuted"}
    assert detector.asked == [[]]


def test_without_a_detector_what_was_not_seen_is_unknown() -> None:
    assert verdicts(verify("There is a boat.")) == {"existence: a boat": "unknown"}


def test_a_wrong_colour_is_refuted_by_a_low_score() -> None:
    done = verify("There is a green umbrella.", {"green umbrella": [(BOX, 0.05)]}, on_refuted="keep")
    assert verdicts(done)["attribute: green umbrella"] == "refuted"
    assert verdicts(done)["existence: a green umbrella"] == "supported"  # an umbrella there is


def test_a_wrong_number_is_refuted() -> None:
    done = verify("There are two balls in total.", {}, on_refuted="keep")
    assert verdicts(done)["count: two balls"] == "refuted"


def test_words_within_the_tolerance_of_a_border_are_supported() -> None:
    border = thing(1, "cup", (39, 0, 43, 4), 0.63)  # centre at 0.342 of the width
    assert verdicts(verify("A cup is on the left, close to the viewer.", {}, objects=(border,))) == {
        "existence: A cup": "supported",
        "position: on the left": "supported",
        "depth: close to the viewer": "supported",
    }


def test_the_sentence_after_a_dropped_one_does_not_speak_of_another() -> None:
    text = "A blue ball is on the left. Another blue ball is on the right."
    assert text_of(verify(text, {})) == "A blue ball is on the right."


def test_moods_are_unknown_and_dropped_when_asked() -> None:
    text = "This is a beach. A blue ball is on the right. It feels peaceful and calm."
    assert "unknown" in verdicts(verify(text, {})).values()
    assert (
        text_of(verify(text, {}, on_unknown="drop_sentence"))
        == "This is a beach. A blue ball is on the right."
    )


def test_a_text_of_which_nothing_is_left_is_rejected() -> None:
    done = verify("A red umbrella is on the right.", {})
    assert isinstance(done, Rejection) and done.reason == "nothing left of the description"


def test_what_was_dropped_is_counted() -> None:
    stage = Verify(None, VerifyConfig())
    stage.run(
        [
            item(
                description="A red umbrella. A red umbrella is on the right.",
                entities=(),
                objects=(UMBRELLA,),
            )
        ]
    )
    assert stage.counts["dropped sentences"] == 1
