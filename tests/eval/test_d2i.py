import json
from pathlib import Path

import pytest

from eval.cli import main
from eval.d2i import read_drawn, score_drawn
from eval.errors import InputError, ModelError
from eval.statistics import Resampling
from tests.eval.tiny import IMAGE_SIZE, write_jsonl


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    torch.manual_seed(0)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**small, "image_size": IMAGE_SIZE, "patch_size": 6}
    config = CLIPConfig(text_config={**small, "vocab_size": 10}, vision_config=vision, projection_dim=8)
    folder = tmp_path_factory.mktemp("clip")
    CLIPModel(config).save_pretrained(folder)
    size = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    CLIPImageProcessorPil(size=size, do_center_crop=False).save_pretrained(folder)
    return str(folder)


def test_an_image_is_most_like_itself(clip: str, world: tuple[Path, Path]) -> None:
    files = sorted(world[0].iterdir())
    same = {str(number): path for number, path in enumerate(files)}
    others = {str(number): files[(number + 1) % len(files)] for number in range(len(files))}
    alike, unlike = (score_drawn(drawn, world[0], clip).figures(Resampling(20)) for drawn in (same, others))
    assert alike["similarity"].value == pytest.approx(1.0, abs=1e-5)
    assert alike["similarity"].n == 6
    assert (unlike["similarity"].value or 0) < 0.9999


def test_the_command_scores_pairs(
    clip: str, world: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [{"image_id": path.name, "generated": str(path)} for path in sorted(world[0].iterdir())]
    pairs = write_jsonl(tmp_path / "pairs.jsonl", records)
    arguments = [
        "score",
        "d2i",
        "--predictions",
        str(pairs),
        "--images",
        str(world[0]),
        "--clip",
        clip,
        "--json",
    ]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["similarity"]["value"] == pytest.approx(1.0, abs=1e-5)


def test_bad_pairs_are_refused(tmp_path: Path) -> None:
    pair = {"image_id": 1, "generated": "a.png"}
    for records in ([{"image_id": 1}], [{"generated": "a.png"}], [pair, pair]):
        with pytest.raises(InputError):
            read_drawn(write_jsonl(tmp_path / "p.jsonl", records))


def test_a_folder_that_is_no_clip_is_refused(world: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot load the clip checkpoint"):
        score_drawn({"0": tmp_path / "a.png"}, world[0], str(tmp_path))
