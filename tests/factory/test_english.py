import pytest

from factory.english import bare, counted, head, plural, singular, with_article


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("car", "cars"),
        ("bus", "buses"),
        ("bench", "benches"),
        ("box", "boxes"),
        ("person", "people"),
        ("boy", "boys"),
        ("city", "cities"),
        ("glass", "glasses"),
        ("house", "houses"),
        ("knife", "knives"),
        ("man", "men"),
        ("umbrella", "umbrellas"),
        ("dish", "dishes"),
    ],
)
def test_plurals_come_back(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one
    assert singular(one) == one


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("", ""),
        ("car", "car"),
        ("two red cars", "red car"),
        ("A bus", "bus"),
        ("the other dogs", "other dog"),
        ("Buses", "bus"),
    ],
)
def test_bare(phrase: str, expected: str) -> None:
    assert bare(phrase) == expected


def test_heads_and_numbers() -> None:
    assert head("cups of coffee") == "cup"
    assert head("") == ""
    assert (counted(2, "bus"), counted(13, "car"), counted(1, "cup")) == ("two buses", "13 cars", "one cup")
    assert (with_article("orange bus"), with_article("bus")) == ("an orange bus", "a bus")
