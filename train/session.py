"""The heavy part of a run: everything is built here, once, in the order in which it depends on each other."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch.distributed as dist
from transformers import TrainingArguments, set_seed

from recipes import dump
from train import tuning
from train.collate import Collator
from train.data import ImageReader, ImageSource, Prepared, Sample, TrainingSet, prepare, show
from train.device import on_cuda
from train.error import Interrupted
from train.features import collect_features
from train.identity import checkpoint_digest
from train.journal import Journal, Marker
from train.loop import Finetuner, training_arguments
from train.model import TrainableLlava
from train.monitor import Monitor, StopRequest
from train.outcome import Outcome, last_loss, peak_rss_mb, union, write_outcome
from train.outputs import Outputs, keep_until
from train.phases import Phase
from train.place import Place
from train.plan import Sizes, batches_of, global_batches, num_steps
from train.quiet import quiet_libraries
from train.reader import Reader, open_reader
from train.recipe import TrainRecipe
from train.samples import SampleWriter
from train.sources import open_sources
from train.tracking import begin_tracking, end_tracking

_LOG = logging.getLogger("train")


@dataclass(frozen=True)
class Session:
    """One run, as one of its processes sees it."""

    phase: Phase
    place: Place
    sizes: Sizes
    outputs: Outputs
    fingerprint: str
    checkpoint: Path | None
    """Where to continue from."""

    @property
    def recipe(self) -> TrainRecipe:
        """Return the settings in force."""
        return self.phase.recipe

    def run(self) -> dict[str, Any]:
        """Train and write every output; return the summary.

        Raises:
            Interrupted: a signal asked to stop; the latest checkpoint holds the progress.
        """
        began = time.perf_counter()
        self._set_up()
        reader = open_reader(self.recipe)
        sources, prepared = self._read(reader)
        batches = self._batches(prepared, sources)
        steps = len(batches) // self.sizes.accumulation
        arguments = training_arguments(self.recipe, self.sizes, steps, self.place.launched)
        self._introduce(prepared, reader, steps)
        trainer = self._trainer(reader, sources, prepared, batches, arguments)
        with trainer.monitor.stop.listening():
            trainer.train(resume_from_checkpoint=str(self.checkpoint) if self.checkpoint else None)
        if trainer.state.global_step < steps:
            raise Interrupted(f"step {trainer.state.global_step} is saved, the same command continues")
        return self._finish(trainer, reader, prepared, began)

    def _set_up(self) -> None:
        """Join the other processes, and prepare the output folder when all have looked at it."""
        quiet_libraries()
        if self.place.launched:
            import deepspeed

            deepspeed.init_distributed(dist_backend="nccl" if on_cuda() else "gloo")
            dist.barrier()
        begin_tracking(self.recipe)
        if self.place.is_main:
            self._prepare_folder()

    def _prepare_folder(self) -> None:
        self.recipe.out_dir.mkdir(parents=True, exist_ok=True)
        for folder in self.outputs.clear(keep=self.checkpoint):
            _LOG.info("removed %s: it is incomplete or of another run", folder)
        if self.checkpoint is not None:
            for log in (self.outputs.log, self.outputs.samples):
                keep_until(log, int(self.checkpoint.name.rpartition("-")[2]))
        dump(self.phase.given, self.outputs.recipe)

    def _read(self, reader: Reader) -> tuple[Sequence[ImageSource], Prepared[Sample]]:
        """Open the sources and encode their texts."""
        sources = open_sources(self.recipe)
        return sources, prepare(sources, reader.chat(self.recipe))

    def _batches(self, prepared: Prepared[Sample], sources: Sequence[ImageSource]) -> list[list[int]]:
        recipe = self.recipe
        weights = [sources[sample.source].weight for sample in prepared.samples]
        lengths = [sample.length for sample in prepared.samples]
        steps = num_steps(sum(weights), recipe.global_batch_size, recipe.epochs, recipe.max_steps)
        batches = global_batches(weights, recipe.seed, steps, recipe.global_batch_size)
        return batches_of(self.place.rank, batches, lengths, self.sizes, balance=recipe.packing)

    def _introduce(self, prepared: Prepared[Sample], reader: Reader, steps: int) -> None:
        """Say what will be trained on, and show one sample with its supervised text marked."""
        samples = prepared.samples
        _LOG.info(
            "%d samples of %.0f tokens on average, %d cut to fit, dropped: %s",
            len(samples), sum(sample.length for sample in samples) / len(samples),
            sum(sample.cut for sample in samples), prepared.reasons or "none",
        )  # fmt: skip
        text = show(samples[0], reader.tokenizer, reader.image_token)
        _LOG.info("first sample, supervised text in [[ ]]:\n%s", text)
        origin = f", continuing from {self.checkpoint}" if self.checkpoint else ""
        batch, processes = self.recipe.global_batch_size, self.place.processes
        _LOG.info("%d steps of %d samples on %d process(es)%s", steps, batch, processes, origin)

    def _trainer(
        self,
        reader: Reader,
        sources: Sequence[ImageSource],
        prepared: Prepared[Sample],
        batches: list[list[int]],
        arguments: TrainingArguments,
    ) -> Finetuner:
        """Build model and trainer; needs the arguments, for ZeRO-3 partitions weights as they load."""
        recipe = self.recipe
        llava = tuning.load(recipe, TrainableLlava, self.place.launched)
        images = reader.processor.image_processor
        read = ImageReader(sources, images, recipe.max_image_pixels, reader.image_size_px)
        training_set = TrainingSet(prepared.samples, read)
        if recipe.cache_features:
            training_set.features = collect_features(llava, prepared.samples, read, arguments.device)
        set_seed(recipe.seed)
        adapted = tuning.tune(llava, recipe, self.place.launched)
        collator = Collator(reader.image_token_id, reader.image_tokens, reader.pad_token_id, recipe.packing)
        monitor = Monitor(StopRequest())
        trainer = Finetuner(recipe, adapted, arguments, training_set, collator, batches, monitor)
        return self._watched(trainer, reader)

    def _watched(self, trainer: Finetuner, reader: Reader) -> Finetuner:
        trainer.add_callback(
            Marker(self.outputs, self.fingerprint, self.place.processes, self.recipe.checkpoints.keep)
        )
        trainer.add_callback(Journal(self.outputs.log))
        if self.recipe.samples is not None:
            trainer.add_callback(SampleWriter(self.recipe, self.recipe.samples, reader, self.outputs.samples))
        return trainer

    def _finish(
        self, trainer: Finetuner, reader: Reader, prepared: Prepared[Sample], began: float
    ) -> dict[str, Any]:
        end_tracking(self.recipe)
        tuning.save(trainer.model, self.recipe, self.place.is_main)
        loss, unreadable = last_loss(trainer.state.log_history), union(trainer.monitor.dropped)
        wall_s = time.perf_counter() - began
        outcome = Outcome(trainer.state.global_step, loss, wall_s, peak_rss_mb(), prepared, unreadable)
        summary = outcome.summary() | {
            "processes": self.place.processes,
            "resumed_from": self.checkpoint.name if self.checkpoint else None,
            "fingerprint": self.fingerprint,
            "base_digest": checkpoint_digest(self.recipe.model.checkpoint),
        }
        if self.place.is_main:
            reader.save(self.recipe.out_dir)
            write_outcome(self.recipe, self.outputs, outcome, summary)
            _LOG.info(
                "%s in %s: %d steps in %.0f s",
                "checkpoint" if self.recipe.tuning == "full" else "adapter",
                self.recipe.out_dir,
                outcome.steps,
                wall_s,
            )
        if dist.is_initialized():
            dist.barrier()  # no process leaves, and takes the launcher with it, before all is written
        return summary
