"""The commands as a user types them: exit codes, messages without traceback, and progress that survives."""

import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from factory.cli import main
from factory.commands import COMMANDS
from factory.storage import only_builder
from tests.factory.fakes import FakeRecipe, fill, recipe_tree, write_recipe

REPOSITORY = Path(__file__).parents[2]
FAKE = """
import sys
from factory.cli import main
from tests.factory.fakes import FakeRecipe
sys.exit(main(sys.argv[1:], FakeRecipe))
"""


def call(*arguments: object) -> int:
    return main([str(argument) for argument in arguments], FakeRecipe)


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", FAKE, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    fill(tmp_path / "images", 10)
    return write_recipe(tmp_path / "r.yaml", recipe_tree(tmp_path / "images", tmp_path / "out"))


def test_build_says_what_it_came_to(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("build", recipe) == 0
    assert f"10 images: 10 described, 0 rejected, in {tmp_path / 'out'}" in capsys.readouterr().out


def test_options_override_the_recipe(recipe: Path, tmp_path: Path) -> None:
    other = fill(tmp_path / "other", 5)
    options = [
        "--images",
        other,
        "--out",
        tmp_path / "o2",
        "--max-images",
        3,
        "--set",
        "stages.2.opening=A cat",
    ]
    assert call("build", recipe, *options) == 0
    assert json.loads((tmp_path / "o2" / "summary.json").read_text())["images"] == 3
    assert "opening: A cat" in (tmp_path / "o2" / "recipe.resolved.yaml").read_text()


def test_too_many_rejections_are_exit_code_one(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        call("build", recipe, "--set", "stages.0.reject=[img-000]", "--set", "max_rejected_fraction=0.05")
        == 1
    )
    seen = capsys.readouterr()
    assert "1 x no reply" in seen.out
    assert "1 of 10 images were rejected, more than max_rejected_fraction = 0.05" in seen.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["build", "absent.yaml"], "no recipe at absent.yaml"),
        (["build", "{recipe}", "--set", "stages.0.txet=x"], "did you mean 'text'?"),
        (["build", "{recipe}", "--images", "{folder}/absent"], "absent: source.images names neither"),
        (["build", "{recipe}", "--images", "{folder}/empty"], "no images in"),
        (["build", "{recipe}", "--max-images", "0"], "greater than 0"),
        (["build", "{recipe}", "--out", "{recipe}"], "holds files that no build has put there"),
        (["build", "{recipe}", "--out", "/proc/x"], "cannot write /proc/x"),
        (["check", "{recipe}", "--set", "stages=[{{kind: find}}]"], "needs 'entities'"),
        (["status", "{folder}"], "holds no build"),
        (["retry", "{folder}"], "holds no build"),
        (["export", "{folder}", "--format", "llava", "--to", "{folder}/x"], "holds no dataset"),
        (["report", "{folder}"], "holds no dataset"),
        (["push", "{folder}", "--repo", "a/b"], "holds no dataset"),
    ],
)
def test_what_the_user_must_mend_is_one_message_and_exit_code_two(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert call(*(a.format(recipe=recipe, folder=tmp_path) for a in arguments)) == 2
    seen = capsys.readouterr()
    assert told in seen.err
    assert "Traceback" not in seen.err
    assert seen.out == ""


def test_a_recipe_is_valid_where_a_package_is_missing_and_says_what_is_needed(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", recipe, "--set", "stages.0.package=no_such_package_at_all") == 0
    assert capsys.readouterr().out.endswith(
        "before it is built: kind: say needs no_such_package_at_all: it is not installed here; "
        "install it with: pip install no_such_package_at_all\n"
    )


def test_status_is_there_during_after_and_as_json(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        call("build", recipe, "--set", "stages.1.kind=find", "--set", "stages.0.interrupt_on=img-009") == 130
    )
    capsys.readouterr()
    assert call("status", tmp_path / "out", "--json") == 0
    half = json.loads(capsys.readouterr().out)
    assert (half["images"], half["accepted"], half["finished"]) == (10, None, False)
    assert half["stages"]["say"]["shards"] == [2, 3]
    assert call("build", recipe, "--set", "stages.0.reject=[img-001]") == 0
    capsys.readouterr()
    assert call("status", tmp_path / "out", "--json") == 0
    full = json.loads(capsys.readouterr().out)
    assert (full["accepted"], full["rejected"], full["finished"]) == (9, {"no reply": 1}, True)
    assert call("status", tmp_path / "out") == 0
    assert "1 x no reply" in capsys.readouterr().out


def test_ctrl_c_is_exit_code_130_and_the_next_run_goes_on(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("build", recipe, "--set", "stages.0.interrupt_on=img-009") == 130
    assert "progress is kept" in capsys.readouterr().err
    assert call("build", recipe) == 0


def test_retry_needs_nothing_but_the_folder(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = ["--set", "stages.0.reject=[img-004]", "--set", f"stages.0.pardon={tmp_path / 'pardon'}"]
    assert call("build", recipe, *sets) == 0
    (tmp_path / "pardon").touch()
    capsys.readouterr()
    assert call("retry", tmp_path / "out") == 0
    assert "10 images: 10 described, 0 rejected" in capsys.readouterr().out


def test_a_bug_shows_its_traceback_for_whoever_mends_it(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("build", recipe, "--set", "stages.0.breaks_on=img-003") == 2
    seen = capsys.readouterr().err
    assert "stage 'say' broke on items img-002, img-003" in seen
    assert "Traceback" in seen


def test_two_builds_in_one_folder_are_refused(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_builder(tmp_path / "out" / ".work"):
        assert call("build", recipe) == 2
    assert f"process {os.getpid()} on" in capsys.readouterr().err
    assert call("build", recipe) == 0


@pytest.mark.parametrize("victim", ["img-000", "img-009"])
def test_a_killed_build_repeats_at_most_the_shard_in_flight(
    recipe: Path, tmp_path: Path, victim: str
) -> None:
    killed = start("build", recipe, "--set", f"stages.0.kill_on={victim}")
    killed.communicate()
    assert killed.returncode == 137
    finished = sorted(path.name for path in (tmp_path / "out" / ".work").glob("00-say-*/*.done"))
    assert len(finished) == int(victim[-1]) // 4
    assert call("build", recipe) == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["accepted"] == 10


def test_kill_minus_nine_at_any_moment_loses_and_doubles_nothing(recipe: Path, tmp_path: Path) -> None:
    for delay_s in (0.5, 0.8, 1.1):
        process = start("build", recipe)
        time.sleep(delay_s)
        process.kill()
        process.communicate()
    assert call("build", recipe) == 0
    assert call("export", tmp_path / "out", "--format", "llava", "--to", tmp_path / "x") == 0
    ids = [record["id"] for record in json.loads((tmp_path / "x" / "llava.json").read_text())]
    assert ids == [f"img-{i:03d}" for i in range(10)]
    assert not list((tmp_path / "out").rglob("*.partial*.partial"))


def test_sigterm_keeps_progress(recipe: Path, tmp_path: Path) -> None:
    slow = "import time; from tests.factory import fakes; one = fakes.Say.one\n"
    slow += "def late(self, item): time.sleep(0.3); return one(self, item)\n"
    slow += "fakes.Say.one = late\n" + FAKE
    process = subprocess.Popen(
        [sys.executable, "-c", slow, "build", str(recipe)], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not list((tmp_path / "out").rglob("00-say-*/*.done")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, "progress is kept" in told) == (130, True)
    assert "Traceback" not in told


@pytest.mark.parametrize("room_bytes", [0, 4000])
def test_a_full_disk_is_told_and_nothing_is_lost(recipe: Path, room_bytes: int) -> None:
    full = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    full += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room_bytes}, resource.RLIM_INFINITY))\n" + FAKE
    command = [sys.executable, "-c", full, "build", str(recipe)]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "the disk is full: cannot write" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert call("build", recipe) == 0


HEAVY = """
import sys
from factory.cli import main
from tests.factory.fakes import FakeRecipe
recipe, out = sys.argv[1:]
for command in (["check", recipe], ["status", out], ["build", recipe]):
    assert main(command, FakeRecipe) == 0
try:
    main(["--help"])
except SystemExit:
    print({"torch", "transformers", "datasets", "huggingface_hub"} & set(sys.modules))
"""


def test_help_check_status_and_a_second_build_import_nothing_heavy(recipe: Path, tmp_path: Path) -> None:
    call("build", recipe)
    command = [sys.executable, "-c", HEAVY, str(recipe), str(tmp_path / "out")]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines()[-1] == "set()", ran.stderr


def test_a_line_in_a_process_ends_with_a_killed_build(tmp_path: Path) -> None:
    engine = {"shard_size": 4, "batch_size": 2, "order": "shards", "workers": 2}
    images = fill(tmp_path / "images", 16)
    whole, cut = (recipe_tree(images, tmp_path / name, engine=engine) for name in ("whole", "cut"))
    path = write_recipe(tmp_path / "cut.yaml", cut)
    process = start("build", path)
    deadline = time.monotonic() + 30
    while not list((tmp_path / "cut").rglob("*say*/*.done")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert call("build", path) == 0
    assert call("build", write_recipe(tmp_path / "whole.yaml", whole)) == 0
    assert _rows(tmp_path / "cut") == _rows(tmp_path / "whole")


LIGHT = """
import sys
from factory.cli import main
assert main(["check", *sys.argv[1:]]) == 0
print(set(sys.modules) & {
    "torch", "transformers", "datasets", "huggingface_hub", "openai", "httpx", "ray", "pyarrow", "pandas", "scipy",
    "pycocotools", "rich", "typer", "psutil", "wandb", "multiprocessing.context", "factory.build", "factory.intake",
})
"""


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "recipes" / "factory").glob("*.yaml")), ids=lambda p: p.stem
)
def test_a_recipe_is_checked_without_anything_heavy(path: Path) -> None:
    command = [sys.executable, "-c", LIGHT, str(path)]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines()[-1] == "set()", ran.stderr


def test_every_command_is_told_by_the_same_words(capsys: pytest.CaptureFixture[str]) -> None:
    for name, told in COMMANDS.items():
        assert importlib.import_module(f"factory.commands.{name}").add.__doc__ == told
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0 and "usage: python -m factory " + name in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("order", ["stages", "shards"])
def test_fifty_kills_cost_at_most_a_shard_each_and_change_no_row(tmp_path: Path, order: str) -> None:
    images = fill(tmp_path / "images", 400)
    engine = {"shard_size": 16, "batch_size": 8, "decode_workers": 2, "order": order}
    whole, cut = (recipe_tree(images, tmp_path / name, engine=engine) for name in ("whole", "cut"))
    assert call("build", write_recipe(tmp_path / "whole.yaml", whole)) == 0
    path = write_recipe(tmp_path / "cut.yaml", cut)
    asked = tmp_path / "asked"
    chance = random.Random(7)
    spying = "import os, time; from tests.factory import fakes; run = fakes._Fake.run\n"
    spying += (
        f"def told(self, items):\n    open({str(asked)!r}, 'a').write(f'{{self.name}} {{len(items)}}\\n')\n"
    )
    spying += (
        "    time.sleep(0.02); return run(self, items)\nfakes._Fake.run = fakes.Find.run = told\n" + FAKE
    )
    asked.touch()
    kills = 0
    for _ in range(50):
        process = subprocess.Popen(
            [sys.executable, "-c", spying, "build", str(path)], cwd=REPOSITORY, stderr=subprocess.DEVNULL
        )
        enough = asked.stat().st_size + chance.choice([0, 1, 20, 40])
        deadline = time.monotonic() + 20
        while process.poll() is None and asked.stat().st_size < enough and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(chance.uniform(0.0, 0.05) if asked.stat().st_size else chance.uniform(0.3, 3.0))
        kills += process.poll() is None
        process.kill()
        process.wait()
    spent_when_killed = asked.stat().st_size
    assert call("build", path) == 0
    assert _rows(tmp_path / "cut") == _rows(tmp_path / "whole")
    spent = sum(int(line.split()[1]) for line in asked.read_text().splitlines())
    assert kills > 40 and spent_when_killed
    assert spent <= 3 * 400 + kills * 16


def _rows(out: Path) -> list[dict[str, object]]:
    return [
        row for path in sorted((out / "data").glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]
