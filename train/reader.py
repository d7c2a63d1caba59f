"""The checkpoint's reading side: its configuration, tokenizer and image processor."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoProcessor

from train.chat import Chat, jinja_template
from train.error import CheckpointError
from train.images import padding_processor
from train.recipe import TrainRecipe


@dataclass(frozen=True)
class Reader:
    """Everything needed to turn text and images into what the model takes."""

    processor: Any
    image_size_px: int
    image_tokens: int
    image_token_id: int

    @property
    def tokenizer(self) -> Any:
        """Return the tokenizer."""
        return self.processor.tokenizer

    @property
    def image_token(self) -> str:
        """Return the text of the image token."""
        token: str = self.tokenizer.convert_ids_to_tokens(self.image_token_id)
        return token

    @property
    def pad_token_id(self) -> int:
        """Return the id that fills padded rows; any would do, for it is neither seen nor supervised."""
        pad = self.tokenizer.pad_token_id
        return int(self.tokenizer.eos_token_id if pad is None else pad)

    def chat(self, recipe: TrainRecipe) -> Chat:
        """Return the encoder of conversations."""
        return Chat(self.tokenizer, recipe.template, self.image_token, self.image_tokens, recipe.max_length)

    def save(self, folder: Path) -> None:
        """Write the processor as training used it, its chat template included, for inference to ask alike."""
        self.processor.save_pretrained(str(folder))


def open_reader(recipe: TrainRecipe) -> Reader:
    """Load configuration and processor of the recipe's checkpoint, set up as the recipe says.

    Raises:
        CheckpointError: they are missing, or the checkpoint is no LLaVA-1.5.
    """
    name, revision = recipe.model.checkpoint, recipe.model.revision or "main"
    try:
        config = AutoConfig.from_pretrained(name, revision=revision)
        processor = AutoProcessor.from_pretrained(name, revision=revision)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot load model.checkpoint {name}: {error}") from error
    if config.model_type != "llava":
        raise CheckpointError(
            f"{name} is a {config.model_type} model; only LLaVA-1.5 (llava) can be tuned here"
        )
    if recipe.image_aspect == "pad":
        processor.image_processor = padding_processor(processor.image_processor)
    processor.chat_template = jinja_template(recipe.template)
    return Reader(processor, config.vision_config.image_size, _image_tokens(config), config.image_token_id)


def _image_tokens(config: Any) -> int:
    side = config.vision_config.image_size // config.vision_config.patch_size
    return int(side * side + (config.vision_feature_select_strategy != "default"))
