"""Progress is one bar per step on a terminal and plain lines in a log."""

import io

import pytest
from rich.console import Console

from factory.progress import Lines, Progress, Terminal


def follow(progress: Progress) -> None:
    progress.say("left [bold]alone[/bold] 2 files")
    for label in ("describe", "extract"):
        progress.begin(label, 10, 4)
        progress.advance(3)
        progress.advance(3)
        progress.end()


def test_a_log_gets_one_line_per_step(capsys: pytest.CaptureFixture[str]) -> None:
    follow(Lines())
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["describe", "10/10"], ["extract", "10/10"]]


def test_a_step_without_work_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.begin("verify", 5, 5)
    lines.end()
    assert capsys.readouterr().err.split(maxsplit=2)[2] == "nothing to do\n"


def test_a_terminal_shows_each_finished_step_once() -> None:
    file = io.StringIO()
    follow(Terminal(Console(file=file, force_terminal=True, width=100, color_system=None)))
    text = file.getvalue()
    assert "left [bold]alone[/bold] 2 files" in text
    assert text.split("extract")[-1].count("describe") == 0
    assert "10/10" in text
