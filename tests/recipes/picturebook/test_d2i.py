"""The renderer draws what a text says, and nothing that it says is drawn twice."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from recipes.picturebook.caption import human_caption, web_caption
from recipes.picturebook.d2i import compose, read
from recipes.picturebook.draw import paint
from recipes.picturebook.scene import sample_scene
from recipes.picturebook.world import IMAGE_SIZE

DETAILED = (
    "This is a beach. A large red umbrella is on the left, close to the viewer. A blue ball is in the middle, far "
    "away. Another blue ball is on the right, halfway back. There are two balls in total. The red umbrella is in front "
    "of the blue ball."
)


def test_a_detailed_description_is_drawn_thing_by_thing() -> None:
    scene = compose(DETAILED, 0)
    assert scene.setting == "beach"
    drawn = {
        (thing.name, thing.color, _third(thing.box_xyxy), _band(thing.nearness)) for thing in scene.things
    }
    assert drawn == {("umbrella", "red", 0, 2), ("ball", "blue", 1, 0), ("ball", "blue", 2, 1)}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A photo of a kitchen with a cup.", {"cup": 1}),
        ("This is a street. There are two red cars and a lamp.", {"car": 2, "lamp": 1}),
        ("A crab. There are three crabs in total.", {"crab": 3}),
        ("The dog is behind the red car.", {}),
        ("Nothing here is known.", {}),
        ("", {}),
    ],
    ids=["with", "numbers", "a total adds what is missing", "the adds nothing", "unknown", "empty"],
)
def test_what_is_mentioned_is_counted(text: str, names: dict[str, int]) -> None:
    assert Counter(mention.name for mention in read(text)[1]) == names


@given(st.integers(0, 5000), st.sampled_from([web_caption, human_caption]), st.integers(0, 3))
def test_any_caption_of_the_world_can_be_drawn(seed: int, caption: object, drawn_with: int) -> None:
    assert callable(caption)
    scene = sample_scene(seed)
    text = caption(scene, np.random.default_rng(seed))
    picture = paint(compose(text, drawn_with))
    assert picture.image.shape == (IMAGE_SIZE, IMAGE_SIZE, 3)
    assert np.array_equal(picture.image, paint(compose(text, drawn_with)).image)


def test_the_program_draws_one_picture_a_description(tmp_path: Path) -> None:
    listed = tmp_path / "d.jsonl"
    listed.write_text("".join(json.dumps({"image_id": n, "caption": DETAILED}) + "\n" for n in (1, "../2")))
    command = [sys.executable, "-m", "recipes.picturebook.d2i", "--descriptions", str(listed), "--out"]
    subprocess.run([*command, str(tmp_path / "drawn")], check=True, cwd=Path(__file__).parents[3])
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["1.png", "2.png"]
    with Image.open(tmp_path / "drawn/1.png") as drawn:
        assert drawn.size == (IMAGE_SIZE, IMAGE_SIZE)


def _third(box: tuple[int, int, int, int]) -> int:
    return int((box[0] + box[2]) / 2 / IMAGE_SIZE * 3)


def _band(nearness: float) -> int:
    return 0 if nearness < 0.35 else 1 if nearness <= 0.65 else 2
