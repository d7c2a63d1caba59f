"""What is truly in the images: COCO instances and captions, or plain lists of objects.

Besides COCO's own fields an annotation may say `color` and `nearness` (in [0, 1], 1 = nearest), and an image
its `setting`; claims about what the truth does not record stay unjudged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.errors import InputError
from eval.identity import image_key
from eval.jsonio import read_json

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class TruthObject:
    """One object of an image."""

    id: str
    name: str
    """The category's name."""
    box_xyxy: Box | None = None
    """In fractions of the image's width and height."""
    color: str | None = None
    nearness: float | None = None


@dataclass(frozen=True)
class TruthImage:
    """One image, its objects, and human `captions`, from which objects may be read as well."""

    key: str
    file_name: str
    objects: tuple[TruthObject, ...] = ()
    captions: tuple[str, ...] = ()
    setting: str | None = None


@dataclass(frozen=True)
class Truth:
    """The known images by key, and the names of all categories that the annotators looked for."""

    images: Mapping[str, TruthImage]
    categories: tuple[str, ...]

    def __getitem__(self, key: str) -> TruthImage:
        return self.images[key]


def load_truth(paths: Sequence[Path]) -> Truth:
    """Read truth files and join them by image.

    Each is COCO instances, COCO captions, or `{"<image id>": ["object", ...]}`; what it is shows in its
    content.

    Raises:
        InputError: no path, or a file is none of these.
    """
    if not paths:
        raise InputError("no truth given: name at least one file with --annotations")
    truth = Truth({}, ())
    for path in paths:
        truth = _join(truth, _load_one(path))
    return truth


def _join(first: Truth, second: Truth) -> Truth:
    images = dict(first.images)
    for key, image in second.images.items():
        images[key] = _join_image(images[key], image) if key in images else image
    categories = (*first.categories, *(c for c in second.categories if c not in first.categories))
    return Truth(images, categories)


def _join_image(first: TruthImage, second: TruthImage) -> TruthImage:
    return replace(
        first,
        objects=first.objects + second.objects,
        captions=first.captions + second.captions,
        setting=first.setting or second.setting,
    )


def _load_one(path: Path) -> Truth:
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(
            f"{path} holds {type(value).__name__}, not COCO annotations or lists of objects by image id"
        )
    if "annotations" in value and "images" in value:
        return _from_coco(value, path)
    if all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in value.values()
    ):
        return _from_lists(value)
    raise InputError(
        f"{path} is neither COCO annotations (images, annotations) nor lists of objects by image id"
    )


def _from_lists(value: dict[str, list[str]]) -> Truth:
    images: dict[str, TruthImage] = {}
    for name, objects in value.items():
        key = image_key(name)
        if key in images:
            raise InputError(f"the truth has image {key} twice (as {images[key].file_name!r} and {name!r})")
        listed = tuple(TruthObject(f"{key}/{index}", object_) for index, object_ in enumerate(objects))
        images[key] = TruthImage(key, name, listed)
    categories = sorted({object_ for objects in value.values() for object_ in objects})
    return Truth(images, tuple(categories))


def _from_coco(value: dict[str, Any], path: Path) -> Truth:
    try:
        names = {category["id"]: str(category["name"]) for category in value.get("categories", [])}
        sizes = {image["id"]: image for image in value["images"]}
        objects: dict[Any, list[TruthObject]] = {image_id: [] for image_id in sizes}
        captions: dict[Any, list[str]] = {image_id: [] for image_id in sizes}
        for annotation in value["annotations"]:
            image = sizes[annotation["image_id"]]
            if "caption" in annotation:
                captions[image["id"]].append(str(annotation["caption"]))
            else:
                objects[image["id"]].append(_object(annotation, image, names))
        images = [_image(image, objects[image["id"]], captions[image["id"]]) for image in value["images"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not COCO annotations as expected: {type(error).__name__}: {error}"
        ) from None
    by_key = {image.key: image for image in images}
    if len(by_key) < len(images):
        raise InputError(f"{path}: {len(images) - len(by_key)} images share their id with another image")
    return Truth(by_key, tuple(names.values()))


def _image(image: dict[str, Any], objects: list[TruthObject], captions: list[str]) -> TruthImage:
    file_name = str(image.get("file_name", image["id"]))
    setting = image.get("setting")
    return TruthImage(image_key(image["id"]), file_name, tuple(objects), tuple(captions), setting)


def _object(annotation: dict[str, Any], image: dict[str, Any], names: Mapping[Any, str]) -> TruthObject:
    nearness = annotation.get("nearness")
    return TruthObject(
        id=str(annotation["id"]),
        name=names[annotation["category_id"]],
        box_xyxy=_box(annotation.get("bbox"), image),
        color=annotation.get("color"),
        nearness=None if nearness is None else float(nearness),
    )


def _box(bbox_xywh: Sequence[float] | None, image: dict[str, Any]) -> Box | None:
    if not bbox_xywh or "width" not in image:
        return None
    x, y, width, height = (float(number) for number in bbox_xywh)
    across, down = float(image["width"]), float(image["height"])
    return (x / across, y / down, (x + width) / across, (y + height) / down)
