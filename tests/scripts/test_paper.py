"""The paper's chain is the picture book's code with another recipe: it runs with its models made small."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from recipes.picturebook.scenes import first_seed, write_scenes

ROOT = Path(__file__).parents[2]
SMALL = "recipes/picturebook/checkpoints"
PROMPTS = "recipes/picturebook/prompts"
TRAIN_IMAGES, EVAL_IMAGES = 10, 4


def _run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(ROOT / "scripts/reproduce.py"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_check_names_what_is_missing_with_sizes_and_needs_no_torch() -> None:
    done = _run("--recipe", "recipes/paper.yaml", "--check")
    assert done.returncode == 2
    for part in (
        "MISSING   data/coco/train2014: python scripts/fetch_benchmarks.py coco-train2014 (13.5 GB)",
        "checkpoint llava-hf/llava-1.5-7b-hf, about 14.1 GB",
        "server http://localhost:8000/v1 for meta-llama/Meta-Llama-3-70B-Instruct: nothing answers",
        "8 GPUs with 80 GB",
        "GB free",
    ):
        assert part in done.stdout
    assert "things that this recipe needs are missing" in done.stderr
    assert "Traceback" not in done.stderr
    code = (
        "import sys; sys.argv = ['x', '--recipe', 'recipes/paper.yaml', '--check']\n"
        "from scripts.reproduce import main; main()\n"
        "sys.exit(bool({'torch', 'transformers', 'datasets', 'deepspeed'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode
        == 0
    )


def test_without_what_it_needs_the_chain_does_not_begin(tmp_path: Path) -> None:
    done = _run("--recipe", "recipes/paper.yaml", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "MISSING   data/pope/coco_pope_random.jsonl" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_picture_book_has_all_it_needs() -> None:
    done = _run("--check")
    assert (done.returncode, "MISSING" in done.stdout) == (0, False)


def test_a_recipe_without_small_numbers_has_no_fast_run() -> None:
    done = _run("--recipe", "recipes/paper.yaml", "--fast")
    assert done.returncode == 2
    assert "has no `fast` section" in done.stderr


@pytest.mark.slow
@pytest.mark.launcher
def test_the_paper_chain_runs_with_small_models(tmp_path: Path) -> None:
    for name in ("recipes", "factory", "train", "eval"):
        (tmp_path / name).symlink_to(ROOT / name)
    held_out = _write_data(tmp_path / "data")
    sets = [part for value in _small_models() for part in ("--set", value)]
    done = _run("--recipe", "recipes/paper.yaml", "--out", "out", *sets, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    out = tmp_path / "out"
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["dataset"]["images"] == TRAIN_IMAGES - 1
    assert summary["dataset"]["textualized"]["claim_precision"]["value"] is not None
    assert set(summary["benchmarks"]) == {"pope", "did_gpt4v", "did_llava", "d2i", "lin", "amber"}
    measured = {name: group["tuned"] for name, group in summary["benchmarks"].items()}
    assert measured["did_llava"]["cider"]["n"] == 2
    assert measured["d2i"]["tower_similarity"]["value"] is not None
    assert measured["amber"]["amber_score"]["n"] > 0
    assert measured["pope"]["pope_f1"]["n"] == 3 * 2 * EVAL_IMAGES
    listed = (out / "images.txt").read_text(encoding="utf-8")
    assert held_out not in listed
    assert len(listed.splitlines()) == TRAIN_IMAGES - 1
    assert "<h2>Public benchmarks</h2>" in (out / "report/index.html").read_text(encoding="utf-8")
    assert "**did_gpt4v**" in (out / "report/table.md").read_text(encoding="utf-8")


def _small_models() -> list[str]:
    llava: dict[str, Any] = {"kind": "transformers", "checkpoint": f"{SMALL}/llava", "max_new_tokens": 64}
    llama = {"kind": "transformers", "checkpoint": f"{SMALL}/llama", "max_new_tokens": 256}
    owlv2 = {"kind": "owlv2", "checkpoint": f"{SMALL}/owlv2"}
    factory = {
        "stages.0.model": llava, "stages.0.prompt": f"{PROMPTS}/describe.j2",
        "stages.1.model": llama, "stages.1.prompt": f"{PROMPTS}/extract.j2",
        "stages.2.detector": owlv2, "stages.2.min_score": 0.5,
        "stages.3.proposer": owlv2, "stages.3.captioner": {**llava, "max_new_tokens": 8}, "stages.3.detector": owlv2,
        "stages.3.prompt": f"{PROMPTS}/region.j2",
        "stages.4.segmenter": {"kind": "sam", "checkpoint": f"{SMALL}/sam"},
        "stages.5.model": {"kind": "depth_anything", "checkpoint": f"{SMALL}/depth", "scale": "absolute"},
        "stages.7.model": llama, "stages.7.prompt": f"{PROMPTS}/recaption.j2",
        "stages.8.detector": owlv2,
    }  # fmt: skip
    train = {
        "model": {"checkpoint": f"{SMALL}/llava", "dtype": "float32"}, "epochs": None, "max_steps": 1,
        "global_batch_size": 4, "micro_batch_size": 2, "max_length": 512, "lora": {"rank": 4, "alpha": 8},
    }  # fmt: skip
    evaluate = {"model.checkpoint": f"{SMALL}/llava", "model.dtype": "float32", "describe.max_new_tokens": 48}
    draw = {
        "d2i.painter": {"kind": "program", "module": "recipes.picturebook.d2i"},
        "d2i.encoders": [{"kind": "tower", "checkpoint": f"{SMALL}/llava"}],
        "d2i.seeds": [1],
    }
    short = {"describe.max_new_tokens": 48}
    groups = {
        "factory": factory, "train": train, "eval": evaluate, "d2i": {**draw, **short}, "lin": short,
        "did_gpt4v": short, "did_llava": short, "amber": {"amber.max_new_tokens": 48},
    }  # fmt: skip
    overrides = {
        name: [f"{key}={_inline(value)}" for key, value in group.items()] for name, group in groups.items()
    }
    return [f"overrides={_inline(overrides)}", "needs.gpus=0", "needs.disk_gb=0", "processes=1"]


def _inline(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (dict, list)) else yaml.safe_dump(value).split("\n")[0]


def _write_data(data: Path) -> str:
    """Write picture-book scenes where COCO and the public benchmarks lie; return a held-out image of training."""
    coco = data / "coco"
    (coco / "annotations").mkdir(parents=True)
    for split, name, count in (("dataset", "train2014", TRAIN_IMAGES), ("eval", "val2014", EVAL_IMAGES)):
        scenes = data / "scenes" / split
        write_scenes(scenes, first_seed(split, 0), count)
        shutil.copytree(scenes / "images", coco / name)
        shutil.copy(scenes / "instances.json", coco / "annotations" / f"instances_{name}.json")
        shutil.copy(scenes / "captions.json", coco / "annotations" / f"captions_{name}.json")
    train, val = (sorted(path.name for path in (coco / name).iterdir()) for name in ("train2014", "val2014"))
    _write_questions(data, val)
    for side, names in (("gpt4v", [train[0], val[0]]), ("llava", val[:2])):
        references = {Path(name).stem: ["This is a beach. A red ball is on the left."] for name in names}
        _write(data / f"did-bench/gt-{side}-prefer.json", json.dumps(references))
        asked = [{"image": name, "question": "What is in the image?"} for name in names]
        _write(data / f"did-bench/ques-{side}-prefer.jsonl", _lines(asked))
    return train[0]


def _write_questions(data: Path, names: list[str]) -> None:
    asked = [
        {
            "question_id": 2 * n + turn,
            "image": name,
            "text": f"Is there a {thing} in the image?",
            "label": label,
        }
        for n, name in enumerate(names)
        for turn, (thing, label) in enumerate((("ball", "yes"), ("kite", "no")))
    ]
    for split in ("random", "popular", "adversarial"):
        _write(data / f"pope/coco_pope_{split}.jsonl", _lines(asked))
    items = [
        {"id": 1, "type": "generative", "truth": ["ball"], "hallu": ["kite"]},
        {"id": 2, "type": "discriminative-hallucination", "truth": "no"},
    ]
    queries = [
        {"id": 1, "image": "AMBER_1.jpg", "query": "Describe this image."},
        {"id": 2, "image": "AMBER_1.jpg", "query": "Is there a kite in this image?"},
    ]
    _write(data / "amber/annotations.json", json.dumps(items))
    _write(data / "amber/relation.json", json.dumps({"ball": [], "kite": [], "boat": []}))
    _write(data / "amber/safe_words.txt", "orange\n")
    _write(data / "amber/query_generative.json", json.dumps(queries[:1]))
    _write(data / "amber/query_discriminative.json", json.dumps(queries[1:]))
    (data / "amber/image").mkdir()
    with Image.open(data / "coco/val2014" / names[0]) as image:
        image.convert("RGB").save(data / "amber/image/AMBER_1.jpg")


def _lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
