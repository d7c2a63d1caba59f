"""Checkpoints by hub name or local folder: where they are, how they run, and what identifies them."""

import gc
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from factory.errors import ModelError
from recipes import Config

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Loaded = TypeVar("Loaded")

_EXTRAS = ("torchvision", "timm", "tiktoken", "sentencepiece", "scipy", "einops")
_CHUNK_BYTES = 1 << 20


class CheckpointConfig(Config):
    """A Hugging Face checkpoint and how to run it."""

    checkpoint: str
    """Hub id, or a local folder (relative to the working directory)."""
    revision: str = "main"
    """Branch, tag or commit on the hub, unused for a folder; pin a commit for data that others make again."""
    device: str = "auto"
    """`auto` takes the GPU if there is one; else a torch device such as `cpu` or `cuda:1`."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Precision of weights and arithmetic; `auto` is bfloat16 on a GPU that has it and float32 elsewhere."""
    batch_size: int = Field(default=16, ge=1)
    """Images or prompts that go through the model together."""

    def identity(self) -> dict[str, str]:
        """Return what decides the answers: the checkpoint with its revision or a hash of its folder."""
        return {"model": self.checkpoint, "revision": revision_of(self.checkpoint, self.revision)}


def revision_of(checkpoint: str, revision: str) -> str:
    """Return the hub revision, or `sha256:...` over the files of a local folder."""
    folder = Path(checkpoint)
    if not folder.is_dir():
        return revision
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.suffix != ".md")
    return _hash_of(tuple((str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files), str(folder))


@lru_cache(maxsize=64)
def _hash_of(files: tuple[tuple[str, int, int], ...], folder: str) -> str:
    digest = hashlib.sha256()
    for name, size, _ in files:
        digest.update(f"{Path(name).relative_to(folder).as_posix()}\0{size}\0".encode())
        with Path(name).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return f"sha256:{digest.hexdigest()[:16]}"


class Runtime:
    """The device and precision that a checkpoint runs with."""

    def __init__(self, config: CheckpointConfig) -> None:
        import torch
        from transformers.utils import logging

        logging.disable_progress_bar()  # the engine shows its own
        self.device = _device(config.device)
        self.dtype: torch.dtype = getattr(torch, _dtype_name(config.dtype, self.device))

    def place(self, model: Any) -> Any:
        """Return the model on the device, for inference."""
        return model.to(device=self.device, dtype=self.dtype).eval()

    def feed(self, inputs: Any) -> dict[str, Any]:
        """Return processor outputs on the device; numbers that are not integers in the model's precision."""
        return {
            name: value.to(self.device, self.dtype) if value.is_floating_point() else value.to(self.device)
            for name, value in inputs.items()
        }


def _device(name: str) -> Any:
    """Return the torch device of a name.

    Raises:
        ModelError: there is no such device on this machine.
    """
    import torch

    wanted = name if name != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise ModelError(
            f"device {name!r} is none that torch knows: use auto, cpu, cuda or cuda:1"
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"device {name!r} is not there: torch {torch.__version__} sees {torch.cuda.device_count()} CUDA devices; "
            "set device: auto, or mend the driver (`nvidia-smi`) and CUDA_VISIBLE_DEVICES"
        )
    return device


def _dtype_name(name: str, device: Any) -> str:
    """Return the precision to run with.

    Raises:
        ModelError: the device cannot calculate in it.
    """
    import torch

    on_gpu = device.type == "cuda"
    has_bfloat16 = not on_gpu or torch.cuda.is_bf16_supported()
    if name == "auto":
        return "bfloat16" if on_gpu and has_bfloat16 else "float32"
    if name == "float16" and device.type == "cpu":
        raise ModelError("dtype float16 on a CPU is slow or not there at all: use float32 or bfloat16")
    if name == "bfloat16" and not has_bfloat16:
        raise ModelError(
            f"dtype bfloat16 is not there on {torch.cuda.get_device_name(device)}: use float16 or float32"
        )
    return name


def require_there(checkpoint: str) -> None:
    """Look for the folder if it is one that is meant.

    Raises:
        ModelError: it is a path, and there is no folder.
    """
    if not Path(checkpoint).is_dir() and _looks_like_a_path(checkpoint):
        raise ModelError(
            f"there is no checkpoint folder {checkpoint!r} under {Path.cwd()}: mend the path or make it first"
        )


def load(what: Callable[..., Loaded], config: CheckpointConfig, **options: Any) -> Loaded:
    """Call a `from_pretrained` for the checkpoint.

    Raises:
        ModelError: the checkpoint is not there, is not readable, or is of another kind.
    """
    require_there(config.checkpoint)
    is_folder = Path(config.checkpoint).is_dir()
    hub = {} if is_folder else {"revision": config.revision}
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        return what(config.checkpoint, **hub, **options)
    except ImportError as error:
        raise ModelError(_missing(config.checkpoint, str(error))) from error
    except (OSError, ValueError, KeyError, StrictDataclassError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"cannot load checkpoint {config.checkpoint!r}: {first_line.rstrip('.')}; "
            "give a hub id that this machine can reach or the path of a local checkpoint folder"
        ) from error
    except SafetensorError as error:
        raise ModelError(
            f"cannot read the weights of {config.checkpoint!r}: {error}; copy or download them again"
        ) from error
    except RuntimeError as error:
        if "mismatched" not in str(error):
            raise
        raise ModelError(
            f"the weights of {config.checkpoint!r} are of other shapes than its config.json says: "
            "take both from one checkpoint"
        ) from error


def require_family(config: CheckpointConfig, *families: str) -> None:
    """Look at what a checkpoint says it is: loaded as another model it would answer at random.

    Raises:
        ModelError: it is not there, or of none of the families (`model_type` in its config.json).
    """
    from transformers import AutoConfig

    family = load(AutoConfig.from_pretrained, config).model_type
    if family not in families:
        raise ModelError(
            f"checkpoint {config.checkpoint!r} is of the family {family!r}, not {' or '.join(map(repr, families))}: "
            "give another checkpoint or the kind that fits this one"
        )


def _missing(checkpoint: str, told: str) -> str:
    """Return what to install for a checkpoint whose code wants more than the base."""
    lines = told.strip().splitlines() or ["something is missing"]
    wanted = next((name for name in _EXTRAS if name in told.lower()), "")
    first = lines[0]
    cure = f"install it with: pip install -c constraints.txt {wanted}" if wanted else "install what it names"
    return f"cannot load checkpoint {checkpoint!r}: {first}; {cure}"


def _looks_like_a_path(checkpoint: str) -> bool:
    return checkpoint.startswith((".", "/", "~")) or checkpoint.count("/") > 1


class Adapter(ABC):
    """Holds the weights of a checkpoint from `open` to `close`."""

    def __init__(self, config: CheckpointConfig) -> None:
        self._checkpoint = config
        self._model: Any = None

    def open(self) -> None:
        """Load processor and weights; opening twice does nothing more."""
        if self._model is None:
            self._runtime = Runtime(self._checkpoint)
            self._load()

    def close(self) -> None:
        """Free the weights, so that the next stage finds room."""
        self._model = None
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @abstractmethod
    def _load(self) -> None:
        """Set `_model` and what goes with it."""
