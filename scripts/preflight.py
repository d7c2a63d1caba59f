"""What a chain needs and whether it is there: files, downloads, servers, packages, GPUs, disk. Imports no torch."""

import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from eval.recipe import EvalRecipe
from factory.recipe import FactoryRecipe
from recipes import load
from recipes.chain import ChainRecipe, PhotosWorld
from scripts.fetch_benchmarks import SETS
from train.recipe import TrainRecipe

_SIZES_GB = {
    "llava-hf/llava-1.5-7b-hf": 14.1,
    "IDEA-Research/grounding-dino-base": 0.9,
    "google/owlv2-base-patch16-ensemble": 0.6,
    "facebook/sam-vit-huge": 2.6,
    "facebook/sam-vit-base": 0.4,
    "vinvino02/glpn-nyu": 0.25,
    "depth-anything/Depth-Anything-V2-Small-hf": 0.1,
    "openai/clip-vit-base-patch16": 0.6,
    "facebook/dinov2-base": 0.35,
    "PixArt-alpha/PixArt-Sigma-XL-2-1024-MS": 21.8,
}
"""About, as published by the hub; what is not listed is said to be of unknown size."""
_FILE_KEYS = frozenset({"annotations", "files", "images", "queries", "questions", "references", "synonyms"})
_SOURCES = {
    "data/pope": ("pope",),
    "data/did-bench": ("did-bench",),
    "data/amber/image": (),
    "data/amber": ("amber",),
    "data/coco/annotations": ("coco-annotations",),
    "data/coco/train2014": ("coco-train2014",),
    "data/coco/val2014": ("coco-val2014",),
    "data/coco": ("coco-train2014", "coco-val2014"),
}
_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Finding:
    """One thing that is needed. What is neither there nor fetched by itself stops the chain."""

    what: str
    there: bool
    fetched: bool = False
    """Whether the programs download it themselves."""
    how: str = ""
    """How to get it."""
    gb: float = 0.0

    def __str__(self) -> str:
        state = "ok      " if self.there else "download" if self.fetched else "MISSING "
        size = (
            f", about {self.gb:g} GB"
            if self.gb
            else ", size unknown"
            if self.fetched and not self.there
            else ""
        )
        return f"{state}  {self.what}{size}" + (f": {self.how}" if self.how and not self.there else "")


def findings(recipe: ChainRecipe, out: Path) -> list[Finding]:
    """Return everything that the chain needs, each once."""
    trees = list(_trees(recipe))
    nodes = [node for tree in trees for node in _nodes(tree)]
    evals = [node for tree in trees[2:] for node in _nodes(tree)]
    found = [*_photos(recipe), *_files(evals), *_checkpoints(nodes), *_servers(nodes), *_packages(nodes)]
    found += [_gpus(recipe)]
    unique = list(dict.fromkeys(found))
    downloads = sum(each.gb for each in unique if each.fetched and not each.there)
    return [*unique, _disk(recipe, out, downloads)]


def _trees(recipe: ChainRecipe) -> Iterator[dict[str, Any]]:
    """Yield the recipes as plain trees: factory, train, then every evaluation."""
    of = recipe.overrides.get
    yield load(recipe.factory, FactoryRecipe, of("factory", ())).model_dump(mode="json")
    yield load(recipe.train, TrainRecipe, of("train", ())).model_dump(mode="json")
    main = load(recipe.eval, EvalRecipe, of("eval", ())).model_dump(mode="json")
    # painted scenes come into being on the way
    painted: dict[str, Any] = (
        {} if isinstance(recipe.world, PhotosWorld) else {"images": None, "annotations": []}
    )
    yield {**main, **painted}
    for path in recipe.benchmarks:
        # the chain runs them with the model of the main evaluation
        yield {**load(path, EvalRecipe, of(path.stem, ())).model_dump(mode="json"), "model": main["model"]}


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(child)


def _photos(recipe: ChainRecipe) -> Iterator[Finding]:
    if isinstance(recipe.world, PhotosWorld):
        for path in (recipe.world.folder, *recipe.world.annotations):
            yield _file(str(path))


def _files(nodes: list[dict[str, Any]]) -> Iterator[Finding]:
    for node in nodes:
        for key in _FILE_KEYS & set(node):
            for value in _strings(node[key]):
                yield _file(value)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(child)


def _file(path: str) -> Finding:
    return Finding(path, Path(path).exists(), how=_source_of(path))


def _source_of(path: str) -> str:
    """Say how to get a file of the public benchmarks, and how large the download is."""
    for prefix, names in _SOURCES.items():
        if path.startswith(prefix) and not names:
            return "by hand: the link is in the README of https://github.com/junyangwang0410/AMBER"
        if path.startswith(prefix):
            gb = sum(each.bytes for name in names for each in SETS[name]) / 1e9
            return f"python scripts/fetch_benchmarks.py {' '.join(names)} ({gb:.3g} GB)"
    return "give the path of yours"


def _checkpoints(nodes: list[dict[str, Any]]) -> Iterator[Finding]:
    for node in nodes:
        name = node.get("checkpoint")
        if isinstance(name, str) and name:
            yield _checkpoint(name)


def _checkpoint(name: str) -> Finding:
    if Path(name).is_dir():
        return Finding(f"checkpoint {name}", True)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        return Finding(f"checkpoint {name}", False, how="no such folder, and no name of the Hugging Face hub")
    cached = Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "snapshots"
    return Finding(f"checkpoint {name}", cached.is_dir(), fetched=True, gb=_SIZES_GB.get(name, 0.0))


def _servers(nodes: list[dict[str, Any]]) -> Iterator[Finding]:
    for node in nodes:
        if node.get("kind") == "openai" and "base_url" in node:
            url, model = node["base_url"], node["model"]
            how = f"nothing answers; start it, for instance `vllm serve {model}`"
            yield Finding(f"server {url} for {model}", _answers(url), how=how)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/models", timeout=_TIMEOUT_S):
            return True
    except urllib.error.HTTPError:
        return True  # it is there, though it may want a key
    except (OSError, ValueError):
        return False


def _packages(nodes: list[dict[str, Any]]) -> Iterator[Finding]:
    kinds = {node.get("kind") for node in nodes}
    if "diffusers" in kinds:
        for name in ("diffusers", "ftfy", "bs4"):
            yield Finding(f"package {name}", find_spec(name) is not None, how="pip install '.[draw]'")
    if any(node.get("meteor_jar") or node.get("spice_jar") for node in nodes):
        yield Finding(
            "java", shutil.which("java") is not None, how="Debian: apt install default-jre-headless"
        )


def _gpus(recipe: ChainRecipe) -> Finding:
    needs, memory = recipe.needs, gpu_memory_gb()
    fit = sum(each >= 0.95 * needs.gpu_memory_gb for each in memory)
    seen = f"{len(memory)} seen" + (
        f" with {', '.join(f'{each:.0f}' for each in memory)} GB" if memory else ""
    )
    what = f"{needs.gpus} GPUs with {needs.gpu_memory_gb:g} GB ({seen})" if needs.gpus else f"no GPU ({seen})"
    return Finding(
        what, fit >= needs.gpus, how="another training recipe needs less, see recipes/train; then set needs"
    )


def gpu_memory_gb() -> list[float]:
    """Return the memory of each GPU as the driver tells; empty without one."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    if shutil.which(command[0]) is None:
        return []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [float(line) / 1024 for line in done.stdout.split() if line.replace(".", "").isdigit()]


def _disk(recipe: ChainRecipe, out: Path, downloads_gb: float) -> Finding:
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    free, needed = shutil.disk_usage(place).free / 1e9, recipe.needs.disk_gb + downloads_gb
    what = (
        f"disk at {place}: {needed:.1f} GB needed ({downloads_gb:.1f} GB of it downloads), {free:.1f} GB free"
    )
    return Finding(what, free >= needed, how="choose another --out, or make room")
