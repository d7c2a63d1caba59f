"""Measures what the factory itself costs: its stages with models of zero cost beside plain reading and writing.

python scripts/bench_factory.py [--images 10000] [--small 1000] [--workers N] [--scenes DIR] [--keep DIR]

The same picture-book images are read, decoded and written as the same dataset, its descriptions empty, by one plain
loop, then built by all nine stages with models that answer at once, by the engine `order: shards` with one process
per core. Prints the rates, their ratio, the seconds of each stage summed over the processes, and how much the largest
resident memory (of all processes) grows from the small number of images to the large one; each figure is taken in a
process of its own. Exit code 1 if the factory reaches less than 80 % of the plain rate or memory grows by over 10 %.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

MIN_RATIO, MAX_GROWTH = 0.8, 0.1


def main() -> int:
    """Measure, print, and return 0 if both limits hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000, help="the large number of images")
    parser.add_argument("--small", type=int, default=1_000, help="the small one, for the growth of memory")
    parser.add_argument("--scenes", type=Path, help="a folder of images to use (default: scenes are painted)")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave everything there")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes of the factory; 0 takes its own"
    )
    parser.add_argument("--profile", action="store_true", help="show where the factory spends its time")
    parser.add_argument("--job", choices=["plain", "factory"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        return _job(options)
    with tempfile.TemporaryDirectory(prefix="bench-factory-") as temporary:
        place = options.keep or Path(temporary)
        scenes = options.scenes or _painted(place / "scenes", options.images)
        return _compare(place, scenes, options)


def _compare(place: Path, scenes: Path, options: argparse.Namespace) -> int:
    small = _measure("factory", place, scenes, options.small, options.workers)
    large = _measure("factory", place, scenes, options.images, options.workers)
    plain = _measure("plain", place, scenes, options.images, options.workers)
    for name, found in (("plain loop", plain), ("factory", large)):
        print(
            f"{name:<10} {found['images']} images in {found['seconds']:.1f} s, {found['rate']:,.0f} images/s"
        )
    for stage, seconds in large["stages"].items():
        print(f"  {stage:<10} {seconds:7.2f} s")
    ratio, growth = large["rate"] / plain["rate"], large["rss_mb"] / small["rss_mb"] - 1
    print(f"ratio {ratio:.2f}, at least {MIN_RATIO} wanted")
    print(f"memory {small['rss_mb']:.0f} MiB at {small['images']} images, {large['rss_mb']:.0f} MiB at "
          f"{large['images']}: {growth:+.1%}, at most {MAX_GROWTH:+.0%} wanted")  # fmt: skip
    return 0 if ratio >= MIN_RATIO and growth <= MAX_GROWTH else 1


def _measure(job: str, place: Path, scenes: Path, images: int, workers: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--job", job, "--scenes", str(scenes), "--keep", str(place)]
    command += ["--images", str(images), "--workers", str(workers)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _job(options: argparse.Namespace) -> int:
    import factory.build  # noqa: F401
    import scripts.free_models  # noqa: F401  (imports are no part of the rate)
    from factory.memory import MemoryWatch

    out = Path(tempfile.mkdtemp(prefix=f"{options.job}-", dir=options.keep))
    memory = MemoryWatch()
    started = time.perf_counter()
    if options.profile:
        import cProfile

        with cProfile.Profile() as profile:
            stages = _factory(options.scenes, out, options.images, workers=0)
        import pstats

        pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(60)
    else:
        with memory:
            stages = (
                _plain(options.scenes, out, options.images)
                if options.job == "plain"
                else _factory(options.scenes, out, options.images, options.workers)
            )
    seconds = time.perf_counter() - started
    figures = {"images": options.images, "seconds": seconds, "rate": options.images / seconds}
    print(json.dumps({**figures, "rss_mb": memory.peak_mib(), "stages": stages}))
    return 0


def _plain(scenes: Path, out: Path, images: int) -> dict[str, float]:
    """Read, decode and write, one image after the other."""
    from PIL import Image

    from factory.dataset import dataset_row, write_parquet
    from factory.features import FEATURES
    from factory.records import Item

    def rows() -> Iterator[dict[str, Any]]:
        for path in sorted(scenes.glob("*.png"))[:images]:
            data = path.read_bytes()
            picture = Image.open(io.BytesIO(data)).convert("RGB")
            yield dataset_row(Item(path.stem, data, path.name, picture.size), "{}")

    write_parquet(out / "data", rows(), FEATURES)
    return {}


def _factory(scenes: Path, out: Path, images: int, workers: int) -> dict[str, float]:
    """Build a dataset with models that cost nothing."""
    from factory.build import build
    from factory.progress import Silent
    from factory.recipe import LocalEngineConfig
    from scripts.free_models import recipe

    engine = LocalEngineConfig(batch_size=64, order="shards", workers=workers)
    summary = build(recipe(scenes, out / "dataset", images, engine), Path("bench"), Silent()).summary
    assert summary["accepted"] == images, summary["rejected"]
    return {
        **{name: stage["seconds"] for name, stage in summary["stages"].items()},
        "write": summary["write_s"],
    }


def _painted(folder: Path, images: int) -> Path:
    from recipes.picturebook.scenes import first_seed, write_scenes

    write_scenes(folder, first_seed("dataset", 0), images)
    return folder / "images"


if __name__ == "__main__":
    sys.exit(main())
