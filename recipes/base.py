"""The base class of every recipe and the one place where recipe files are read."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError


class Config(BaseModel):
    """A frozen node of a recipe that refuses unknown keys; the string under a field documents it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, protected_namespaces=()
    )


C = TypeVar("C", bound=Config)


class RecipeError(Exception):
    """A recipe that the user must mend; the message names file, key, value seen and what is allowed."""


def load(path: Path, kind: type[C], overrides: Sequence[str] = ()) -> C:
    """Read a YAML recipe, apply dotted overrides such as `stages.0.min_score=0.3`, and validate it.

    Precedence is class default < YAML < override. Override values are parsed as YAML.

    Raises:
        RecipeError: the file is missing or no mapping, an override names no key, or validation fails;
            all validation problems are reported at once.
    """
    tree = _read(path)
    for override in overrides:
        _apply(tree, override)
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise RecipeError(_explain(path, kind, error)) from None


def dump(recipe: Config, path: Path) -> None:
    """Write the resolved recipe, every default spelled out, as YAML that loads to an equal tree."""
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def resolve_path(value: str | Path, recipe_path: Path) -> Path:
    """Return a path as it is or, if it is relative and not there, beside the recipe if it is there."""
    path = Path(value).expanduser()
    beside = recipe_path.parent / path
    return beside if not path.exists() and beside.exists() else path


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RecipeError(f"no recipe at {path}: give the path of a YAML file (see recipes/)")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(tree, dict):
        raise RecipeError(f"{path} holds {type(tree).__name__}, not a mapping of recipe keys")
    return tree


def _apply(tree: dict[str, Any], override: str) -> None:
    dotted, sign, text = override.partition("=")
    if not sign or not dotted:
        raise RecipeError(f"override {override!r} is not of the form a.b=value")
    *parents, last = dotted.split(".")
    node: Any = tree
    for part in parents:
        node = _child(node, part, override)
    _assign(node, last, yaml.safe_load(text), override)


def _child(node: Any, part: str, override: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, part, override)]
    if not isinstance(node.get(part), (dict, list)):
        node[part] = {}
    return node[part]


def _assign(node: Any, key: str, value: Any, override: str) -> None:
    if isinstance(node, list):
        node[_index(node, key, override)] = value
    else:
        node[key] = value


def _index(node: list[Any], part: str, override: str) -> int:
    if not part.isdigit() or int(part) >= len(node):
        raise RecipeError(f"override {override!r}: {part!r} is not an index of a list of {len(node)}")
    return int(part)


def _explain(path: Path, kind: type[Config], error: ValidationError) -> str:
    lines = [f"{path}: {error.error_count()} problem(s) in this recipe"]
    for problem in error.errors():
        lines.append("  " + _explain_one(path, kind, problem))
    return "\n".join(lines)


def _explain_one(path: Path, kind: type[Config], problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    line = _line_of(path, problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{where}{line}: unknown key{_nearest(kind, problem['loc'])}"
    seen = (
        "" if problem["type"] == "missing" or not problem["loc"] else f" (value seen: {problem['input']!r})"
    )
    return f"{where or 'recipe'}{line}: {problem['msg']}{seen}"


def _line_of(path: Path, loc: Sequence[int | str]) -> str:
    """Return the line of a key; a tagged union adds its tag to `loc`, which no line has."""
    node, line = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader), 0
    for part in map(str, loc):
        if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
        elif isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key.start_mark.line + 1, value) for key, value in node.value}
            line, node = pairs.get(part, (line, node))
    return f" (line {line})" if line else ""


def _nearest(kind: type[Config], loc: Sequence[int | str]) -> str:
    names = sorted({name for node in _nodes_at(kind, loc[:-1]) for name in node.model_fields})
    close = difflib.get_close_matches(str(loc[-1]), names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; allowed here: {', '.join(names)}" if names else ""


def _nodes_at(kind: type[Config], loc: Sequence[int | str]) -> list[type[Config]]:
    """Return the config classes that can stand at a location; union members are narrowed by their `kind` tag."""
    nodes: list[type[Config]] = [kind]
    for part in loc:
        if isinstance(part, int):
            continue
        step = [m for node in nodes for m in _members_of(node, part)]
        nodes = step or [node for node in nodes if _tag(node) in (None, part)]
    return nodes


def _members_of(node: type[Config], part: int | str) -> Iterator[type[Config]]:
    field = node.model_fields.get(str(part))
    if field is not None:
        yield from _configs_in(field.annotation)


def _configs_in(annotation: Any) -> Iterator[type[Config]]:
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, tuple, list, dict) or get_args(annotation):
        for argument in get_args(annotation):
            yield from _configs_in(argument)


def _tag(node: type[Config]) -> Any:
    field = node.model_fields.get("kind")
    return None if field is None else field.default
