"""Measures what preference training adds to fine-tuning, in the picture book.

    python -m scripts.bench_preference --run runs/picturebook --seed 0 --out runs/preference

A model tuned on verified descriptions hardly hallucinates there, so that nothing is left to prefer. Both sides
therefore start as most models do: from descriptions that nobody verified, detailed and with inventions, which are
the rejected texts of the factory's own pairs. One side is tuned on them alone; the other goes on from that adapter
with the pairs (`recipes/picturebook/dpo.yaml`). Both describe the same unseen scenes. `--run` is the folder of a
finished `./scripts/reproduce.sh`, of which only scenes and dataset are read.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq

from scripts.chain import free_port
from scripts.phases import Phases, ProgramError

PROMPT = "Describe this image in detail."
EPOCHS = 8


def main(arguments: list[str] | None = None) -> int:
    """Run both sides and print their comparison; what is done already is not done again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished ./scripts/reproduce.sh")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        Bench(options.run, options.out, options.seed).run()
    except ProgramError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    return 0


class Bench:
    """Fine-tuning on unverified descriptions, with and without preferences after it."""

    def __init__(self, run: Path, out: Path, seed: int) -> None:
        self._run, self._out, self._seed = run, out, seed
        self._phases = Phases(out)

    def run(self) -> None:
        """Train and evaluate both sides, then compare."""
        pairs, careless = self._out / "pairs", self._out / "careless"
        exported = ["factory", "export", str(self._run / "dataset"), "--format", "preference"]
        if not pairs.is_dir():
            self._python("export the pairs", "-m", *exported, "--to", str(pairs))
        write_rejected(pairs, careless)
        source = f"data=[{{kind: llava, path: {careless / 'data.json'}, images: {careless / 'images'}}}]"
        self._train("train.yaml", "sft", source, f"epochs={EPOCHS}")
        self._train("dpo.yaml", "sft_dpo", f"start_from={self._out / 'sft'}", f"dpo.pairs=[{pairs}]")
        for side in ("sft", "sft_dpo"):
            self._evaluate(side)
        self._python(
            "compare", "-m", "eval", "compare", *(str(self._of(side)) for side in ("sft", "sft_dpo"))
        )

    def _train(self, recipe: str, name: str, *sets: str) -> None:
        has_gpu = shutil.which("nvidia-smi") is not None
        launcher = [str(Path(sys.executable).with_name("deepspeed")), "--master_port", str(free_port())]
        launcher += [] if has_gpu else ["--num_accelerators", "2"]
        command = [*launcher, "train/finetune.py", "--recipe", f"recipes/picturebook/{recipe}"]
        for each in (f"out={self._out / name}", f"seed={self._seed}", *sets):
            command += ["--set", each]
        environment = {} if has_gpu else {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
        self._phases.start(f"train {name}", command, environment)

    def _evaluate(self, side: str) -> None:
        scenes = self._run / "scenes" / "eval"
        sets = [f"images={scenes / 'images'}", f"annotations=[{scenes / 'instances.json'}]"]
        sets += [f"output={self._of(side)}", f"model.adapter={self._out / side}", "pope=null"]
        command = ["-m", "eval", "run", "recipes/picturebook/eval.yaml"]
        self._python(f"evaluate {side}", *command, *(part for each in sets for part in ("--set", each)))

    def _of(self, side: str) -> Path:
        return self._out / "eval" / side

    def _python(self, what: str, *arguments: str) -> None:
        self._phases.start(what, [sys.executable, *arguments])


def write_rejected(pairs: Path, to: Path) -> None:
    """Write the rejected texts of an export of pairs as LLaVA's JSON, with their images beside it."""
    (to / "images").mkdir(parents=True, exist_ok=True)
    talks = []
    for path in sorted(pairs.glob("data/*.parquet")):
        for row in pq.read_table(path, columns=["id", "images", "rejected"]).to_pylist():
            name = f"{row['id']}.png"
            (to / "images" / name).write_bytes(row["images"][0]["bytes"])
            answer = row["rejected"][0]["content"][0]["text"]
            turns = [
                {"from": "human", "value": f"<image>\n{PROMPT}"},
                {"from": "gpt", "value": answer},
            ]
            talks.append({"id": row["id"], "image": name, "conversations": turns})
    (to / "data.json").write_text(json.dumps(talks), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
