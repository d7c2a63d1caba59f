"""What an evaluation is about: which images, what is asked of each, and where their files lie."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from eval.amber import Benchmark, load_benchmark
from eval.captions import read_captions, require_known
from eval.errors import InputError
from eval.identity import image_key, key_order
from eval.jsonio import read_records
from eval.metrics.pope import Question, read_questions
from eval.questions import draw_questions
from eval.recipe import CaptionsModel, EvalRecipe
from eval.references import read_references
from eval.truth import Truth, load_truth
from eval.vocabulary import Vocabulary, load_vocabulary, vocabulary_for

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
_EXAMPLES = 5


@dataclass(frozen=True)
class Background:
    """What texts are judged against: empty where a recipe names nothing of the kind."""

    truth: Truth
    vocabulary: Vocabulary
    references: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Material:
    """The images to evaluate on and what is asked of them, by image key."""

    background: Background
    keys: tuple[str, ...]
    """The images that are described."""
    own_questions: Mapping[str, str]
    """What is asked of an image for its description, where that is not the same for all."""
    pope: Mapping[str, Sequence[Question]]
    """By split."""
    amber: Benchmark | None
    names: Mapping[str, str] = field(default_factory=dict)
    """File names, for all images that anything is asked about."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Image files; empty where nothing looks at them."""


def read_background(recipe: EvalRecipe) -> Background:
    """Read truth, vocabulary and references.

    Raises:
        InputError: a file cannot be read, or the vocabulary lacks an object of the truth.
    """
    paths = [Path(path) for path in recipe.annotations]
    truth = load_truth(paths) if paths else Truth({}, ())
    vocabulary = (
        load_vocabulary(Path(recipe.synonyms)) if recipe.synonyms else vocabulary_for(truth.categories)
    )
    vocabulary.require(truth.categories)
    texts = [Path(path) for path in recipe.describe.references] if recipe.describe else []
    return Background(truth, vocabulary, read_references(texts))


def gather(recipe: EvalRecipe) -> Material:
    """Read everything that a recipe names and find its images.

    Raises:
        InputError: there is no image, an image is not in the folder, or a file cannot be read.
    """
    background = read_background(recipe)
    material = _material(recipe, background)
    wanted = _wanted(material)
    if not wanted:
        raise InputError(
            f"nothing to evaluate on: no image in {', '.join(recipe.annotations) or recipe.images}"
        )
    looks = recipe.looks and recipe.images is not None
    files = find_images(Path(recipe.images or "."), wanted) if looks else {}
    return replace(material, names=_names(background, wanted, files), files=files)


def asked_images(recipe: EvalRecipe) -> set[str]:
    """Return the images that a recipe asks about; no image file is looked for.

    Raises:
        InputError: a file that the recipe names cannot be read.
    """
    return set(_wanted(_material(recipe, read_background(recipe))))


def _material(recipe: EvalRecipe, background: Background) -> Material:
    listed = recipe.describe.questions if recipe.describe else None
    own = read_own_questions(Path(listed)) if listed else {}
    keys = _described(recipe, background, own)
    questions = _pope_questions(recipe, background.truth, keys)
    return Material(background, tuple(keys), own, questions, _amber(recipe))


def _wanted(material: Material) -> list[str]:
    asked = [question.image for members in material.pope.values() for question in members]
    shown = material.amber.images.values() if material.amber else ()
    return list(dict.fromkeys([*material.keys, *asked, *shown]))


def read_own_questions(path: Path) -> dict[str, str]:
    """Read one question per image: JSON Lines of `image` (or `image_id`) and `question` (or `text`).

    Raises:
        InputError: a field is missing, or an image comes twice.
    """
    questions: dict[str, str] = {}
    for number, record in enumerate(read_records(path), start=1):
        image = record.get("image", record.get("image_id"))
        text = record.get("question", record.get("text"))
        if image is None or not isinstance(text, str):
            raise InputError(f"{path}, record {number}: needs an image and a question")
        key = image_key(image)
        if key in questions:
            raise InputError(f"{path}, record {number}: image {key} has a second question")
        questions[key] = text
    return questions


def find_images(folder: Path, keys: Sequence[str]) -> dict[str, Path]:
    """Return the image file of each key, searched recursively.

    Raises:
        InputError: the folder is missing, lacks an image, or has two files for one image.
    """
    wanted = set(keys)
    found: dict[str, Path] = {}
    for path in _image_files(folder):
        key = image_key(path.name)
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


def _image_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"no folder of images at {folder}")
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]


def _described(recipe: EvalRecipe, background: Background, own: Mapping[str, str]) -> list[str]:
    """Return the images to describe, or to draw questions about, in order."""
    if isinstance(recipe.model, CaptionsModel) and recipe.describe is not None:
        return _captioned(recipe, recipe.model, background)[: recipe.max_images]
    if recipe.describe is None and (recipe.pope is None or recipe.pope.files is not None):
        return []
    keys: Iterable[str] = background.truth.images or background.references or own
    if not keys and recipe.describe is not None and recipe.images is not None:
        keys = [image_key(path.name) for path in _image_files(Path(recipe.images))]
    if recipe.describe is not None and "did" in recipe.describe.metrics:
        keys = [key for key in keys if key in background.references]
    return sorted(keys, key=key_order)[: recipe.max_images]


def _captioned(recipe: EvalRecipe, model: CaptionsModel, background: Background) -> list[str]:
    captions = read_captions(Path(model.file))
    if recipe.annotations:
        require_known(captions.texts, background.truth.images, "truth")
    if background.references:
        require_known(captions.texts, background.references, "references")
    return sorted(captions.texts, key=key_order)


def _pope_questions(
    recipe: EvalRecipe, truth: Truth, keys: Sequence[str]
) -> Mapping[str, Sequence[Question]]:
    task = recipe.pope
    if task is None:
        return {}
    if task.files is None:
        return draw_questions(truth, keys, task, recipe.seed)
    return {
        split: _first(read_questions(Path(path)), recipe.max_images)
        for split, path in sorted(task.files.items())
    }


def _first(questions: Sequence[Question], max_images: int | None) -> list[Question]:
    images = set(list(dict.fromkeys(question.image for question in questions))[:max_images])
    return [question for question in questions if question.image in images]


def _amber(recipe: EvalRecipe) -> Benchmark | None:
    task = recipe.amber
    if task is None:
        return None
    found = load_benchmark([Path(path) for path in (*task.files, *task.queries)])
    if recipe.max_images is None:
        return found
    images = set(list(dict.fromkeys(found.images.values()))[: recipe.max_images])
    return found.restricted(images)


def _names(background: Background, wanted: Iterable[str], files: Mapping[str, Path]) -> dict[str, str]:
    known = background.truth.images
    return {
        key: known[key].file_name if key in known else files[key].name if key in files else key
        for key in wanted
    }
