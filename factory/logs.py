"""Where the logs of processes that a build starts are kept: OUT/.work/logs, or a temporary folder."""

import itertools
import tempfile
from pathlib import Path

_state: dict[str, Path] = {}


def keep_in(folder: Path) -> None:
    """Keep the logs that this process opens from now on in a folder."""
    _state["folder"] = folder


def folder() -> Path:
    """Return the folder of logs."""
    if "folder" not in _state:
        _state["folder"] = Path(tempfile.mkdtemp(prefix="factory-logs-"))
    return _state["folder"]


def new_log(name: str) -> Path:
    """Return the path of a new, empty log: `name-1.log`, `name-2.log`, ..."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        path = place / f"{name}-{number}.log"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise AssertionError("counting never ends")


def last_lines(path: Path, count: int = 8) -> str:
    """Return the end of a log; empty where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 8192, 0))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return (
        "\n".join(line for line in lines if line.strip())[-2000:]
        if len(lines) <= count
        else _end(lines, count)
    )


def _end(lines: list[str], count: int) -> str:
    return "\n".join([line for line in lines if line.strip()][-count:])
