"""The text side of one sample."""

from dataclasses import dataclass

from train.chat import Turn


@dataclass(frozen=True)
class Conversation:
    """Questions with their answers, about an image or about none."""

    id: str
    turns: tuple[Turn, ...]
    has_image: bool
