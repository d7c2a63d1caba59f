"""Pure exports of a finished dataset into the shapes that trainers read."""

from collections.abc import Callable
from pathlib import Path

from factory.errors import ExportError
from factory.export import llamafactory, llava, preference, trl, webdataset
from factory.export.source import Exported, Source
from factory.export.target import finished, prepare
from factory.storage import write_json

DEFAULT_PROMPT = "Describe this image in detail."

FORMATS: dict[str, Callable[[Source, Path, str], Exported]] = {
    "llava": llava.write,
    "llamafactory": llamafactory.write,
    "trl": trl.write,
    "webdataset": webdataset.write,
    "preference": preference.write,
}


def export(dataset: Path, format_name: str, to: Path, prompt: str = DEFAULT_PROMPT) -> Exported:
    """Write a dataset folder in another format; `export.json` there says what was written.

    Raises:
        ExportError: there is no dataset, no such format, or the target holds something else.
    """
    if format_name not in FORMATS:
        raise ExportError(f"no export format {format_name!r}: choose one of {', '.join(FORMATS)}")
    source = Source(dataset)
    prepare(to, dataset)
    exported = FORMATS[format_name](source, to, prompt)
    record = {"format": format_name, "rows": exported.rows, "skipped": exported.skipped, "prompt": prompt}
    write_json(to / "export.json", record)
    finished(to)
    return exported
