"""The models behind the stages: each adapter keeps a promise of `protocols`, each config builds one adapter.

Importing a config imports no torch; weights are loaded by `open`.
"""

from typing import Annotated

from pydantic import Field

from factory.models.depth import DepthAnythingConfig, GlpnConfig
from factory.models.florence2 import Florence2Config
from factory.models.grounding_dino import GroundingDinoConfig
from factory.models.groundingdino_py import GroundingDinoPyConfig
from factory.models.openai_chat import OpenAIChatConfig
from factory.models.owlv2 import Owlv2Config
from factory.models.sam import SamConfig
from factory.models.sam2 import Sam2Config
from factory.models.transformers_chat import TransformersChatConfig
from factory.models.vllm_chat import VllmChatConfig

ChatConfig = Annotated[
    TransformersChatConfig | OpenAIChatConfig | VllmChatConfig, Field(discriminator="kind")
]
RegionCaptionerConfig = Annotated[
    TransformersChatConfig | OpenAIChatConfig | VllmChatConfig | Florence2Config, Field(discriminator="kind")
]
DetectorConfig = Annotated[
    Owlv2Config | GroundingDinoConfig | GroundingDinoPyConfig, Field(discriminator="kind")
]
ProposerConfig = Owlv2Config
SegmenterConfig = Annotated[SamConfig | Sam2Config, Field(discriminator="kind")]
DepthConfig = Annotated[DepthAnythingConfig | GlpnConfig, Field(discriminator="kind")]

__all__ = [
    "ChatConfig",
    "DepthAnythingConfig",
    "DepthConfig",
    "DetectorConfig",
    "Florence2Config",
    "GlpnConfig",
    "GroundingDinoConfig",
    "GroundingDinoPyConfig",
    "OpenAIChatConfig",
    "Owlv2Config",
    "ProposerConfig",
    "RegionCaptionerConfig",
    "Sam2Config",
    "SamConfig",
    "SegmenterConfig",
    "TransformersChatConfig",
    "VllmChatConfig",
]
