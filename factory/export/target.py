"""The folder that an export writes to, and the images in it."""

import shutil
from pathlib import Path
from typing import Any

from factory.errors import ExportError
from factory.roster import safe_id
from factory.storage import explained

_PNG = b"\x89PNG"


def prepare(to: Path, dataset: Path) -> None:
    """Make the folder empty; an earlier export is replaced.

    Raises:
        ExportError: it holds anything but an earlier export, or is the dataset itself.
    """
    target, source = to.resolve(), dataset.resolve()
    if target == source or source in target.parents or target in source.parents:
        raise ExportError(f"{to} and the dataset {dataset} lie in one another: choose another --to")
    with explained(to):
        if to.is_dir() and any(to.iterdir()):
            if not (to / "export.json").is_file() and not (to / ".exporting").is_file():
                raise ExportError(
                    f"{to} holds files that no export has put there: choose another --to or empty it"
                )
            shutil.rmtree(to)
        to.mkdir(parents=True, exist_ok=True)
        (to / ".exporting").touch()


def finished(to: Path) -> None:
    """Take away the sign that an export is under way."""
    (to / ".exporting").unlink(missing_ok=True)


def suffix_of(image: bytes) -> str:
    """Return the file suffix of an encoded image; a dataset holds PNG and JPEG alone."""
    return ".png" if image.startswith(_PNG) else ".jpg"


class ImageFolder:
    """Writes images under their ids, and tells the path relative to the export."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._names: set[str] = set()
        with explained(to):
            (to / "images").mkdir(exist_ok=True)

    def put(self, row: dict[str, Any]) -> str:
        """Write one image and return its path, such as `images/000000002239.jpg`."""
        data = row["image"]["bytes"]
        name = f"{safe_id(row['id'])}{suffix_of(data)}"
        if name.casefold() in self._names:
            raise ExportError(f"two rows have the id {row['id']!r}: ids must be unique")
        self._names.add(name.casefold())
        path = self._to / "images" / name
        with explained(path):
            path.write_bytes(data)
        return f"images/{name}"
