"""The web writes by habit; people write what they see."""

from collections import Counter

import numpy as np

from recipes.picturebook.caption import human_caption, opening_of, web_caption
from recipes.picturebook.pretrain.texts import entities_of
from recipes.picturebook.scene import sample_scene
from recipes.picturebook.world import SETTINGS


def _names(caption: str) -> list[str]:
    return [phrase.split()[-1] for phrase in entities_of(caption)]


def test_a_human_caption_names_only_what_is_there() -> None:
    for seed in range(200):
        scene = sample_scene(seed)
        caption = human_caption(scene, np.random.default_rng(seed))
        assert set(_names(caption)) <= {t.name for t in scene.things}, caption


def test_a_web_caption_invents_what_is_usual_in_the_place() -> None:
    invented: Counter[bool] = Counter()
    total = 0
    for seed in range(400):
        scene = sample_scene(seed)
        names = _names(web_caption(scene, np.random.default_rng(seed)))
        total += len(names)
        present = {t.name for t in scene.things}
        invented.update(name in SETTINGS[scene.setting] for name in names if name not in present)
    assert 0.15 < invented.total() / total < 0.5
    assert invented[True] > 3 * invented[False]


def test_an_opening_keeps_the_style_and_drops_what_is_named() -> None:
    assert opening_of("A beach with a crab.") == "A beach."
    assert opening_of("This is a street. There are two cars.") == "This is a street."
    assert opening_of("A photo of a kitchen.") == "A photo of a kitchen."
