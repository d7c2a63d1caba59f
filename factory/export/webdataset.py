"""WebDataset tars: for each image `KEY.jpg` or `KEY.png`, `KEY.txt` (description), `KEY.json` (the row).

Readers take the columns from the first samples, so all images bear one suffix: `.png` where all are PNG, else
`.jpg`. The bytes are kept; decoders go by them and not by the name.
"""

import io
import itertools
import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from factory.export.source import Exported, Source
from factory.export.text import plain
from factory.roster import safe_id
from factory.storage import write_atomically

SHARD_ROWS = 5000


def write(source: Source, to: Path, prompt: str) -> Exported:
    """Write `train-000000.tar` and so on; equal datasets give equal bytes."""
    suffix = ".png" if source.image_suffixes() == {".png"} else ".jpg"
    samples = (_members(row, number, prompt, suffix) for number, row in enumerate(source.described()))
    count = 0
    for number, first in enumerate(samples):
        some = itertools.chain([first], itertools.islice(samples, SHARD_ROWS - 1))
        count += _write_shard(to / f"train-{number:06d}.tar", some)
    return Exported(count, dict(source.skipped))


def _write_shard(path: Path, samples: Iterable[Iterator[tuple[str, bytes]]]) -> int:
    written: list[int] = []
    write_atomically(path, lambda file: written.append(_write_tar(file, samples)))
    return written[0]


def _write_tar(file: IO[bytes], samples: Iterable[Iterator[tuple[str, bytes]]]) -> int:
    count = 0
    with tarfile.open(fileobj=file, mode="w") as archive:
        for sample in samples:
            count += 1
            for name, data in sample:
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(data), 0o644
                archive.addfile(member, io.BytesIO(data))
    return count


def _members(row: dict[str, Any], number: int, prompt: str, suffix: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of one sample; the row number makes the key unique, and no dot may stand in it."""
    key = f"{number:09d}-{safe_id(row['id']).replace('.', '_')}"
    rest = {name: value for name, value in row.items() if name != "image"}
    yield f"{key}{suffix}", row["image"]["bytes"]
    yield f"{key}.txt", plain(row["description"]).encode("utf-8")
    yield f"{key}.json", json.dumps({**rest, "prompt": prompt}, ensure_ascii=False).encode("utf-8")
