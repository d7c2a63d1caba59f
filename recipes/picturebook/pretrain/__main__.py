"""Trains, scores and saves the small checkpoints; a run that was cut off goes on where it stopped.

python -m recipes.picturebook.pretrain                    all of them: five hours on two CPU cores
python -m recipes.picturebook.pretrain llava --device cuda
"""

import argparse
import logging
from pathlib import Path

import torch

from recipes.picturebook.pretrain import checkpoint as save
from recipes.picturebook.pretrain.depth import depth_scores, train_depth
from recipes.picturebook.pretrain.gallery import Gallery, gallery
from recipes.picturebook.pretrain.llama import llama_scores, train_llama
from recipes.picturebook.pretrain.llava import train_llava
from recipes.picturebook.pretrain.loop import Loop
from recipes.picturebook.pretrain.owlv2 import train_owlv2
from recipes.picturebook.pretrain.sam import mean_iou, train_sam
from recipes.picturebook.pretrain.score_llava import llava_scores
from recipes.picturebook.pretrain.score_owlv2 import owlv2_scores
from recipes.picturebook.pretrain.tower import Seer, train_tower

TRAINING = (0, 30_000)
UNSEEN = (5_000_000, 1_024)
"""First seed and number of the scenes that checkpoints are trained on, and scored on."""


class Studio:
    """Where the checkpoints are made: scenes, work folder, device."""

    def __init__(self, work: Path, out: Path, device: str) -> None:
        self.work, self.out, self.device = work, out, device

    def loop(self, name: str, steps: int, batch_size: int, learning_rate: float) -> Loop:
        """Return the training loop of one checkpoint."""
        return Loop(self.work / name, steps, batch_size, learning_rate, self.device)

    def training(self) -> Gallery:
        """Return the scenes to train on."""
        return gallery(self.work, *TRAINING)

    def unseen(self) -> Gallery:
        """Return the scenes to score on."""
        return gallery(self.work, *UNSEEN)

    def seer(self) -> Seer:
        """Return the seeing tower that LLaVA and OWLv2 start from."""
        return train_tower(self.loop("tower", 2200, 64, 2e-3), self.training())

    def llava(self) -> None:
        """Make the LLaVA."""
        model, tokenizer = train_llava(self.loop("llava", 8200, 24, 2e-3), self.training(), self.seer())
        save.save_llava(
            self.out / "llava", model, tokenizer, llava_scores(model.half(), tokenizer, self.unseen())
        )

    def owlv2(self) -> None:
        """Make the detector."""
        model, tokenizer = train_owlv2(self.loop("owlv2", 1500, 48, 1e-3), self.training(), self.seer())
        save.save_owlv2(
            self.out / "owlv2", model, tokenizer, owlv2_scores(model.half(), tokenizer, self.unseen())
        )

    def sam(self) -> None:
        """Make the segmenter."""
        model = train_sam(self.loop("sam", 1600, 12, 1e-3), self.training())
        save.save_sam(self.out / "sam", model, {"mean_iou": mean_iou(model.half().float(), self.unseen())})

    def depth(self) -> None:
        """Make the depth model."""
        model = train_depth(self.loop("depth", 1300, 16, 1e-3), self.training())
        save.save_depth(self.out / "depth", model, depth_scores(model.half().float(), self.unseen()))

    def llama(self) -> None:
        """Make the text-only model."""
        model, tokenizer = train_llama(self.loop("llama", 11_500, 32, 2e-3))
        model = model.half().float()
        save.save_llama(self.out / "llama", model, tokenizer, llama_scores(model, tokenizer))


NAMES = ("llava", "owlv2", "sam", "depth", "llama")


def main() -> None:
    """Make the checkpoints named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Train the picture book's small checkpoints.")
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=f"any of {', '.join(NAMES)}")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/pretrain"), help="painted scenes and resume points"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "checkpoints")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"no checkpoint is called {unknown[0]!r}; there are {', '.join(NAMES)}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    studio = Studio(options.work, options.out, options.device)
    for name in options.names:
        getattr(studio, name)()


if __name__ == "__main__":
    main()
