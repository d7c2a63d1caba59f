import pytest

from eval.errors import InputError
from eval.identity import image_key, key_order


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (2239, "2239"),
        ("2239", "2239"),
        ("000000002239.jpg", "2239"),
        ("COCO_val2014_000000002239.jpg", "2239"),
        ("val2014/COCO_val2014_000000002239.jpg", "2239"),
        ("images\\000000002239.png", "2239"),
        ("0", "0"),
        (" 17 ", "17"),
        ("AMBER_1.jpg", "AMBER_1"),  # no COCO name: its number means something else
        ("beach_0012.png", "beach_0012"),
        ("v1.5", "v1.5"),  # a dot that starts no image suffix belongs to the name
    ],
)
def test_names_of_one_image_have_one_key(name: object, key: str) -> None:
    assert image_key(name) == key


@pytest.mark.parametrize("name", ["", None, 1.5, True, ["1"]])
def test_what_is_no_image_id_is_refused(name: object) -> None:
    with pytest.raises(InputError, match="image id"):
        image_key(name)


def test_numbers_sort_as_numbers_before_names() -> None:
    assert sorted(["b", "10", "9", "a"], key=key_order) == ["9", "10", "a", "b"]
