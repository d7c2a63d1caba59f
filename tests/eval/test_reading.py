"""Bad input is refused with its place, never misaligned and never scored in silence."""

import json
from pathlib import Path

import pytest

from eval.captions import read_captions
from eval.errors import InputError
from eval.jsonio import read_json, read_jsonl, read_records, write_json
from eval.truth import load_truth
from tests.eval.tiny import write_jsonl


@pytest.mark.parametrize(
    "record",
    [
        {"image_id": 7, "caption": "A dog."},
        {"image": "COCO_val2014_000000000007.jpg", "description": "A dog."},
        {"question_id": "7", "text": "A dog."},
        {"id": "000000000007", "answer": "A dog."},
        {"image_id": 7, "image": "other.jpg", "caption": "A dog.", "answer": "no"},
    ],
)
def test_captions_are_read_from_the_usual_shapes(tmp_path: Path, record: dict[str, object]) -> None:
    assert read_captions(write_jsonl(tmp_path / "c.jsonl", [record])).texts == {"7": "A dog."}
    (tmp_path / "c.json").write_text(json.dumps([record]))
    assert read_captions(tmp_path / "c.json").texts == {"7": "A dog."}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"image_id": 1}', "none of the fields caption"),
        ('{"caption": "A dog."}', "none of the fields image_id"),
        ('{"image_id": 1, "caption": null}', "none of the fields caption"),
        ('{"image_id": 1, "caption": 3}', "not a string"),
        (
            '{"image_id": 1, "caption": "a"}\n{"image_id": "000000000001.jpg", "caption": "b"}',
            "image 1 has a second text",
        ),
        ('{"image_id": 1, "caption": "a"}\n{"image_id": 2, "cap', "line 2: not valid JSON"),
        ('"text"', "expected an object"),
        ("[1, 2]", "not all objects"),
        ("", "holds no predictions"),
    ],
)
def test_bad_captions_are_refused(tmp_path: Path, lines: str, message: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(lines)
    with pytest.raises(InputError, match=message):
        read_captions(path)


def test_an_empty_caption_is_counted(tmp_path: Path) -> None:
    records = [
        {"image_id": 1, "caption": ""},
        {"image_id": 2, "caption": " "},
        {"image_id": 3, "caption": "a"},
    ]
    assert read_captions(write_jsonl(tmp_path / "c.jsonl", records)).empty == 2


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes('{"image_id": 1, "caption": "café"}'.encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_jsonl(path)


def test_a_byte_order_mark_and_odd_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": "x\xe2\x80\xa8y"}\r\n\r\n{"a": 2}')
    assert read_records(path) == [{"a": "x\u2028y"}, {"a": 2}]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.json"):
        read_json(tmp_path / "nothing.json")


def test_a_write_replaces_the_file_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"x": 1})
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a" / "b.json", {"x": float("nan")})
    assert read_json(tmp_path / "a" / "b.json") == {"x": 1}


def _coco(**changes: object) -> dict[str, object]:
    return {
        "images": [{"id": 5, "file_name": "000000000005.jpg", "width": 200, "height": 100}],
        "annotations": [{"id": 1, "image_id": 5, "category_id": 2, "bbox": [20, 10, 40, 50], "color": "red"}],
        "categories": [{"id": 2, "name": "dog"}, {"id": 3, "name": "cat"}],
        **changes,
    }


def test_boxes_become_fractions_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(_coco()))
    (dog,) = load_truth([tmp_path / "t.json"])["5"].objects
    assert (dog.name, dog.box_xyxy, dog.color, dog.nearness) == ("dog", (0.1, 0.1, 0.3, 0.6), "red", None)


def test_instances_and_captions_are_joined_by_image(tmp_path: Path) -> None:
    (tmp_path / "i.json").write_text(json.dumps(_coco()))
    captions = {"images": [{"id": 5}], "annotations": [{"id": 1, "image_id": 5, "caption": "A dog."}]}
    (tmp_path / "c.json").write_text(json.dumps(captions))
    truth = load_truth([tmp_path / "i.json", tmp_path / "c.json"])
    assert (len(truth["5"].objects), truth["5"].captions, truth.categories) == (
        1,
        ("A dog.",),
        ("dog", "cat"),
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "holds list"),
        ({"a": 1}, "neither COCO annotations"),
        (_coco(categories=[]), "KeyError"),
        (_coco(annotations=[{"id": 1, "image_id": 9, "category_id": 2}]), "KeyError: 9"),
        (_coco(images=[{"id": 5}, {"id": 5}]), "1 images share their id"),
        ({"5": ["dog"], "000000000005.jpg": ["cat"]}, "image 5 twice"),
    ],
)
def test_bad_truth_is_refused(tmp_path: Path, value: object, message: str) -> None:
    (tmp_path / "t.json").write_text(json.dumps(value))
    with pytest.raises(InputError, match=message):
        load_truth([tmp_path / "t.json"])


def test_no_truth_is_refused() -> None:
    with pytest.raises(InputError, match="--annotations"):
        load_truth([])
