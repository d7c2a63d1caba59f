"""Commands beside training: `python -m train merge ADAPTER --to DIR`."""

import argparse
import sys
from pathlib import Path

from train.error import TrainError


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 done, 2 the user must act."""
    parser = argparse.ArgumentParser(prog="python -m train", description="Commands of the trainer.")
    commands = parser.add_subparsers(dest="command", required=True)
    merging = commands.add_parser("merge", help="write a checkpoint with the adapter merged in")
    merging.add_argument("adapter", type=Path, metavar="ADAPTER", help="folder that fine-tuning wrote")
    merging.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder to write")
    merging.add_argument("--base", help="checkpoint the adapter belongs to, where it has moved")
    options = parser.parse_args(arguments)
    try:
        from train.merge import merge

        report = merge(options.adapter, options.to, options.base)
    except TrainError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.to}: logits differ by at most {report.max_difference:.2e} from the adapter's")
    return 0


if __name__ == "__main__":
    sys.exit(main())
