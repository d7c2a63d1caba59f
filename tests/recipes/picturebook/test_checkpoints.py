"""The committed checkpoints are small, safe, and as good as their cards say they must be."""

import json
from pathlib import Path

import pytest

HOME = Path(__file__).parents[3] / "recipes/picturebook/checkpoints"
NAMES = ("llava", "owlv2", "sam", "depth", "llama")
MAX_TOTAL_BYTES = 24_000_000


def _scores(name: str) -> dict[str, float]:
    scores: dict[str, float] = json.loads((HOME / name / "scores.json").read_text(encoding="utf-8"))
    return scores


def test_all_checkpoints_together_are_small() -> None:
    assert sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file()) <= MAX_TOTAL_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_safetensors_and_the_card_states_every_score(name: str) -> None:
    files = {path.suffix for path in (HOME / name).iterdir()}
    assert (HOME / name / "model.safetensors").is_file()
    assert not files & {".bin", ".pt", ".pkl", ".pth"}
    card = (HOME / name / "README.md").read_text(encoding="utf-8")
    for measure, value in _scores(name).items():
        assert f"| {measure.replace('_', ' ')} | {value:.4g} |" in card


@pytest.mark.parametrize(
    ("name", "measure", "low", "high"),
    [
        ("owlv2", "ap50", 0.80, 1.0),
        ("owlv2", "false_positive_rate", 0.0, 0.05),
        ("sam", "mean_iou", 0.85, 1.0),
        ("depth", "spearman", 0.90, 1.0),
        ("llava", "list_wrong_names", 0.0, 0.05),
        ("llava", "describe_chair_i", 0.15, 0.6),
    ],
)
def test_a_score_is_where_the_loop_needs_it(name: str, measure: str, low: float, high: float) -> None:
    assert low <= _scores(name)[measure] <= high
