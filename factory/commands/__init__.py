"""The commands, one module each: `add` declares its options, `run` does it and returns an exit code.

A module is imported when its command is asked for, so that `check` waits for nothing that it does not need.
"""

import importlib
from argparse import ArgumentParser

COMMANDS = {
    "check": "Validate a recipe and the order of its stages; no model is loaded.",
    "build": "Build a dataset, or go on with one.",
    "retry": "Run the rejected images of a dataset anew, and nothing else.",
    "status": "Say how far a build is: counts by stage, rejections by reason, throughput.",
    "export": "Write a dataset in the shape that a trainer reads.",
    "report": "Write one HTML page of samples and figures.",
    "push": "Upload a dataset folder and its card to the Hugging Face Hub.",
    "calibrate": "Find the detector's thresholds on labelled images.",
}


def add_options(name: str, parser: ArgumentParser) -> None:
    """Declare the options of one command."""
    importlib.import_module(f"factory.commands.{name}").add(parser)
