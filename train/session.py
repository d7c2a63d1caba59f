"""The heavy part of a run: everything is built here, once, in the order it depends on each other."""

import logging
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import set_seed

from recipes import dump
from train import lora, model
from train.card import write_card
from train.collate import Collator, Dropped
from train.data import ImageReader, Prepared, TrainingSet, prepare, show
from train.error import Interrupted
from train.features import collect_features
from train.gather import gather_objects
from train.loop import Finetuner, configure_wandb, training_arguments
from train.monitor import Journal, Marker, Monitor, StopRequest
from train.outputs import Outputs, keep_until, write_json, write_lines
from train.place import Place
from train.plan import Sizes, batches_of, global_batches, num_steps
from train.quiet import quiet_libraries
from train.reader import Reader, open_reader
from train.recipe import TrainRecipe
from train.sources import SampleSource, open_sources

_LOG = logging.getLogger("train")


@dataclass(frozen=True)
class Session:
    """One run of one process."""

    recipe: TrainRecipe
    place: Place
    sizes: Sizes
    outputs: Outputs
    fingerprint: str
    checkpoint: Path | None
    """Where to continue from."""

    def run(self) -> dict[str, Any]:
        """Train and write every output; return the summary.

        Raises:
            Interrupted: a signal asked to stop; the latest checkpoint holds the progress.
        """
        began = time.perf_counter()
        self._set_up()
        reader = open_reader(self.recipe)
        sources = open_sources(self.recipe)
        prepared = prepare(sources, reader.chat(self.recipe))
        batches = self._batches(prepared, sources)
        monitor = Monitor(StopRequest())
        trainer = self._trainer(reader, sources, prepared, batches, monitor)
        self._introduce(prepared, reader, len(batches) // self.sizes.accumulation)
        with monitor.stop.listening():
            trainer.train(resume_from_checkpoint=str(self.checkpoint) if self.checkpoint else None)
        if trainer.state.global_step < trainer.state.max_steps:
            raise Interrupted(f"progress is saved at step {trainer.state.global_step}; the same command continues")
        return self._finish(trainer, reader, prepared, monitor, time.perf_counter() - began)

    def _set_up(self) -> None:
        """Join the other processes, and prepare the output folder when all have looked at it."""
        quiet_libraries()
        if self.place.launched:
            import deepspeed  # noqa: PLC0415 (must be first to initialise, or ZeRO-3 sees one process)

            deepspeed.init_distributed(dist_backend="nccl" if torch.cuda.is_available() else "gloo")
            dist.barrier()
        configure_wandb(self.recipe)
        if self.place.is_main:
            self.recipe.out_dir.mkdir(parents=True, exist_ok=True)
            for folder in self.outputs.clear(keep=self.checkpoint):
                _LOG.info("removed %s: it is incomplete or of another run", folder)
            if self.checkpoint is not None:
                keep_until(self.outputs.log, int(self.checkpoint.name.rpartition("-")[2]))
            dump(self.recipe, self.outputs.recipe)

    def _batches(self, prepared: Prepared, sources: list[SampleSource]) -> list[list[int]]:
        recipe = self.recipe
        weights = [sources[sample.source].weight for sample in prepared.samples]
        lengths = [len(sample.ids) for sample in prepared.samples]
        steps = num_steps(sum(weights), recipe.global_batch_size, recipe.epochs, recipe.max_steps)
        batches = global_batches(weights, recipe.seed, steps, recipe.global_batch_size)
        return batches_of(self.place.rank, batches, lengths, self.sizes, balance=recipe.packing)

    def _trainer(
        self,
        reader: Reader,
        sources: list[SampleSource],
        prepared: Prepared,
        batches: list[list[int]],
        monitor: Monitor,
    ) -> Finetuner:
        recipe = self.recipe
        steps = len(batches) // self.sizes.accumulation
        arguments = training_arguments(recipe, self.sizes, steps, self.place.launched)  # before the model: ZeRO-3
        llava = model.load(recipe.model)
        if recipe.activation_checkpointing:
            llava.model.language_model.activation_checkpointing_enable({"use_reentrant": False})
        read = ImageReader(sources, reader.processor.image_processor, recipe.max_image_pixels, reader.image_size_px)
        known = collect_features(llava, prepared.samples, read, arguments.device) if recipe.cache_features else None
        set_seed(recipe.seed)
        adapted = lora.attach(llava, recipe)
        collator = Collator(reader.image_token_id, reader.image_tokens, reader.pad_token_id, recipe.packing)
        cached = (known.by_sample, known.unreadable) if known else ()
        training_set = TrainingSet(prepared.samples, read, *cached)
        trainer = Finetuner(recipe, adapted, arguments, training_set, collator, batches, monitor)
        trainer.add_callback(Marker(self.outputs, self.fingerprint, self.place.processes))
        trainer.add_callback(Journal(self.outputs.log))
        return trainer

    def _introduce(self, prepared: Prepared, reader: Reader, steps: int) -> None:
        """Say what will be trained on, and show one sample with its supervised text marked."""
        cut = sum(sample.cut for sample in prepared.samples)
        tokens = sum(len(sample.ids) for sample in prepared.samples) / len(prepared.samples)
        _LOG.info(
            "%d samples of %.0f tokens on average, %d cut to fit, dropped %s; %d steps of %d on %d process(es)%s",
            len(prepared.samples), tokens, cut, prepared.reasons or "none", steps, self.recipe.global_batch_size,
            self.place.processes, f", continuing from {self.checkpoint}" if self.checkpoint else "",
        )  # fmt: skip
        _LOG.info(
            "first sample, supervised text in [[ ]]:\n%s",
            show(prepared.samples[0], reader.tokenizer, reader.image_token),
        )

    def _finish(
        self, trainer: Finetuner, reader: Reader, prepared: Prepared, monitor: Monitor, wall_s: float
    ) -> dict[str, Any]:
        lora.save(trainer.model, self.recipe.out_dir, self.place.is_main)
        drops = prepared.dropped + _unique(gather_objects(monitor.dropped))
        peak_rss_mb = sum(gather_objects(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)) / 1024
        everything = Prepared(prepared.samples, drops)
        late = len(drops) - len(prepared.dropped)
        summary = {
            "steps": trainer.state.global_step,
            "wall_s": round(wall_s, 2),
            "samples": len(prepared.samples) - late,
            "cut": sum(sample.cut for sample in prepared.samples),
            "dropped": everything.reasons,
            "dropped_fraction": len(drops) / (len(prepared.samples) + len(prepared.dropped)),
            "final_loss": _last_loss(trainer),
            "peak_rss_mb": round(peak_rss_mb, 1),
            "processes": self.place.processes,
            "resumed_from": self.checkpoint.name if self.checkpoint else None,
            "fingerprint": self.fingerprint,
        }
        if self.place.is_main:
            reader.save(self.recipe.out_dir)
            write_card(self.recipe, summary)
            rows = [{"id": drop.id, "stage": "train", "reason": drop.reason} for drop in drops]
            write_lines(self.outputs.rejections, rows)
            write_json(self.outputs.summary, summary)
            _LOG.info("adapter in %s: %d steps in %.0f s", self.recipe.out_dir, summary["steps"], wall_s)
        if dist.is_initialized():
            dist.barrier()  # no process leaves, and takes the launcher with it, before all is written
        return summary


def _unique(everyone: list[set[Dropped]]) -> list[Dropped]:
    return sorted({drop for some in everyone for drop in some}, key=lambda drop: drop.id)


def _last_loss(trainer: Finetuner) -> float | None:
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return round(losses[-1], 6) if losses else None
