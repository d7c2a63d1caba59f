"""From the model of a recipe to the answerer that it describes."""

from functools import lru_cache

from eval.generation.ask import Answerer
from eval.model import LlavaModel, ServedModel


@lru_cache(maxsize=1)
def load_answerer(config: LlavaModel | ServedModel) -> Answerer:
    """Load a checkpoint or connect to a server; the last one is kept, for the next recipe that names it.

    Raises:
        ModelError: the checkpoint cannot be loaded, or the server cannot be reached.
    """
    if isinstance(config, ServedModel):
        from eval.generation.server import connect

        return connect(config)
    from eval.generation.llava import load_llava

    return load_llava(config)
