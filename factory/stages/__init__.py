"""The stages: one file each; a recipe lists their configs in order."""

from typing import Annotated

from pydantic import Field

from factory.stages.depth import DepthConfig
from factory.stages.describe import DescribeConfig
from factory.stages.extract import ExtractConfig
from factory.stages.facts import FactsConfig
from factory.stages.ground import GroundConfig
from factory.stages.masks import MasksConfig
from factory.stages.recaption import RecaptionConfig
from factory.stages.regions import RegionsConfig
from factory.stages.verify import VerifyConfig

StageConfig = Annotated[
    DescribeConfig
    | ExtractConfig
    | GroundConfig
    | RegionsConfig
    | MasksConfig
    | DepthConfig
    | FactsConfig
    | RecaptionConfig
    | VerifyConfig,
    Field(discriminator="kind"),
]

__all__ = [
    "DepthConfig",
    "DescribeConfig",
    "ExtractConfig",
    "FactsConfig",
    "GroundConfig",
    "MasksConfig",
    "RecaptionConfig",
    "RegionsConfig",
    "StageConfig",
    "VerifyConfig",
]
