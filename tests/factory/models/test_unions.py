"""Every kind of model can be named where a recipe asks for its promise."""

from typing import Any

import pytest

from factory.stages.depth import DepthConfig
from factory.stages.ground import GroundConfig
from factory.stages.masks import MasksConfig
from recipes import Config


@pytest.mark.parametrize(
    ("stage", "field", "kind"),
    [
        *((GroundConfig, "detector", kind) for kind in ("owlv2", "grounding_dino", "groundingdino_py")),
        *((MasksConfig, "segmenter", kind) for kind in ("sam", "sam2")),
        *((DepthConfig, "model", kind) for kind in ("depth_anything", "glpn")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_stage_takes_every_kind_and_is_known_by_it(stage: type[Config], field: str, kind: str) -> None:
    config: Any = stage.model_validate({field: {"kind": kind, "checkpoint": "org/model", "revision": "abc"}})
    assert getattr(config, field).kind == kind
    identity = config.identity()
    assert (identity["model"], identity["revision"]) == ("org/model", "abc")
    config.build()


def test_how_regions_are_found_tells_the_detectors_apart() -> None:
    usual = GroundConfig.model_validate({"detector": {"kind": "groundingdino_py"}}).identity()
    for change in ({"weights": "other.pth"}, {"packing": "packed"}, {"shortest_edge": 640}):
        changed = GroundConfig.model_validate({"detector": {"kind": "groundingdino_py", **change}})
        assert changed.identity() != usual
