"""`judge`: let a language model behind a server compare two runs' descriptions by reference texts."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.commands import options as shared
from eval.errors import MismatchError
from eval.jsonio import write_jsonl
from eval.judge import PROMPT, PROMPT_SHA256, judge
from eval.measured import read_measured
from eval.model import ServedModel
from eval.references import read_references
from eval.show import table

_MAX_TOKENS = 16


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("judge", help="let a language model compare two runs", description=__doc__)
    parser.add_argument(
        "first", type=Path, metavar="A", help="output folder of a run, such as the base model's"
    )
    parser.add_argument("second", type=Path, metavar="B", help="output folder of another run")
    parser.add_argument(
        "--references",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="texts that are true of the images",
    )
    parser.add_argument("--base-url", default="http://localhost:8000/v1", help="of the judge (%(default)s)")
    parser.add_argument("--model", required=True, help="the judge's name on its server")
    parser.add_argument(
        "--in-flight", type=int, default=16, help="requests under way at a time (%(default)s)"
    )
    parser.add_argument(
        "--battles", type=Path, metavar="FILE", help="write every verdict and reply as JSON Lines"
    )
    shared.add_resampling(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Judge and print."""
    from eval.generation.server import connect

    texts = [read_measured(folder).captions.texts for folder in (options.first, options.second)]
    references = read_references(options.references)
    if set(texts[0]) != set(texts[1]):
        raise MismatchError("the two runs did not describe the same images: evaluate both on the same images")
    if not set(texts[0]) & set(references):
        raise MismatchError("no described image has a reference text")
    server = connect(
        ServedModel(base_url=options.base_url, model=options.model, max_in_flight=options.in_flight)
    )
    how = shared.resampling(options)

    def ask(prompt: str) -> str:
        return server.chat(prompt, _MAX_TOKENS)

    found = judge(ask, texts[0], texts[1], references, options.in_flight, how.resamples, how.seed)
    if options.battles is not None:
        write_jsonl(options.battles, (vars(battle) for battle in found.battles))
    figures = {"win_rate": found.win_rate, "win_rate_at_equal_length": found.win_rate_at_equal_length}
    settings = {
        "judge": options.model, "base_url": options.base_url, "prompt": PROMPT, "prompt_sha256": PROMPT_SHA256,
        "temperature": 0.0, "unread": found.unread, "without_reference": len(set(texts[0]) - set(references)),
        "resamples": how.resamples, "seed": how.seed,
    }  # fmt: skip
    _print(figures, settings, options.json)
    return 0


def _print(figures: dict[str, Any], settings: dict[str, Any], as_json: bool) -> None:
    if as_json:
        json.dump(
            {**{k: f.to_json() for k, f in figures.items()}, "settings": settings}, sys.stdout, indent=2
        )
        sys.stdout.write("\n")
        return
    shown: Sequence[str] = (
        f"wins of the second run over the first, judged by {settings['judge']} "
        f"(prompt {settings['prompt_sha256'][:12]}); {settings['unread']} verdicts could not be read",
        table(figures),
    )
    sys.stdout.write("\n".join(shown) + "\n")
