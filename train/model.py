"""LLaVA as it is trained here: frozen vision tower, loss on supervised positions only, packed rows."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch.nn.functional import cross_entropy
from transformers import LlavaForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.llava.modeling_llava import LlavaCausalLMOutputWithPast

from train import attention
from train.chat import IGNORED_LABEL
from train.error import CheckpointError
from train.quantise import quantised
from train.recipe import ModelConfig


class TrainableLlava(LlavaForConditionalGeneration):  # type: ignore[misc]
    """The same weights and names as the parent; `forward` returns a loss and nothing else."""

    def forward(
        self,
        input_ids: torch.Tensor,
        labels: torch.Tensor,
        pixel_values: torch.Tensor | None = None,
        image_features: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        segment_lengths: Sequence[int] | None = None,
        num_items_in_batch: torch.Tensor | int | None = None,
        **others: Any,
    ) -> LlavaCausalLMOutputWithPast:
        """Return the summed cross-entropy over `num_items_in_batch`, or its mean over the supervised tokens.

        `input_ids` and `labels` are (batch, length), unshifted; images come as pixels (images, 3, side, side)
        or as features of `see`, in the order of their places in the text.

        Raises:
            ValueError: an attention mask or a cache is given; either would attend across packed samples.
        """
        if (
            others.get("attention_mask") is not None
            or others.get("use_cache")
            or others.get("past_key_values")
        ):
            raise ValueError(
                "training takes neither an attention mask nor a cache: both would attend across samples"
            )
        hidden = self._hidden(input_ids, pixel_values, image_features, position_ids, segment_lengths)
        losses = self._losses(hidden, labels)
        count = len(losses) if num_items_in_batch is None else num_items_in_batch
        return LlavaCausalLMOutputWithPast(loss=losses.sum() / count)

    def _losses(self, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy of every supervised token, (supervised tokens,), float32."""
        supervised = labels[:, 1:] != IGNORED_LABEL  # (batch, length - 1), bool
        logits = self.lm_head(hidden[:, :-1][supervised]).float()  # (supervised tokens, vocabulary)
        return cross_entropy(logits, labels[:, 1:][supervised], reduction="none")

    def see(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Return the frozen tower's features, (images, image tokens, hidden), which the projector takes."""
        layer = self.config.vision_feature_layer
        with torch.no_grad():
            states = self.model.vision_tower(
                pixel_values.to(self.model.vision_tower.dtype), output_hidden_states=layer
            ).hidden_states  # by layer, only those asked for
        chosen = [states[i] for i in ([layer] if isinstance(layer, int) else layer)]
        first = 1 if self.config.vision_feature_select_strategy == "default" else 0  # the class token
        return torch.cat([state[:, first:] for state in chosen], dim=-1)

    def _hidden(
        self,
        input_ids: torch.Tensor,
        pixel_values: torch.Tensor | None,
        image_features: torch.Tensor | None,
        position_ids: torch.Tensor | None,
        segment_lengths: Sequence[int] | None,
        times_shown: int = 1,
    ) -> torch.Tensor:
        """Return the last states, (batch, length, hidden); each image stands `times_shown` times in a row."""
        text_only = pixel_values is None and image_features is None
        if pixel_values is not None or text_only:
            image_features = self.see(self._blank_image() if pixel_values is None else pixel_values)
        projected = self.model.multi_modal_projector(
            cast(torch.Tensor, image_features).to(self.lm_head.weight.dtype)
        )
        shown = projected.repeat_interleave(times_shown, dim=0)
        images = {"image": BaseModelOutputWithPooling(pooler_output=list(shown))}
        output = self.model(
            input_ids=input_ids,
            position_ids=position_ids,
            mm_encoder_outputs=None if text_only else images,
            use_cache=False,
            **self._segments(segment_lengths),
        )
        hidden: torch.Tensor = output.last_hidden_state
        # Every process runs the same modules in every step, or a partitioned model waits for ever.
        return hidden + 0.0 * projected.sum() if text_only else hidden

    def _blank_image(self) -> torch.Tensor:
        side = self.config.vision_config.image_size
        return torch.zeros(1, 3, side, side, device=self.device)

    def _segments(self, lengths: Sequence[int] | None) -> dict[str, Any]:
        if lengths is None or self.config.text_config._attn_implementation == attention.NAME:
            return {} if lengths is None else {"segment_lengths": lengths}
        edges = torch.tensor([0, *lengths], device=self.device, dtype=torch.int32).cumsum(
            0, dtype=torch.int32
        )
        return {"cu_seq_lens_q": edges, "cu_seq_lens_k": edges,
                "max_length_q": max(lengths), "max_length_k": max(lengths)}  # fmt: skip


def load(
    config: ModelConfig,
    kind: type[TrainableLlava] = TrainableLlava,
    dtype: torch.dtype | None = None,
    four_bits: bool = False,
) -> TrainableLlava:
    """Load a LLaVA checkpoint as the given class, with every weight frozen, in the recipe's type or another.

    Raises:
        CheckpointError: it is missing, is no LLaVA-1.5, or lacks weights.
    """
    attention.register()
    implementation = attention.NAME if config.attention == "sdpa" else config.attention
    try:
        model, report = LlavaForConditionalGeneration.from_pretrained(
            config.checkpoint,
            revision=config.revision or "main",
            dtype=dtype or getattr(torch, config.dtype),
            attn_implementation={"": "sdpa", "text_config": implementation, "vision_config": "sdpa"},
            output_loading_info=True,
            **(quantised() if four_bits else {}),
        )
    except (OSError, ValueError, ImportError) as error:
        raise CheckpointError(f"cannot load model.checkpoint {config.checkpoint}: {error}") from error
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(f"{config.checkpoint} lacks {len(missing)} weights, the first: {missing[0]}")
    model.requires_grad_(False)
    model.__class__ = kind  # loaded as the parent, whose name the renaming of stored weights goes by
    return cast(TrainableLlava, model)
