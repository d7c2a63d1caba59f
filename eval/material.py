"""What an evaluation is about: the truth, the words for its classes, and the images to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.captions import read_captions, require_known
from eval.errors import InputError
from eval.identity import image_key, key_order
from eval.recipe import CaptionsModel, EvalRecipe, LlavaModel
from eval.truth import Truth, load_truth
from eval.vocabulary import Vocabulary, load_vocabulary, vocabulary_for

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
_EXAMPLES = 5


@dataclass(frozen=True)
class Material:
    """The known images to evaluate on, by key."""

    truth: Truth
    vocabulary: Vocabulary
    keys: tuple[str, ...]
    files: Mapping[str, Path]
    """Image files; empty where no model looks at them."""


def gather(recipe: EvalRecipe) -> Material:
    """Read the truth and find the images of a recipe.

    Raises:
        InputError: there is no image, an image is not in the folder, or the vocabulary lacks an object of the
        truth.
    """
    truth = load_truth([Path(path) for path in recipe.annotations])
    keys = _keys(recipe, truth)[: recipe.max_images]
    if not keys:
        raise InputError(f"the truth {', '.join(recipe.annotations)} has no images")
    vocabulary = (
        load_vocabulary(Path(recipe.synonyms)) if recipe.synonyms else vocabulary_for(truth.categories)
    )
    vocabulary.require(truth.categories)
    looks = isinstance(recipe.model, LlavaModel) and recipe.images is not None
    files = find_images(Path(recipe.images or "."), keys) if looks else {}
    return Material(truth, vocabulary, tuple(keys), files)


def _keys(recipe: EvalRecipe, truth: Truth) -> list[str]:
    """Return the images of the truth, or those that were described where captions are given."""
    if not isinstance(recipe.model, CaptionsModel) or recipe.describe is None:
        return sorted(truth.images, key=key_order)
    captions = read_captions(Path(recipe.model.file))
    require_known(captions.texts, truth.images, "truth")
    return sorted(captions.texts, key=key_order)


def find_images(folder: Path, keys: Sequence[str]) -> dict[str, Path]:
    """Return the image file of each key, searched recursively.

    Raises:
        InputError: the folder is missing, lacks an image, or has two files for one image.
    """
    if not folder.is_dir():
        raise InputError(f"no folder of images at {folder}")
    wanted = set(keys)
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        key = image_key(path.name) if path.suffix.lower() in _SUFFIXES else ""
        if key not in wanted:
            continue
        if key in found:
            raise InputError(f"two files are image {key}: {found[key]} and {path}")
        found[key] = path
    missing = sorted(wanted - set(found), key=key_order)
    if missing:
        raise InputError(
            f"{len(missing)} images of the truth are not under {folder} (such as {missing[:_EXAMPLES]})"
        )
    return found
