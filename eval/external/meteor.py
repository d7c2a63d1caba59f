"""METEOR 1.5 (Denkowski and Lavie 2014) through its Java program, `-l en -norm` as in coco-caption.

The program aligns each text with the best of its references and returns 23 sums; the score is a formula over them,
so it is taken over any set of images, resampled ones too.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from eval.errors import InputError
from eval.tally import Matrix

COLUMNS = tuple(f"meteor_{index}" for index in range(23))
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_WEIGHTS = (1.0, 0.6, 0.8, 0.6)
"""Of matches by the same form, stem, synonym and paraphrase."""


@dataclass(frozen=True)
class Meteor:
    """Harmonic mean of precision and recall, less a penalty for fragmentation."""

    name: str = "meteor"
    undefined: str = "no texts"
    independent: bool = False
    is_rate: bool = True

    def __call__(self, sums: Matrix, columns: tuple[str, ...]) -> Matrix:
        """Return METEOR for sums of shape (..., n_columns)."""
        of = [sums[..., columns.index(name)] for name in COLUMNS]
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = _share(of[0], of[2], of[4:20:4], of[6:20:4])
            recall = _share(of[1], of[3], of[5:20:4], of[7:20:4])
            mean = precision * recall / (_ALPHA * precision + (1 - _ALPHA) * recall)
            whole = (of[20] == 1) & (of[21] == of[0]) & (of[22] == of[1])
            fragments = np.where(whole, 0.0, of[20] / ((of[21] + of[22]) / 2))
            score = mean * (1 - _GAMMA * fragments**_BETA)
        texts = sums[..., columns.index("texts")]
        return np.where(texts > 0, np.nan_to_num(score), np.nan)

    def n(self, sums: Matrix, columns: tuple[str, ...]) -> int:
        """Return the number of texts."""
        return round(float(sums[..., columns.index("texts")]))


def _share(
    length: Matrix, function: Matrix, content_hits: Sequence[Matrix], function_hits: Sequence[Matrix]
) -> Matrix:
    hits = sum(
        weight * (_DELTA * content + (1 - _DELTA) * functional)
        for weight, content, functional in zip(_WEIGHTS, content_hits, function_hits, strict=True)
    )
    return np.asarray(hits / (_DELTA * (length - function) + (1 - _DELTA) * function))


def meteor_counts(
    texts: Mapping[str, str], references: Mapping[str, Sequence[str]], jar: str
) -> dict[str, dict[str, float]]:
    """Return the 23 sums of each image.

    Raises:
        InputError: there is no Java or no jar, or the program fails.
    """
    lines = [" ||| ".join(("SCORE", *map(_plain, references[key]), _plain(texts[key]))) for key in texts]
    command = [
        java(),
        "-Duser.language=en",
        "-Xmx2G",
        "-jar",
        str(find_jar(jar)),
        "-",
        "-",
        "-stdio",
        "-l",
        "en",
        "-norm",
    ]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, input="\n".join(lines) + "\n", capture_output=True, text=True, encoding="utf-8", env=environment,
        check=False,
    )  # fmt: skip
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()]
    if done.returncode != 0 or len(rows) != len(lines) or any(len(row) != len(COLUMNS) for row in rows):
        raise InputError(
            f"METEOR failed ({jar}): {done.stderr.strip()[-300:] or 'it answered otherwise than expected'}"
        )
    return {
        key: dict(zip(COLUMNS, map(float, row), strict=True)) for key, row in zip(texts, rows, strict=True)
    }


def find_jar(jar: str) -> Path:
    """Return the jar's path; `pycocoevalcap` means the one in that package.

    Raises:
        InputError: there is none.
    """
    path = Path(jar)
    if jar == "pycocoevalcap":
        found = find_spec("pycocoevalcap")
        if found is None or not found.submodule_search_locations:
            raise InputError(
                "pycocoevalcap is not installed: `pip install --no-deps pycocoevalcap`, or name a jar"
            )
        path = Path(next(iter(found.submodule_search_locations))) / "meteor" / "meteor-1.5.jar"
    if not path.is_file():
        raise InputError(f"no METEOR jar at {path}")
    return path


def java() -> str:
    """Return the Java program.

    Raises:
        InputError: there is none.
    """
    found = shutil.which("java")
    if found is None:
        raise InputError(
            "METEOR and SPICE are Java programs, and there is no java (Debian: apt install default-jre)"
        )
    return found


def _plain(text: str) -> str:
    """Keep a text on one line, and the separator out of it."""
    return " ".join(text.replace("|||", " ").split())
