"""The commands of `python -m eval`, one file each; a command is a module with `add_to(subparsers)`."""

from types import ModuleType

from eval.commands import compare, dataset, judge, report, run, score, summary

COMMANDS: tuple[ModuleType, ...] = (run, score, compare, judge, dataset, summary, report)
