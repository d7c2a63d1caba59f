"""The factory's benchmark runs, whatever it finds on a machine that does other things too."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factory.fakes import encoded, picture

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("job", ["plain", "factory"])
def test_each_side_takes_every_image(job: str, tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    for number in range(6):
        (scenes / f"{number}.png").write_bytes(encoded(picture(number, (120, 120))))
    command = [
        sys.executable,
        "scripts/bench_factory.py",
        "--job",
        job,
        "--scenes",
        scenes,
        "--keep",
        tmp_path,
    ]
    done = subprocess.run(
        [*map(str, command), "--images", "6"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["images"] == 6 and found["rate"] > 0 and found["rss_mb"] > 0
