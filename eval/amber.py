"""Reading AMBER's files, and scoring a file of responses with them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from eval.captions import Captions
from eval.errors import InputError, MismatchError
from eval.identity import image_key
from eval.jsonio import Record, read_json, read_records, read_text
from eval.metrics.amber import FORMULAS, TYPES, Amber, Similarity, WordLists
from eval.scoring import Score

_EXAMPLES = 5


@dataclass
class Benchmark:
    """AMBER's annotations by id, its words, and what is asked about which image."""

    items: dict[str, Record] = field(default_factory=dict)
    associated: dict[str, list[str]] = field(default_factory=dict)
    safe: frozenset[str] = frozenset()
    images: dict[str, str] = field(default_factory=dict)
    """Image keys by id, of the query files that were given."""
    queries: dict[str, str] = field(default_factory=dict)
    """What is asked, by id."""

    def restricted(self, images: Collection[str]) -> "Benchmark":
        """Return the benchmark with the queries about some images alone."""
        kept = {key: image for key, image in self.images.items() if image in images}
        return replace(self, images=kept, queries={key: self.queries[key] for key in kept})


def load_benchmark(paths: Sequence[Path]) -> Benchmark:
    """Read `annotations.json`, `relation.json`, `safe_words.txt`, and the query files if given.

    With the query files, questions about one image are resampled together.

    Raises:
        InputError: a file is none of these, or annotations or relations are missing.
    """
    found = Benchmark()
    for path in paths:
        _add(found, path)
    if not found.items or not found.associated:
        raise InputError("AMBER needs --annotations annotations.json relation.json (and safe_words.txt)")
    return found


def _add(found: Benchmark, path: Path) -> None:
    if path.suffix == ".txt":
        found.safe = frozenset(read_text(path).split())
        return
    value = read_json(path)
    if isinstance(value, dict):
        # descriptions are read in lower case, and the published list has a word in capitals
        found.associated = {
            str(word).lower(): [str(other).lower() for other in others] for word, others in value.items()
        }
    elif isinstance(value, list) and value and "truth" in value[0]:
        found.items = {str(item["id"]): item for item in value}
    elif isinstance(value, list) and value and "image" in value[0]:
        found.images |= {str(item["id"]): image_key(item["image"]) for item in value}
        found.queries |= {str(item["id"]): str(item.get("query", "")) for item in value}
    else:
        raise InputError(f"{path} is none of AMBER's files")


def read_responses(path: Path) -> Captions:
    """Read responses: a JSON list or JSON Lines of `id` and `response`.

    Raises:
        InputError: a field is missing or an id comes twice.
    """
    texts: dict[str, str] = {}
    for number, record in enumerate(read_records(path), start=1):
        if "id" not in record or not isinstance(record.get("response"), str):
            raise InputError(f"{path}, record {number}: AMBER responses have an id and a response")
        key = str(record["id"])
        if key in texts:
            raise InputError(f"{path}, record {number}: id {key} comes twice")
        texts[key] = record["response"]
    return Captions(texts)


def load_similarity(source: str) -> Similarity:
    """Return word similarity from a JSON table `{word: {word: similarity}}` or from an installed spaCy model.

    Raises:
        InputError: neither can be read.
    """
    if source.endswith(".json"):
        table: Mapping[str, Mapping[str, float]] = read_json(Path(source))
        return lambda first, second: table.get(first, {}).get(second, table.get(second, {}).get(first, 0.0))
    try:
        model = import_module("spacy").load(source)
    except (ImportError, OSError) as error:
        raise InputError(
            f"no spaCy model {source!r} ({error}): install spacy and `python -m spacy download {source}`, "
            "or give a JSON table of similarities"
        ) from None
    return lambda first, second: float(model(first).similarity(model(second)))


def score_amber(
    benchmark: Benchmark, responses: Captions, similarity: Similarity | None, exact: bool
) -> Score:
    """Score descriptions and answers, whichever the responses hold.

    Raises:
        MismatchError: a response belongs to no item.
    """
    unknown = sorted(set(responses.texts) - set(benchmark.items))
    if unknown:
        raise MismatchError(
            f"{len(unknown)} responses belong to no item of AMBER (such as {unknown[:_EXAMPLES]})"
        )
    words = WordLists(benchmark.associated, benchmark.safe)
    metric = Amber(words, similarity or (lambda first, second: 0.0), exact)  # noqa: ARG005
    state, evidence = metric.empty(), dict[str, Any]()
    for key, text in responses.texts.items():
        item, image = benchmark.items[key], benchmark.images.get(key, key)
        if item["type"] == "generative":
            evidence[key] = metric.describe(state, image, text, item["truth"], item["hallu"])
        else:
            evidence[key] = metric.answer(state, image, text, item["truth"], _kind(item))
    return Score(state, FORMULAS, evidence)


def _kind(item: Record) -> str:
    if item["type"] not in TYPES:
        raise InputError(f"AMBER item {item['id']} has the unknown type {json.dumps(item['type'])}")
    return TYPES[item["type"]]
