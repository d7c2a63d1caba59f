"""One run of preference training: the session of fine-tuning, with pairs for samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from transformers import TrainingArguments

from train import tuning
from train.collate import Collator
from train.data import ImageReader, ImageSource, Prepared, Sample
from train.loop import Finetuner
from train.monitor import Monitor, StopRequest
from train.preference.collate import PairCollator
from train.preference.llava import PreferenceLlava
from train.preference.pairs import PairRows, PairSample, PairSet, prepare_pairs
from train.preference.recipe import DpoConfig
from train.preference.reference import Reference
from train.preference.trainer import PreferenceTrainer
from train.reader import Reader
from train.session import Session


class PreferenceSession(Session):
    """A run on pairs, from an adapter that is also its reference."""

    @property
    def dpo(self) -> DpoConfig:
        """Return the section of the recipe."""
        return cast(DpoConfig, self.recipe.dpo)

    def _read(self, reader: Reader) -> tuple[Sequence[ImageSource], Prepared[Sample]]:
        sources = [PairRows(Path(folder).expanduser()) for folder in self.dpo.pairs]
        return sources, prepare_pairs(sources, reader.chat(self.recipe), self.dpo)

    def _trainer(
        self,
        reader: Reader,
        sources: Sequence[ImageSource],
        prepared: Prepared[Sample],
        batches: list[list[int]],
        arguments: TrainingArguments,
    ) -> Finetuner:
        recipe = self.recipe
        samples = cast(Sequence[PairSample], prepared.samples)
        read = ImageReader(
            sources, reader.processor.image_processor, recipe.max_image_pixels, reader.image_size_px
        )
        pairs = PairSet(samples, read)
        collator = PairCollator(
            Collator(reader.image_token_id, reader.image_tokens, reader.pad_token_id, packing=True)
        )
        adapted = tuning.tune(self._load(), recipe, self.place.launched)
        mixed = recipe.model.dtype == "bfloat16" and not self.place.launched
        reference = Reference(collator, recipe.micro_batch_size, recipe.workers, arguments.device, mixed)
        pairs.reference = reference.logps(adapted, pairs, samples)
        monitor = Monitor(StopRequest())
        trainer = PreferenceTrainer(recipe, adapted, arguments, pairs, collator, batches, monitor)
        return self._watched(trainer, reader)

    def _load(self) -> PreferenceLlava:
        llava = tuning.load(self.recipe, PreferenceLlava, self.place.launched)
        llava.beta, llava.anchor, llava.per_token = self.dpo.beta, self.dpo.anchor, self.dpo.per_token
        return llava
