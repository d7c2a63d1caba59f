"""From the model of a recipe to the answerer that it describes."""

from functools import lru_cache

from eval.generation.ask import Answerer
from eval.model import LlavaModel, ServedModel


@lru_cache(maxsize=1)
def load_answerer(config: LlavaModel | ServedModel) -> Answerer:
    """Connect to a server, or name a checkpoint that is loaded when first asked; the last one is kept.

    Raises:
        ModelError: the adapter is none, or the server cannot be reached.
    """
    if isinstance(config, ServedModel):
        from eval.generation.server import connect

        return connect(config)
    from eval.generation.lazy import LazyLlava

    return LazyLlava(config)
