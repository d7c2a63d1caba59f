"""Compare this trainer with a plain Trainer and a padding collator: same model, samples, batches and steps, in one run.

python scripts/bench_train.py [--steps N] [--rank N]

Real tokens per second count no padding. Each side runs in a process of its own, so that its peak of memory is its own.
The model has random weights in the proportions of LLaVA-1.5-7B, 576 tokens an image, and answers as long as the
descriptions of Image Textualization (260 tokens on average).
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main(arguments: list[str] | None = None) -> int:
    """Run both sides, or the one named by `--side`, and print their figures."""
    options = _options(arguments)
    if options.side:
        from scripts.train_speed import SMALL, TINY, Work, as_json, measure

        work = Work(TINY if options.tiny else SMALL, options.rank, steps=options.steps)
        if options.tiny:
            work = replace(work, rank=4, micro_batch=2, global_batch=4, answer_tokens=20)
        print(as_json(measure(options.side, work)))
        return 0
    found = {side: _run(side, options) for side in ("plain", "ours")}
    print(json.dumps(found | {"ratio": ratio(found)}) if options.json else table(found))
    return 0


def ratio(found: dict[str, dict[str, Any]]) -> float:
    """Return real tokens per second, ours over plain."""
    return round(float(found["ours"]["tokens_per_s"]) / float(found["plain"]["tokens_per_s"]), 3)


def table(found: dict[str, dict[str, Any]]) -> str:
    """Return the figures of both sides for people."""
    lines = [f"{'':8}{'real tokens/s':>15}{'padding':>10}{'peak MB':>10}{'last loss':>11}"]
    for side, row in found.items():
        lines.append(
            f"{side:8}{row['tokens_per_s']:15.0f}{row['padding']:10.1%}{row['peak_mb']:10.0f}{row['loss']:11.4f}"
        )
    return "\n".join([*lines, f"ratio {ratio(found):.2f}"])


def _run(side: str, options: argparse.Namespace) -> dict[str, Any]:
    command = [
        sys.executable,
        __file__,
        "--side",
        side,
        "--steps",
        str(options.steps),
        "--rank",
        str(options.rank),
    ]
    command += ["--tiny"] if options.tiny else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--steps", type=int, default=4, help="steps of 32 samples, the first one untimed; default 4"
    )
    parser.add_argument("--rank", type=int, default=16, help="of the adapter; default 16")
    parser.add_argument("--side", choices=["ours", "plain"], help="run one side in this process")
    parser.add_argument(
        "--tiny", action="store_true", help="a model of no meaning, to see that the script runs"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
