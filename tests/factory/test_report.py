"""The report is one page that shows what is there and lets no text become markup."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from factory.build import build
from factory.progress import Silent
from factory.report import judged, struck, write_report
from tests.factory.fakes import fake_recipe, fill


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("built")
    recipe = fake_recipe(fill(folder / "images", 9), folder / "out")
    build(recipe, Path("recipe.yaml"), Silent())
    return write_report(folder / "out", folder / "out" / "report.html", samples=4).read_text()


def test_it_shows_samples_with_boxes_in_pixels_of_the_image(page: str) -> None:
    parsed = _Page()
    parsed.feed(page)
    boxes = [attributes for tag, attributes in parsed.tags if tag == "rect"]
    assert len(boxes) == 8
    assert [boxes[0][name] for name in ("x", "y", "width", "height")] == ["1.0", "2.0", "22.0", "12.0"]
    assert next(a for tag, a in parsed.tags if tag == "svg")["viewbox"] == "0 0 24 16"


def test_it_needs_nothing_from_outside(page: str) -> None:
    parsed = _Page()
    parsed.feed(page)
    assert not [tag for tag, _ in parsed.tags if tag in ("script", "link", "iframe")]
    found = [pair for _, attributes in parsed.tags for pair in attributes.items()]
    sources = [value for key, value in found if key in ("src", "href")]
    assert sources
    assert all(value is not None and value.startswith("data:image/png;base64,") for value in sources)


def test_text_of_models_is_escaped_and_hallucinations_are_struck(page: str) -> None:
    assert "A picture of a dog and a <del class=''>&lt;cat&gt;</del>." in page
    assert "<cat>" not in page


def test_it_says_counts_and_throughput(page: str) -> None:
    assert "9 images came in; 9 are described and 0 were rejected" in page
    assert "<td>find</td>" in page


@pytest.mark.parametrize(
    ("text", "phrases", "shown"),
    [
        ("", [], ""),
        ("a car and a Car", ["car"], "a <del class=''>car</del> and a <del class=''>Car</del>"),
        ("a scarf", ["car"], "a scarf"),
        ("a red car", ["car", "red car"], "a <del class=''>red car</del>"),
        ("<b>", ["x"], "&lt;b&gt;"),
        ("a c++ (book)", ["c++ (book)"], "a <del class=''>c++ (book)</del>"),
    ],
)
def test_phrases_are_struck_as_whole_words(text: str, phrases: list[str], shown: str) -> None:
    assert str(struck(text, phrases)) == shown


def test_doubtful_claims_are_marked_and_odd_spans_do_no_harm() -> None:
    claims = [
        {"verdict": "refuted", "span": [0, 2]},
        {"verdict": "unknown", "span": [1, 3]},
        {"verdict": "supported", "span": [3, 4]},
        {"verdict": "unknown", "span": [4, 99]},
        {"verdict": "unknown", "span": [4, 5]},
    ]
    shown = "<mark class='refuted'>ab</mark>&lt;d<mark class='unknown'>e</mark>"
    assert str(judged("ab<de", claims)) == shown
