"""Prompts are Jinja2 files: those beside this module by bare name, any other by path.

A prompt that names a field which the stage does not give is refused (StrictUndefined). The text that never
changes stands first, so that servers can keep its computed prefix.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment

from factory.errors import FactoryError

_FOLDER = Path(__file__).parent
# prompts are plain text for a model, not HTML: escaping would change what the model reads
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


@dataclass(frozen=True)
class Prompt:
    """The text of a prompt template."""

    text: str
    source: str

    @property
    def digest(self) -> str:
        """Return a short hash of the text."""
        return f"sha256:{hashlib.sha256(self.text.encode()).hexdigest()[:16]}"

    def render(self, fields: Mapping[str, object]) -> str:
        """Fill in the fields; white space at either end is taken off."""
        return _compiled(self.text).render(**fields).strip()


@lru_cache(maxsize=64)
def _compiled(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)


def load_prompt(name: str, fields: Sequence[str]) -> Prompt:
    """Read a prompt and check that it uses no other field than those given.

    Raises:
        FactoryError: there is no such prompt, it is no template, or it names a field that there is not.
    """
    path = _find(name)
    text = path.read_text(encoding="utf-8")
    try:
        used = meta.find_undeclared_variables(_ENVIRONMENT.parse(text))
    except TemplateError as error:
        raise FactoryError(f"prompt {path} is not a Jinja2 template: {error}") from error
    if unknown := sorted(used - set(fields)):
        raise FactoryError(
            f"prompt {path} uses {unknown[0]!r}; this stage offers: {', '.join(fields) or 'no field'}"
        )
    return Prompt(text, str(name))


def prompt_text(name: str) -> str:
    """Return the text of a prompt as it stands in its file, for quoting."""
    return _find(name).read_text(encoding="utf-8")


def _find(name: str) -> Path:
    path = _FOLDER / f"{name}.j2" if "/" not in name and not name.endswith(".j2") else Path(name)
    if path.is_file():
        return path
    own = ", ".join(sorted(file.stem for file in _FOLDER.glob("*.j2")))
    raise FactoryError(f"no prompt {name!r}: give the path of a .j2 file or one of {own}")
