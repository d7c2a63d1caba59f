"""What may be shown to the world: recipes and identities without the folders of the machine they ran on."""

import re
from pathlib import PurePath
from typing import Any

import yaml

_SECRET = re.compile(r"(?i)(^|_)(api_?key|token|secret|password)$")


def public(value: Any) -> Any:
    """Return JSON values with absolute paths cut to their last part and secrets blanked."""
    if isinstance(value, dict):
        return {key: "..." if _is_secret(key, inner) else public(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [public(inner) for inner in value]
    return PurePath(value).name if isinstance(value, str) and _is_machine_path(value) else value


def public_yaml(recipe: dict[str, Any]) -> str:
    """Return a recipe for publication, every default spelled out."""
    body = yaml.safe_dump(public(recipe), sort_keys=False, allow_unicode=True)
    return f"# The recipe as run, defaults spelled out; absolute paths are cut to their last part.\n{body}"


def _is_secret(key: str, value: Any) -> bool:
    return bool(_SECRET.search(key)) and isinstance(value, str) and bool(value)


def _is_machine_path(text: str) -> bool:
    return text.startswith(("/", "~/")) and "\n" not in text and len(text) > 1
