"""What holds for the state of every metric: it merges with nothing to itself, in any order, and by shards."""

from collections.abc import Callable, Mapping
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.commands.metrics import METRICS
from eval.external import meteor, speech
from eval.measured import formulas_of
from eval.metrics import d2i, linguistic, pope
from eval.metrics.amber import Amber, WordLists
from eval.metrics.chair import Chair
from eval.metrics.claims import Claims
from eval.metrics.entities import Entities, Found
from eval.metrics.mentions import MentionFinder
from eval.metrics.overlap import Overlap
from eval.statistics import Resampling, estimate
from eval.tally import Tally
from eval.truth import Truth, TruthImage, TruthObject
from eval.vocabulary import coco_vocabulary

IMAGES = [str(number) for number in range(8)]
TEXTS = {
    key: text
    for key, text in zip(
        IMAGES,
        [
            "A red dog.",
            "",
            "Two cats. A dog is on the left.",
            "A bus and a car.",
            "Nothing",
            "No dog!",
            "Is it?",
            "a. b",
        ],
        strict=True,
    )
}
_TRUTH = Truth(
    {
        key: TruthImage(key, key, (TruthObject(key, "dog", color="red"), TruthObject(key, "car")))
        for key in IMAGES
    },
    ("dog", "cat", "car", "bus"),
)
_REFERENCES = {key: ["a red dog on a car", "two dogs"] for key in IMAGES}
Update = Callable[[Tally, str], object]


def _pope(state: Tally, key: str) -> None:
    for split in pope.SPLITS:
        pope.update(
            state, split, pope.Question(key, key, key, "Is there a dog?", "yes"), TEXTS[key], "robust"
        )


def _amber(state: Tally, key: str) -> None:
    metric = Amber(WordLists({"dog": [], "cat": [], "car": [], "bus": []}))
    metric.describe(state, key, TEXTS[key], ["dog", "car"], ["cat"])
    metric.answer(state, key, TEXTS[key], "no", "existence")


def _sums(columns: tuple[str, ...]) -> Update:
    """Return what adds sums that a program or a model gives; multiples of 1/8, which add up exactly."""
    return lambda state, key: state.add(key, {name: (int(key) + n) / 8 for n, name in enumerate(columns)})


_D2I = d2i.columns(("clip", "dino"))
_METEOR, _SPEECH = ("texts", *meteor.COLUMNS), (*linguistic.COLUMNS, *speech.COLUMNS)
_CHAIR, _CLAIMS = Chair(MentionFinder(coco_vocabulary())), Claims.against(_TRUTH, coco_vocabulary())
_ENTITIES = Entities()
_OVERLAP = Overlap(_REFERENCES)

REGISTRY: Mapping[str, tuple[Tally, Update]] = {
    "amber": (Amber(WordLists({})).empty(), _amber),
    "chair": (_CHAIR.empty(), lambda state, key: _CHAIR.update(state, _TRUTH[key], TEXTS[key])),
    "claims": (_CLAIMS.empty(), lambda state, key: _CLAIMS.update(state, _TRUTH[key], TEXTS[key])),
    "d2i": (Tally(_D2I), _sums(_D2I)),
    "did": (_OVERLAP.empty(), lambda state, key: _OVERLAP.update(state, key, TEXTS[key])),
    "entities": (
        _ENTITIES.empty(),
        lambda state, key: _ENTITIES.update(
            state, key, TEXTS[key], [Found("dog", ((2, 5),), int(key) / 8, 0.5)] * (int(key) % 3)
        ),
    ),
    "lin": (Tally(linguistic.COLUMNS), lambda state, key: linguistic.update(state, key, TEXTS[key], "textbook")),
    "pope": (Tally(pope.columns(pope.SPLITS)), _pope),
    "did with METEOR": (Tally(_METEOR), _sums(_METEOR)),
    "lin with parts of speech": (Tally(_SPEECH), _sums(_SPEECH)),
}  # fmt: skip
every_metric = pytest.mark.parametrize("name", REGISTRY)


def _whole(name: str, keys: list[str]) -> Tally:
    empty, update = REGISTRY[name]
    state = Tally(empty.columns)
    for key in keys:
        update(state, key)
    return state


def test_no_metric_is_left_out() -> None:
    assert set(METRICS) <= set(REGISTRY)


@every_metric
def test_merging_with_nothing_changes_nothing(name: str) -> None:
    empty, whole = REGISTRY[name][0], _whole(name, IMAGES)
    assert empty.merge(whole) == whole == whole.merge(empty)


@every_metric
@given(order=st.permutations(IMAGES), back=st.booleans())
def test_the_order_of_images_and_of_shards_changes_nothing(name: str, order: list[str], back: bool) -> None:
    assert _whole(name, order) == _whole(name, IMAGES)
    shards = [_whole(name, [key]) for key in order]
    assert reduce(Tally.merge, reversed(shards) if back else shards) == _whole(name, IMAGES)


@every_metric
@given(assigned=st.lists(st.integers(0, 3), min_size=len(IMAGES), max_size=len(IMAGES)))
def test_shards_merge_to_the_whole_and_so_do_their_figures(name: str, assigned: list[int]) -> None:
    by_shard = [[key for key, at in zip(IMAGES, assigned, strict=True) if at == shard] for shard in range(4)]
    merged = reduce(Tally.merge, (_whole(name, keys) for keys in by_shard), REGISTRY[name][0])
    whole = _whole(name, IMAGES)
    assert merged == whole
    formulas, how = formulas_of(name.partition(" ")[0], whole), Resampling(5)
    if name != "did with METEOR":  # without its other counts, BLEU has nothing to count
        assert estimate(merged, formulas, how) == estimate(whole, formulas, how)
