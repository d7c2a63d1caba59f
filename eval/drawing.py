"""D2I-Bench as a part of a run: draw each description, once a seed, and compare with the original image.

    OUT/drawn/seed_<n>/<image id>.png

What is drawn already is not drawn again: delete the folder to draw anew. An image that cannot be drawn or read is
an error, never left out, so that two models are compared on the same images.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.captions import Captions
from eval.errors import ModelError
from eval.features import cosines, load_encoder
from eval.identity import key_order
from eval.jsonio import write_jsonl
from eval.metrics import d2i
from eval.progress import progress
from eval.scoring import Score
from eval.tally import Tally
from eval.task import DiffusersPainter, DrawTask, Painter, ProgramPainter

_BATCH = 16


def score_drawings(task: DrawTask, captions: Captions, originals: Mapping[str, Path], folder: Path) -> Score:
    """Draw what is missing and return the similarities, averaged over the seeds of each image.

    Raises:
        ModelError: the painter or an encoder cannot be used.
    """
    drawn = {seed: draw(task.painter, captions, seed, folder / "drawn") for seed in task.seeds}
    keys = sorted(captions.texts, key=key_order)
    names = tuple(encoder.kind for encoder in task.encoders)
    means = {key: dict.fromkeys((f"{name}_similarity" for name in names), 0.0) for key in keys}
    for encoder in task.encoders:
        model = load_encoder(encoder)
        for paths in drawn.values():
            for start in range(0, len(keys), _BATCH):
                batch = keys[start : start + _BATCH]
                pairs = [(originals[key], paths[key]) for key in batch]
                for key, cosine in zip(batch, cosines(model, pairs), strict=True):
                    means[key][f"{encoder.kind}_similarity"] += cosine / len(task.seeds)
    state = Tally(d2i.columns(names))
    for key in keys:
        state.add(key, {"images": 1, **means[key]})
    return Score(state, d2i.formulas(state.columns), means)


def draw(painter: Painter, captions: Captions, seed: int, folder: Path) -> dict[str, Path]:
    """Draw the descriptions that have no drawing yet, and return every drawing's path.

    Raises:
        ModelError: the painter cannot be loaded or leaves out a drawing.
    """
    target = folder / f"{_fingerprint(painter)}_seed_{seed}"
    target.mkdir(parents=True, exist_ok=True)
    paths = {key: target / f"{_file_stem(key, text)}.png" for key, text in captions.texts.items()}
    waiting = {key: captions.texts[key] for key, path in paths.items() if not path.is_file()}
    if waiting and isinstance(painter, ProgramPainter):
        _run_program(painter, {paths[key].stem: text for key, text in waiting.items()}, seed, target)
    elif waiting and isinstance(painter, DiffusersPainter):
        from eval.diffusion import paint

        with progress("drawings", len(waiting)) as tick:
            paint(painter, [(text, paths[key]) for key, text in waiting.items()], seed, tick)
    missing = [key for key, path in paths.items() if not path.is_file()]
    if missing:
        raise ModelError(f"{len(missing)} descriptions were not drawn into {target} (such as {missing[:5]})")
    return paths


def _run_program(painter: ProgramPainter, texts: Mapping[str, str], seed: int, target: Path) -> None:
    listed = target / "descriptions.jsonl"
    write_jsonl(listed, ({"image_id": stem, "caption": text} for stem, text in texts.items()))
    arguments = ["--descriptions", str(listed), "--out", str(target), "--seed", str(seed)]
    done = _start([sys.executable, "-m", painter.module, *arguments])
    if done.returncode != 0:
        raise ModelError(
            f"the painter {painter.module} failed: {done.stderr.strip()[-500:] or done.returncode}"
        )


def _start(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _file_stem(key: str, text: str) -> str:
    """Name a drawing after what it is drawn from: another text is another drawing; no id becomes a path."""
    return hashlib.sha256(json.dumps([key, text]).encode()).hexdigest()[:20]


def _fingerprint(painter: Any) -> str:
    return hashlib.sha256(painter.model_dump_json().encode()).hexdigest()[:8]
