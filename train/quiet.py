"""Libraries that talk about themselves while training are asked not to."""

import warnings

from transformers.utils import logging

_NOT_OURS = (
    r"`is_gradient_checkpointing` is deprecated",  # PEFT calling transformers
    r"`torch\.distributed\..* is deprecated",  # DeepSpeed calling torch
)


def quiet_libraries() -> None:
    """Silence progress bars, hints, and deprecations between libraries that a user can do nothing about."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for message in _NOT_OURS:
        warnings.filterwarnings("ignore", message=message, category=FutureWarning)
