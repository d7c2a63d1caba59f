"""Every adapter under the name of what it runs on: its fake, the picture book's checkpoint, tiny random weights."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from factory.models import (
    DepthAnythingConfig,
    Florence2Config,
    GlpnConfig,
    GroundingDinoConfig,
    GroundingDinoPyConfig,
    OpenAIChatConfig,
    Owlv2Config,
    Sam2Config,
    SamConfig,
    TransformersChatConfig,
    VllmChatConfig,
)
from factory.models.protocols import Regions
from factory.models.region_captions import CaptionedRegions
from tests.factory.chat_server import ChatServer
from tests.factory.models.conftest import require_for_test
from tests.factory.stages.fakes import BoxSegmenter, FakeChat, FakeDetector, LeftIsNear, Openable

Checkpoint = Callable[[str], str]
Make = Callable[[Checkpoint, int], Any]
"""From tiny checkpoints by name and a batch size to an adapter."""

BOOK = Path(__file__).parents[3] / "recipes" / "picturebook" / "checkpoints"
THINGS = {
    "dog": [((1.0, 2.0, 30.0, 20.0), 0.9), ((5.0, 5.0, 9.0, 9.0), 0.4)],
    "car": [((2.0, 2.0, 8.0, 8.0), 0.6)],
}


def of_book(config: Any, name: str, **options: Any) -> Make:
    """Return the maker of an adapter on a checkpoint of the picture book."""
    return lambda _, size: config(checkpoint=str(BOOK / name), batch_size=size, **options).build()


def tiny(config: Any, name: str, **options: Any) -> Make:
    """Return the maker of an adapter on tiny random weights."""
    return lambda saved, size: config(checkpoint=saved(name), batch_size=size, **options).build()


def original_dino(saved: Checkpoint, size: int) -> Any:
    """Return an adapter on tiny original weights, or skip."""
    require_for_test("groundingdino.models")
    folder = saved("groundingdino_py")
    return GroundingDinoPyConfig(
        checkpoint=folder, weights="w.pth", architecture="architecture.json", text_encoder=folder,
        shortest_edge=48, longest_edge=96, batch_size=size,
    ).build()  # fmt: skip


def sam2(saved: Checkpoint, size: int) -> Any:
    """Return an adapter on a tiny SAM 2, or skip."""
    require_for_test("torchvision")
    return tiny(Sam2Config, "sam2")(saved, size)


class Served:
    """An adapter with a server of its own that answers by a function of what it is asked."""

    def __init__(self, size: int) -> None:
        self._server = ChatServer(
            lambda asked: hashlib.sha256(json.dumps(asked["messages"]).encode()).hexdigest()
        )
        self._chat = OpenAIChatConfig(base_url=self._server.url, model="m", max_in_flight=size).build()
        self.open, self.reply = self._chat.open, self._chat.reply

    def close(self) -> None:
        self._chat.close()
        self._server.stop()


class FakeCaptioner(Openable):
    """Names two things in every image, as large as it is."""

    def caption_regions(self, images: Any) -> list[CaptionedRegions]:
        return [
            CaptionedRegions(
                Regions(
                    np.array([[0, 0, i.width, i.height], [0, 0, 2, 2]], np.float32), np.ones(2, np.float32)
                ),
                ("a dog", "a car"),
            )
            for i in images
        ]


DETECTORS: dict[str, Make] = {
    "fake": lambda *_: FakeDetector(THINGS),
    "owlv2, picture book": of_book(Owlv2Config, "owlv2"),
    "owlv2, tiny": tiny(Owlv2Config, "owlv2"),
    "grounding_dino, tiny": tiny(GroundingDinoConfig, "grounding_dino"),
    "grounding_dino packed, tiny": tiny(GroundingDinoConfig, "grounding_dino", packing="packed"),
    "mm_grounding_dino, tiny": tiny(GroundingDinoConfig, "mm_grounding_dino"),
    "groundingdino_py, tiny": original_dino,
}
PROPOSERS: dict[str, Make] = {
    "fake": lambda *_: FakeDetector({}, THINGS["dog"]),
    "owlv2, picture book": of_book(Owlv2Config, "owlv2"),
    "owlv2, tiny": tiny(Owlv2Config, "owlv2"),
}
SEGMENTERS: dict[str, Make] = {
    "fake": lambda *_: BoxSegmenter(),
    "sam, picture book": of_book(SamConfig, "sam"),
    "sam, tiny": tiny(SamConfig, "sam"),
    "sam2, tiny": sam2,
}
DEPTHS: dict[str, Make] = {
    "fake": lambda *_: LeftIsNear(),
    "depth_anything, picture book": of_book(DepthAnythingConfig, "depth", scale="absolute"),
    "depth_anything, tiny": tiny(DepthAnythingConfig, "depth_anything"),
    "depth_anything metric, tiny": tiny(DepthAnythingConfig, "depth_anything_metric"),
    "glpn, tiny": tiny(GlpnConfig, "glpn"),
}
CAPTIONERS: dict[str, Make] = {
    "fake": lambda *_: FakeCaptioner(),
    "florence2, tiny": tiny(Florence2Config, "florence2", max_new_tokens=24, num_beams=1),
}
FAKE_VLLM = str(Path(__file__).with_name("fake_vllm"))


def fake_vllm(_: Checkpoint, size: int) -> Any:
    """Return an adapter that starts a stand-in for vLLM."""
    return VllmChatConfig(
        checkpoint="m", python=sys.executable, env={"PYTHONPATH": FAKE_VLLM}, max_in_flight=size,
        start_timeout_s=30,
    ).build()  # fmt: skip


READERS: dict[str, Make] = {
    "fake": lambda *_: FakeChat(lambda request: f"re {request.text}"),
    "openai, fake server": lambda _, size: Served(size),
    "vllm, fake server": fake_vllm,
    "llama, picture book": of_book(TransformersChatConfig, "llama", max_new_tokens=8),
    "llama, tiny": tiny(TransformersChatConfig, "llama", max_new_tokens=8),
    "llava, tiny": tiny(TransformersChatConfig, "llava", max_new_tokens=8),
}
SEERS: dict[str, Make] = {
    "fake": lambda *_: FakeChat(lambda request: f"{request.image.size if request.image else 'none'}"),
    "openai, fake server": lambda _, size: Served(size),
    "llava, picture book": of_book(TransformersChatConfig, "llava", max_new_tokens=8),
    "llava, tiny": tiny(TransformersChatConfig, "llava", max_new_tokens=8),
}
