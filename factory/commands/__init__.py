"""The commands, one module each: `add` declares its options, `run` does it and returns an exit code."""

from argparse import ArgumentParser
from collections.abc import Callable

from factory.commands import build, calibrate, check, export, push, report, retry, status

COMMANDS: dict[str, Callable[[ArgumentParser], None]] = {
    "check": check.add,
    "build": build.add,
    "retry": retry.add,
    "status": status.add,
    "export": export.add,
    "report": report.add,
    "push": push.add,
    "calibrate": calibrate.add,
}
