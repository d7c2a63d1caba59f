"""Builds the model of groundingdino-py and fills it with original weights."""

import contextlib
import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.errors import ModelError
from factory.models.checkpoint import CheckpointConfig, load
from factory.models.extras import Extra

if TYPE_CHECKING:
    from factory.models.groundingdino_py import GroundingDinoPyConfig

EXTRA = Extra(
    "groundingdino.models",
    "kind: groundingdino_py",
    "pip install --no-build-isolation -c constraints.txt groundingdino-py",
)
_PUBLISHED = {"swin_b": "GroundingDINO_SwinB_cfg.py", "swin_t": "GroundingDINO_SwinT_OGC.py"}


def empty_model(config: "GroundingDinoPyConfig") -> Any:
    """Return the package's model with random weights.

    Raises:
        ModelError: the package is missing.
    """
    package = EXTRA.load()
    settings = _settings(config, Path(package.__file__).parents[1] / "config")
    silence = contextlib.redirect_stdout(io.StringIO())
    with _bert_of_transformers_4(config.text_encoder), silence, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return package.build_model(settings)


def fill(model: Any, config: "GroundingDinoPyConfig") -> None:
    """Give the model its weights.

    Raises:
        ModelError: the weights are of another architecture.
    """
    from groundingdino.util.misc import clean_state_dict

    weights = clean_state_dict(_tensors(_file(config, config.weights)))
    misfits = [
        name
        for name, own in model.state_dict().items()
        if not name.endswith("position_ids") and (name not in weights or weights[name].shape != own.shape)
    ]
    if misfits:
        raise ModelError(
            f"{config.weights} in {config.checkpoint!r} is of another architecture than {config.architecture!r}: "
            f"{len(misfits)} tensors are missing or of another shape, such as {misfits[0]}; "
            "set architecture to what it was trained as"
        )
    model.load_state_dict(weights, strict=False)


def _settings(config: "GroundingDinoPyConfig", folder: Path) -> Any:
    """Return the settings that the package builds a model from; `folder` holds the published ones."""
    from groundingdino.util.slconfig import SLConfig

    published = _PUBLISHED.get(config.architecture, _PUBLISHED["swin_t"])
    settings = SLConfig.fromfile(str(folder / published))
    if config.architecture not in _PUBLISHED:
        settings.merge_from_dict(json.loads(_file(config, config.architecture).read_text(encoding="utf-8")))
    # gradients are never asked for, so nothing need be computed twice to save memory
    settings.merge_from_dict({"use_checkpoint": False, "use_transformer_ckpt": False, "device": "cpu"})
    return settings


def _file(config: "GroundingDinoPyConfig", name: str) -> Path:
    """Return the path of a file of the checkpoint, from the hub if need be."""

    def find(checkpoint: str, **hub: str) -> Path:
        if not hub:
            if not (path := Path(checkpoint) / name).is_file():
                there = ", ".join(sorted(file.name for file in Path(checkpoint).iterdir()))
                raise OSError(f"it holds no file {name!r} but {there}")
            return path
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(checkpoint, name, revision=hub["revision"]))

    return load(find, config)


def _tensors(path: Path) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        return dict(load_file(path))
    saved = torch.load(path, map_location="cpu", weights_only=True)
    return dict(saved.get("model", saved))


@contextlib.contextmanager
def _bert_of_transformers_4(name: str) -> Iterator[None]:
    """Let the package build its text encoder from `name`, with what it expects of a BERT."""
    import torch
    from groundingdino.util import get_tokenlizer
    from transformers import AutoTokenizer, BertConfig, BertModel

    class Bert(BertModel):  # type: ignore[misc]
        def get_extended_attention_mask(self, mask: Any, *_: Any) -> Any:
            allowed = mask[:, None] if mask.dim() == 3 else mask[:, None, None]
            lowest = torch.finfo(self.dtype).min
            return torch.zeros_like(allowed, dtype=self.dtype).masked_fill(~allowed.bool(), lowest)

        def invert_attention_mask(self, mask: Any) -> Any:
            return self.get_extended_attention_mask(mask)

        def get_head_mask(self, _: Any, layers: int) -> list[None]:
            return [None] * layers

    at = CheckpointConfig(checkpoint=name)
    tokenizer, shape = load(AutoTokenizer.from_pretrained, at), load(BertConfig.from_pretrained, at)
    before = get_tokenlizer.get_tokenlizer, get_tokenlizer.get_pretrained_language_model
    get_tokenlizer.get_tokenlizer = lambda _: tokenizer
    get_tokenlizer.get_pretrained_language_model = lambda _: Bert(shape)  # the checkpoint brings the weights
    try:
        yield
    finally:
        get_tokenlizer.get_tokenlizer, get_tokenlizer.get_pretrained_language_model = before
