"""Downloads the public files of the benchmarks, checks them, and goes on where it was interrupted.

python scripts/fetch_benchmarks.py --list
python scripts/fetch_benchmarks.py pope did-bench coco-val2014 [--to data] [--keep]
"""

import argparse
import hashlib
import shutil
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20
_TIMEOUT_S = 60.0
_POPE = "https://raw.githubusercontent.com/AoiDragon/POPE/main/output/coco"
_DID = (
    "https://raw.githubusercontent.com/sterzhang/image-textualization/40412405a16de76d861d4b8b7b207758c3ad8a5d"
    "/benchmark/DenseCap_Metrics"
)
_AMBER = (
    "https://raw.githubusercontent.com/junyangwang0410/AMBER/534babf6bbfcce2e735c26289dedfb21cef3c939/data"
)
_COCO = "http://images.cocodataset.org"


class FetchError(Exception):
    """A file cannot be had, or is not the one that the benchmark is made of."""


@dataclass(frozen=True)
class Download:
    """One file: where from, where to (under the data folder), and what it must be."""

    url: str
    path: str
    bytes: int
    digest: str
    """`sha256:...` or `md5:...`, as its publisher gives it."""
    unpack_to: str | None = None
    """Folder for a zip archive's members; the archive itself is then removed."""


SETS: dict[str, tuple[Download, ...]] = {
    "pope": (
        Download(f"{_POPE}/coco_pope_random.json", "pope/coco_pope_random.jsonl", 368166,
                 "sha256:ac25245170b975a5bdf9080b23fd431dfe6be458bc038259c1f4f09a6bef7994"),
        Download(f"{_POPE}/coco_pope_popular.json", "pope/coco_pope_popular.jsonl", 370190,
                 "sha256:72c1a8ad45d0c13514f5f22598261df41d3b533854d29682e924db50ed8aa753"),
        Download(f"{_POPE}/coco_pope_adversarial.json", "pope/coco_pope_adversarial.jsonl", 370401,
                 "sha256:420b3407db1fa9f1187a805dca41cb7b97fd91504e6c2179706188c107fb8ef8"),
    ),
    "did-bench": (
        Download(f"{_DID}/gt/gt-gpt4v-prefer.json", "did-bench/gt-gpt4v-prefer.json", 151862,
                 "sha256:dcabd3bb6c6ac903ad0114bc352b2a786b85c42a7c1b5d7c1156064c54d34d2b"),
        Download(f"{_DID}/gt/gt-llava-prefer.json", "did-bench/gt-llava-prefer.json", 147378,
                 "sha256:ef016d263a0450f0a02ac87828a8c1adfd48e9def5cfc6fd232500ce827136cd"),
        Download(f"{_DID}/ques/ques-gpt4v-prefer.jsonl", "did-bench/ques-gpt4v-prefer.jsonl", 9096,
                 "sha256:2f3baf3debe5d672373c67b798dff66c1c32589a0945c6986b1e0d43cf2e6c7c"),
        Download(f"{_DID}/ques/ques-llava-prefer.jsonl", "did-bench/ques-llava-prefer.jsonl", 9096,
                 "sha256:2cb874bf10c8eaf6902fbb6e8a061dabccf32a779063009230706b23a1aaf9cb"),
    ),
    "amber": (
        Download(f"{_AMBER}/annotations.json", "amber/annotations.json", 1813301,
                 "sha256:db22a436c4836fbb295e60b4e80d519573077579fb7032f01b193c1bd022b797"),
        Download(f"{_AMBER}/relation.json", "amber/relation.json", 12699,
                 "sha256:c4c1491e9bbc3209abc1888c12a1bf8413bdbab8a0d8be04b990a2e7680cf23e"),
        Download(f"{_AMBER}/safe_words.txt", "amber/safe_words.txt", 57,
                 "sha256:f92cf1123f4578a2630832fac3e6ac4de36212ea55859d3bed4fd233723f4043"),
        Download(f"{_AMBER}/query/query_generative.json", "amber/query_generative.json", 106220,
                 "sha256:b7e4c36596126ee36d2c3922638b7fa98743c26efda78fea2315f4425258d087"),
        Download(f"{_AMBER}/query/query_discriminative.json", "amber/query_discriminative.json", 1738529,
                 "sha256:1502887ac020f4bb7ea564af4e37bddcb030d61b78490d00f9da492a2307abb8"),
    ),
    "chair-synonyms": (
        Download("https://raw.githubusercontent.com/LisaAnne/Hallucination/master/data/synonyms.txt",
                 "chair/synonyms.txt", 3577,
                 "sha256:b685537b36fe21b791c87151b96a991ceb582edff19f3da204dcc7a7905502f2"),
    ),
    "coco-annotations": (
        Download(f"{_COCO}/annotations/annotations_trainval2014.zip", "coco/annotations_trainval2014.zip",
                 252872794, "md5:0a379cfc70b0e71301e0f377548639bd", unpack_to="coco"),
    ),
    "coco-train2014": (
        Download(f"{_COCO}/zips/train2014.zip", "coco/train2014.zip", 13510573713,
                 "md5:0da8c0bd3d6becc4dcb32757491aca88", unpack_to="coco"),
    ),
    "coco-val2014": (
        Download(f"{_COCO}/zips/val2014.zip", "coco/val2014.zip", 6645013297,
                 "md5:a3d79f5ed8d289b7a7554ce06a5782b3", unpack_to="coco"),
    ),
}  # fmt: skip


def fetch(download: Download, data: Path) -> bool:
    """Bring one file, unless it is there; return whether anything was done.

    An interrupted download goes on from where it stopped, if the server can do that.

    Raises:
        FetchError: the server refuses or cannot be reached, or the file is not the expected one.
    """
    target = data / download.path
    if _is_done(download, target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    _resume(download, partial)
    _verify(download, partial)
    partial.replace(target)
    if download.unpack_to is not None:
        _unpack(target, data / download.unpack_to)
    return True


def _is_done(download: Download, target: Path) -> bool:
    if download.unpack_to is not None:
        return target.with_name(target.name + ".unpacked").is_file()
    return target.is_file() and _digest(target, download.digest) == download.digest


def _resume(download: Download, partial: Path) -> None:
    have = partial.stat().st_size if partial.is_file() else 0
    if have >= download.bytes:
        return
    headers = {"User-Agent": "image-textualization", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(download.url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            goes_on = answer.status == 206
            with partial.open("ab" if goes_on else "wb") as stream:
                shutil.copyfileobj(answer, stream, _CHUNK)
    except urllib.error.HTTPError as error:
        raise FetchError(f"{download.url} answered {error.code} {error.reason}") from None
    except (OSError, ValueError) as error:
        raise FetchError(
            f"{download.url} broke off ({error}); {partial} is kept, the same command goes on from there"
        ) from None


def _verify(download: Download, partial: Path) -> None:
    size = partial.stat().st_size
    if size < download.bytes:
        raise FetchError(
            f"{download.url} broke off at {size} of {download.bytes} bytes; the same command goes on from there"
        )
    found = _digest(partial, download.digest)
    if found != download.digest:
        partial.unlink()
        raise FetchError(
            f"{download.url} is not the file this benchmark is made of: {found}, expected {download.digest}; "
            "it was removed. Its publisher may have changed it: figures would not compare with published ones"
        )


def _digest(path: Path, like: str) -> str:
    name = like.partition(":")[0]
    with path.open("rb") as stream:
        return f"{name}:{hashlib.file_digest(stream, name).hexdigest()}"


def _unpack(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            inside = (folder / member.filename).resolve()
            if not inside.is_relative_to(folder.resolve()):
                raise FetchError(f"{archive} holds {member.filename!r}, which points outside of {folder}")
        opened.extractall(folder)
    archive.with_name(archive.name + ".unpacked").touch()
    archive.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the named sets; 0 done, 2 if something could not be had, 130 interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(SETS))
    parser.add_argument("--to", type=Path, default=Path("data"), metavar="DIR", help="default %(default)s")
    parser.add_argument("--list", action="store_true", help="say what there is, from where and how large")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.sets) - set(SETS))
    if unknown or not (options.sets or options.list):
        parser.error(
            f"name some of {', '.join(SETS)}" + (f"; there is no {', '.join(unknown)}" if unknown else "")
        )
    if options.list:
        _print_list()
        return 0
    try:
        for name in options.sets:
            for download in SETS[name]:
                print(f"{name}: {download.path} ({download.bytes / 1e6:.1f} MB)", file=sys.stderr, flush=True)
                print("  fetched" if fetch(download, options.to) else "  is there", file=sys.stderr)
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what was fetched is kept: the same command goes on from there", file=sys.stderr)
        return 130
    return 0


def _print_list() -> None:
    for name, downloads in SETS.items():
        print(f"{name}  {sum(each.bytes for each in downloads) / 1e6:,.1f} MB")
        for each in downloads:
            print(f"  {each.path}  from {each.url}")
    print("AMBER's images: see https://github.com/junyangwang0410/AMBER; unpack them to data/amber/image")


if __name__ == "__main__":
    sys.exit(main())
