"""Which words mention which object class.

Sources: our own list for the 80 classes of COCO, a list the user gives (the original file of CHAIR, or a YAML
mapping of class to words), or the categories of the truth itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from eval.errors import InputError
from eval.jsonio import read_text

_COCO_FILE = Path(__file__).parent / "data" / "coco_synonyms.yaml"


@dataclass(frozen=True)
class Vocabulary:
    """`class_of` maps each word (or words joined by one space) to the class it mentions."""

    name: str
    class_of: Mapping[str, str]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the source."""
        return tuple(dict.fromkeys(self.class_of.values()))

    def require(self, names: Iterable[str]) -> None:
        """Check that every name of the truth is a class or a word of this vocabulary.

        Raises:
            InputError: some are not, and every mention of them would count as invented.
        """
        unknown = sorted({name for name in names if name not in self.class_of})
        if unknown:
            raise InputError(
                f"the truth names objects that the vocabulary {self.name!r} does not know: {unknown[:8]}; "
                "give a vocabulary that has them with --synonyms FILE"
            )


@cache
def coco_vocabulary() -> Vocabulary:
    """Return our own list for the 80 classes of COCO."""
    groups = yaml.safe_load(_COCO_FILE.read_text(encoding="utf-8"))
    classes = [(name, words) for group in groups.values() for name, words in group.items()]
    return Vocabulary("coco", _index((name, [name, *words]) for name, words in classes))


def load_vocabulary(path: Path) -> Vocabulary:
    """Read a list of synonyms: YAML `{class: [word, ...]}`, or lines of `class, word, word`.

    Text is read as CHAIR reads it, split at comma and space, so that a doubled space makes a word that never
    matches.

    Raises:
        InputError: the file is neither.
    """
    if path.suffix.lower() in {".yaml", ".yml", ".json"}:
        return Vocabulary(path.name, _index(_classes_of(yaml.safe_load(read_text(path)), path)))
    lines = [line.strip().split(", ") for line in read_text(path).splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{path} holds no class")
    return Vocabulary(path.name, _index((words[0], words) for words in lines))


def vocabulary_for(categories: Sequence[str]) -> Vocabulary:
    """Return the vocabulary of the truth's categories.

    COCO's own list where every category is one of its classes; otherwise the category names, each with those
    of our synonyms for a class of that name that mean no other category.
    """
    coco = coco_vocabulary()
    if set(categories) <= set(coco.classes):
        return coco
    words = {name: [name, *(w for w, c in coco.class_of.items() if c == name)] for name in categories}
    own = {name: name for name in categories}
    return Vocabulary("categories", {**_index(words.items()), **own})


def _classes_of(value: object, path: Path) -> list[tuple[str, list[str]]]:
    if not isinstance(value, dict) or not value:
        raise InputError(f"{path} holds no mapping of class to words")
    if all(isinstance(group, dict) for group in value.values()):
        value = {name: words for group in value.values() for name, words in group.items()}
    for name, words in value.items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise InputError(f"{path}: class {name!r} has no list of words, but {words!r}")
    return [(str(name), [str(name), *words]) for name, words in value.items()]


def _index(classes: Iterable[tuple[str, Sequence[str]]]) -> dict[str, str]:
    """Return word -> class; a word listed under two classes belongs to the later one, as in CHAIR."""
    return {word: name for name, words in classes for word in words}
