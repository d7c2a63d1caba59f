"""Check on one GPU how well it is used: LoRA on random weights of LLaVA-1.5-7B's shape, against a plain Trainer.

python scripts/gpu_check.py                   # a CUDA GPU with 80 GB or more; under eight minutes
python scripts/gpu_check.py --tiny            # the same on a tiny shape, on any machine

Nothing is downloaded. MFU counts real tokens and 4 operations per frozen weight (see train/flops.py), so recomputation
and padding do not help it. The exit code is 1 where a goal is missed: MFU 0.40, data wait 2 %.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

MFU_GOAL, STRETCH, WAIT_GOAL = 0.40, 0.50, 0.02
TIME_LIMIT_S = 480


def main(arguments: list[str] | None = None) -> int:
    """Run both sides within the time limit and judge ours."""
    options = _options(arguments)
    if options.side:
        print(_measured(options))
        return 0
    if not options.tiny and not _has_gpu():
        print("error: no CUDA GPU; --tiny runs the same on a tiny shape on any machine", file=sys.stderr)
        return 2
    began, found = time.monotonic(), {}
    for side in ("ours", "plain"):
        left_s = TIME_LIMIT_S - (time.monotonic() - began)
        found[side] = _run(side, options, left_s)
        print(f"{side}: {json.dumps(found[side])}", file=sys.stderr)
    print(json.dumps(found | judged(found, time.monotonic() - began)))
    return 0 if options.tiny or judged(found, 0.0)["reached"] else 1


def judged(found: dict[str, Any], wall_s: float) -> dict[str, Any]:
    """Return the ratio of both sides and whether the goals are reached."""
    ours, plain = found["ours"], found["plain"]
    both = plain is not None and ours is not None
    mfu, wait = (ours or {}).get("mfu"), (ours or {}).get("data_wait")
    return {
        "ratio": round(ours["tokens_per_s"] / plain["tokens_per_s"], 3) if both else None,
        "reached": mfu is not None and mfu >= MFU_GOAL and wait is not None and wait < WAIT_GOAL,
        "stretch": mfu is not None and mfu >= STRETCH,
        "wall_s": round(wall_s, 1),
    }


def _measured(options: argparse.Namespace) -> str:
    from scripts.train_speed import SEVEN_B, TINY, Work, as_json, measure

    if options.tiny:
        work = Work(TINY, 4, micro_batch=2, global_batch=4, steps=3, answer_tokens=20)
    else:
        work = Work(
            SEVEN_B,
            options.rank,
            options.micro_batch,
            8 * options.micro_batch,
            steps=4,
            spread=options.spread,
        )
    if options.side == "plain":
        work = replace(work, micro_batch=min(work.micro_batch, 8))
    return as_json(measure(options.side, work))


def _run(side: str, options: argparse.Namespace, left_s: float) -> dict[str, Any] | None:
    """Run one side in a process of its own; None where it found no memory or no time."""
    command = [sys.executable, __file__, "--side", side, "--rank", str(options.rank)]
    command += ["--micro-batch", str(options.micro_batch), "--spread", str(options.spread)]
    command += ["--tiny"] if options.tiny else []
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, timeout=max(left_s, 1.0)
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{side}: {error}", file=sys.stderr)
        return None
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _has_gpu() -> bool:
    from train.device import on_cuda

    return on_cuda()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rank", type=int, default=128, help="of the adapter; default 128")
    parser.add_argument("--micro-batch", type=int, default=8, help="samples per forward pass; default 8")
    parser.add_argument("--spread", type=float, default=0.35, help="of the logarithm of the answers' lengths")
    parser.add_argument("--tiny", action="store_true", help="a tiny shape, to see that the script runs")
    parser.add_argument("--side", choices=["ours", "plain"], help="run one side in this process")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
