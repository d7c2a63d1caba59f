import pytest

from eval.captions import Captions
from eval.claims import Claim, Parser, judge
from eval.metrics.claims import Claims
from eval.scoring import score_claims
from eval.statistics import Resampling
from eval.truth import Truth, TruthImage, TruthObject
from eval.vocabulary import vocabulary_for

CLASSES = ("umbrella", "boat", "crab", "ball", "bench", "dog", "car", "bus", "orange")
PARSE = Parser(vocabulary_for(CLASSES), ("beach", "street"))

# a red umbrella, large, left, near; a blue ball, middle, far; a green ball, small, right, halfway
IMAGE = TruthImage(
    "1",
    "1.png",
    (
        TruthObject("u", "umbrella", (0.0, 0.3, 0.4, 0.9), "red", 0.9),
        TruthObject("b", "ball", (0.4, 0.4, 0.6, 0.8), "blue", 0.2),
        TruthObject("g", "ball", (0.8, 0.4, 1.0, 0.6), "green", 0.5),
    ),
    setting="beach",
)


def _claims(text: str) -> list[tuple[str, str, str]]:
    return [(claim.kind, str(claim.subject), claim.value) for claim in PARSE(text).claims]


def _verdicts(text: str, image: TruthImage = IMAGE) -> dict[tuple[str, str], bool | None]:
    return {(claim.kind, claim.value): judge(claim, image).true for claim in PARSE(text).claims}


def test_a_whole_description_is_read() -> None:
    assert _claims(
        "This is a beach. A large red umbrella is on the left, close to the viewer. "
        "There are two balls in total. The red umbrella is in front of the blue ball."
    ) == [
        ("setting", "beach", "beach"),
        ("size", "red umbrella", "large"),
        ("attribute", "umbrella", "red"),
        ("existence", "umbrella", "umbrella"),
        ("position", "red umbrella", "left"),
        ("depth", "red umbrella", "close"),
        ("count", "ball", "2"),
        ("existence", "ball", "ball"),
        ("relation", "red umbrella", "in front of"),
        ("attribute", "ball", "blue"),
    ]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("", []),
        ("It is a lovely day.", []),
        ("A photo of a boat.", [("existence", "boat", "boat")]),
        ("Boats.", [("existence", "boat", "boat")]),
        ("There are 3 buses.", [("count", "bus", "3"), ("existence", "bus", "bus")]),
        ("There is one dog.", [("existence", "dog", "dog")]),
        ("A beautiful old boat.", [("existence", "boat", "boat")]),
        (
            "A tiny grey dog.",
            [("size", "gray dog", "small"), ("attribute", "dog", "gray"), ("existence", "dog", "dog")],
        ),
        ("A dog. The dog is red.", [("existence", "dog", "dog"), ("attribute", "dog", "red")]),
        ("A dog. It is far away.", [("existence", "dog", "dog"), ("depth", "dog", "far")]),
        ("An orange ball.", [("attribute", "ball", "orange"), ("existence", "ball", "ball")]),
        ("The ball is orange.", [("existence", "ball", "ball"), ("attribute", "ball", "orange")]),
        ("A ball and an orange.", [("existence", "ball", "ball"), ("existence", "orange", "orange")]),
        ("A dog is in the background.", [("existence", "dog", "dog"), ("depth", "dog", "far")]),
        ("A dog in the foreground.", [("existence", "dog", "dog"), ("depth", "dog", "close")]),
        ("A dog in the center of the image.", [("existence", "dog", "dog"), ("position", "dog", "middle")]),
        ("A dog in the middle distance.", [("existence", "dog", "dog"), ("depth", "dog", "halfway")]),
        (
            "A dog on the left side of the picture.",
            [("existence", "dog", "dog"), ("position", "dog", "left")],
        ),
        ("There is no dog.", [("existence", "dog", "dog")]),
    ],
)
def test_many_ways_of_saying_it_are_read(text: str, claims: list[tuple[str, str, str]]) -> None:
    assert _claims(text) == claims


def test_a_place_belongs_to_the_object_it_is_said_of() -> None:
    text = "On the left there is a boat, and on the right a crab."
    places = [(str(c.subject), c.value) for c in PARSE(text).claims if c.kind == "position"]
    assert places == [("boat", "left"), ("crab", "right")]


def test_left_of_something_is_a_relation_not_a_place() -> None:
    claims = [c for c in PARSE("The crab is to the left of the green boat.").claims if c.kind != "existence"]
    assert [(c.kind, str(c.subject), c.value, str(c.other)) for c in claims if c.kind == "relation"] == [
        ("relation", "crab", "left of", "green boat")
    ]
    assert not [c for c in claims if c.kind == "position"]


def test_a_chain_of_relations_keeps_its_subject() -> None:
    claims = PARSE("The crab is behind the ball and in front of the boat.").claims
    assert [(str(c.subject), c.value, str(c.other)) for c in claims if c.kind == "relation"] == [
        ("crab", "behind", "ball"),
        ("crab", "in front of", "boat"),
    ]


def test_what_came_before_is_not_claimed_again() -> None:
    again = _claims("A red umbrella. The red umbrella is behind the umbrella.")
    assert [claim for claim in again if claim[0] in ("existence", "attribute")] == [
        ("attribute", "umbrella", "red"),
        ("existence", "umbrella", "umbrella"),
    ]


def test_another_needs_one_more() -> None:
    claims = [
        claim for claim in PARSE("A ball. Another ball. Another ball.").claims if claim.kind == "existence"
    ]
    assert [claim.at_least for claim in claims] == [1, 2, 3]
    assert [judge(claim, IMAGE).true for claim in claims] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "at_least"),
    [
        ("A ball and a ball.", [1, 2]),
        ("A blue ball, a crab and a green ball.", [1, 1, 2]),
        ("A blue ball. A blue ball is on the left.", [1, 1]),  # maybe one and the same
        ("A ball. The ball and a crab.", [1, 1]),
    ],
)
def test_in_one_sentence_each_a_is_another_object(text: str, at_least: list[int]) -> None:
    assert [claim.at_least for claim in PARSE(text).claims if claim.kind == "existence"] == at_least


def test_every_span_is_the_words_of_the_claim() -> None:
    text = "A photo of a street. Two small red cars are on the right, far away, behind the bus."
    words = {
        claim.kind: text[claim.start : claim.end]
        for claim in PARSE(text).claims
        if str(claim.subject) != "bus"
    }
    assert words == {
        "setting": "street", "count": "Two small red cars", "size": "small", "attribute": "red",
        "existence": "cars",
        "position": "on the right", "depth": "far away", "relation": "behind the bus",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "claim", "true"),
    [
        ("A ball.", ("existence", "ball"), True),
        ("A boat.", ("existence", "boat"), False),
        ("There is no boat.", ("existence", "boat"), True),
        ("There is no ball.", ("existence", "ball"), False),
        ("A green ball.", ("attribute", "green"), True),
        ("A red ball.", ("attribute", "red"), False),
        ("A red boat.", ("attribute", "red"), False),
        ("Two balls.", ("count", "2"), True),
        ("Three balls.", ("count", "3"), False),
        ("Two blue balls.", ("count", "2"), False),
        ("A ball is on the right.", ("position", "right"), True),
        ("A blue ball is on the right.", ("position", "right"), False),  # it is the green one
        ("A boat is on the right.", ("position", "right"), False),
        ("A ball is far away.", ("depth", "far"), True),
        ("The umbrella is far away.", ("depth", "far"), False),
        ("A large umbrella.", ("size", "large"), True),
        ("A small umbrella.", ("size", "small"), False),
        ("The umbrella is in front of the ball.", ("relation", "in front of"), True),
        ("The umbrella is behind the ball.", ("relation", "behind"), False),
        ("The umbrella is to the left of the green ball.", ("relation", "left of"), True),
        ("The umbrella is to the right of the boat.", ("relation", "right of"), False),
        ("A beach.", ("setting", "beach"), True),
        ("A street.", ("setting", "street"), False),
    ],
)
def test_claims_are_judged_against_some_object_of_that_class_and_colour(
    text: str, claim: tuple[str, str], true: bool
) -> None:
    assert _verdicts(text)[claim] is true


@pytest.mark.parametrize(
    ("center_x", "true_places"),
    [
        (0.10, {"left"}),
        (0.30, {"left", "middle"}),  # 0.293 to 0.373: within 0.04 of the border at 1/3
        (0.37, {"left", "middle"}),
        (0.38, {"middle"}),
        (0.50, {"middle"}),
        (0.63, {"middle", "right"}),
        (0.71, {"right"}),
    ],
)
def test_near_a_border_both_places_are_true(center_x: float, true_places: set[str]) -> None:
    image = TruthImage("1", "1", (TruthObject("x", "dog", (center_x - 0.1, 0, center_x + 0.1, 0.1)),))
    verdicts = {
        place: _verdicts(f"A dog is on the {place}.", image)["position", place] for place in ("left", "right")
    }
    verdicts["middle"] = _verdicts("A dog is in the middle.", image)["position", "middle"]
    assert {place for place, true in verdicts.items() if true} == true_places


@pytest.mark.parametrize(
    ("nearness", "true_words"),
    [(0.2, {"far away"}), (0.40, {"far away", "halfway back"}), (0.5, {"halfway back"}),
     (0.60, {"halfway back", "close to the viewer"}), (0.72, {"close to the viewer"})],
)  # fmt: skip
def test_near_a_border_both_distances_are_true(nearness: float, true_words: set[str]) -> None:
    image = TruthImage("1", "1", (TruthObject("x", "dog", (0, 0, 1, 1), None, nearness),))
    said = {
        words: PARSE(f"A dog is {words}.").claims[-1]
        for words in ("far away", "halfway back", "close to the viewer")
    }
    assert {words for words, claim in said.items() if judge(claim, image).true} == true_words


@pytest.mark.parametrize(
    ("side", "sizes"), [(0.2, {"small"}), (0.29, {"small"}), (0.31, set()), (0.32, {"large"})]
)
def test_sizes_are_shares_of_the_image(side: float, sizes: set[str]) -> None:
    # areas 0.04, 0.0841, 0.0961, 0.1024; small up to 0.07 + 0.02, large from 0.12 - 0.02
    image = TruthImage("1", "1", (TruthObject("x", "dog", (0, 0, side, side)),))
    said = {size: _verdicts(f"A {size} dog.", image)["size", size] for size in ("small", "large")}
    assert {size for size, true in said.items() if true} == sizes


def test_what_the_truth_does_not_record_is_not_judged() -> None:
    bare = TruthImage("1", "1", (TruthObject("x", "dog"), TruthObject("y", "bus")))
    verdicts = _verdicts(
        "A large red dog is on the left, far away. The dog is behind the bus. A beach.", bare
    )
    assert {kind for (kind, _), true in verdicts.items() if true is None} == {
        "size", "attribute", "position", "depth", "relation", "setting"
    }  # fmt: skip
    assert verdicts["existence", "dog"] is True


def test_the_verdict_names_reason_and_evidence() -> None:
    claim = Claim("existence", PARSE("A ball.").claims[0].subject, "ball", 0, 1)
    assert judge(claim, IMAGE).evidence == ("b", "g")
    wrong = next(c for c in PARSE("A red ball is far away.").claims if c.kind == "depth")
    assert judge(wrong, IMAGE).reason == "no ball is red (blue, green)"


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("", 0),
        ("A ball.", 1),
        ("A blue ball. The blue ball.", 1),  # one and the same
        ("A blue ball and a green ball.", 2),
        ("A ball. Another ball.", 2),
        ("A ball and a ball.", 2),
        ("A blue ball. Another ball. There are two balls in total.", 2),
        ("Two balls.", 2),
        ("Some balls.", 2),  # all of them
        ("Nine balls and a boat.", 2),  # no credit for more than there is
        ("There is no ball.", 0),
        ("A red umbrella and two balls.", 3),
    ],
)
def test_coverage_counts_named_objects(text: str, covered: int) -> None:
    truth = Truth({"1": IMAGE}, CLASSES)
    score = score_claims(Claims.against(truth, vocabulary_for(CLASSES)), Captions({"1": text}), truth)
    assert score.tally.counts("1")["named"] == covered
    assert sum(score.evidence["1"]["missed"].values()) == 3 - covered


def test_every_figure_by_hand() -> None:
    truth = Truth({"1": IMAGE}, CLASSES)
    text = "This is a beach. A red ball is on the left. What a sight!"
    score = score_claims(Claims.against(truth, vocabulary_for(CLASSES)), Captions({"1": text}), truth)
    figures = score.figures(Resampling(10))
    # existence is true; attribute and position are false; the setting is counted apart
    assert (figures["claim_precision"].value, figures["claim_precision"].n) == (pytest.approx(1 / 3), 3)
    assert figures["coverage"].value == pytest.approx(1 / 3)
    assert figures["words"].value == 14
    assert figures["unparsed_sentences"].value == pytest.approx(1 / 3)
    assert figures["setting_accuracy"].value == 1.0
    assert figures["precision_size"].value is None
