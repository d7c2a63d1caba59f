"""An answerer that loads its model with the first question, for a run whose every answer is stored needs none."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from eval.generation.ask import Answerer, Request
from eval.model import LlavaModel


class LazyLlava:
    """A LLaVA that is told apart by its files, and loaded when it is asked something."""

    def __init__(self, config: LlavaModel) -> None:
        from eval.generation.llava import fingerprint_of

        self._config = config
        self.batch_size = config.batch_size
        self.fingerprint = fingerprint_of(config)

    def __call__(self, requests: Sequence[Request]) -> Iterable[str]:
        """Return one answer per request.

        Raises:
            ModelError: the checkpoint or the adapter cannot be loaded.
        """
        return self._loaded(requests)

    @cached_property
    def _loaded(self) -> Answerer:
        from eval.generation.llava import load_llava

        return load_llava(self._config)
