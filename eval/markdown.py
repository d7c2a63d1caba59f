"""The figures of a summary as a Markdown table, for papers and model cards."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
_COLUMNS = ("base", "tuned", "difference")
_UNITLESS = frozenset({"words", "cider", "ari", "fk", "smog", "cl"})


def markdown(summary: Json) -> str:
    """Return one table for the models, one per benchmark and one for the dataset.

    Rates are in percent; brackets hold 95 % intervals; p is corrected by Holm within a table; figures that were not
    measured are left out.
    """
    parts = [("Models", summary["model"]), *summary.get("benchmarks", {}).items()]
    tables = [_compared(title, group) for title, group in parts]
    return "\n\n".join([*tables, _dataset(summary["dataset"])]) + "\n"


def _compared(title: str, group: Json) -> str:
    lines = [
        f"**{title}**, {group['images']} images",
        "",
        "| | base | tuned | difference | p (Holm) | difference at matched length |",
        "|---|---|---|---|---|---|",
        *_rows(group),
    ]
    return "\n".join(lines)


def _rows(group: Json) -> Iterator[str]:
    matched = (group.get("matched_length") or {}).get("difference", {})
    for name, base in group["base"].items():
        difference = group["difference"].get(name, {})
        if base["value"] is None and difference.get("value") is None:
            continue
        cells = [_figure(group[column].get(name), name) for column in _COLUMNS]
        cells += [_p(difference), _figure(matched.get(name), name)]
        yield f"| {name} | {' | '.join(cells)} |"


def _dataset(dataset: Json) -> str:
    sides = ("holistic", "textualized", "difference")
    rows = [
        f"| {name} | {' | '.join(_figure(dataset[side].get(name), name) for side in sides)} |"
        for name in dataset["holistic"]
    ]
    head = f"**Dataset**, {dataset['accepted']} of {dataset['images']} images described"
    return "\n".join([head, "", "| | holistic | textualized | difference |", "|---|---|---|---|", *rows])


def _figure(figure: Json | None, name: str) -> str:
    if not figure or figure["value"] is None:
        return "\u2013"
    scale, digits = (1, 2) if name in _UNITLESS else (100, 1)
    value = f"{scale * figure['value']:.{digits}f}"
    if figure["ci95"] is None:
        return value
    low, high = (f"{scale * edge:.{digits}f}" for edge in figure["ci95"])
    return f"{value} [{low}, {high}]"


def _p(difference: Json) -> str:
    p = difference.get("p_holm")
    return "\u2013" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"
