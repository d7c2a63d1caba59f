"""What all stages with models have in common: opening them, asking them, counting, and closing them."""

from collections import Counter
from collections.abc import Sequence

from factory.models.protocols import Chat, ChatRequest, Model, Reply


class Opening:
    """Opens the models given to it, each once, and closes them; `counts` says what went on meanwhile."""

    def __init__(self, *models: Model | None) -> None:
        self._models = list({id(model): model for model in models if model is not None}.values())
        self.counts: Counter[str] = Counter()

    def open(self) -> None:
        """Load the models, once per worker."""
        for model in self._models:
            model.open()

    def close(self) -> None:
        """Free what `open` took."""
        for model in self._models:
            model.close()

    def ask(self, model: Chat, requests: Sequence[ChatRequest]) -> list[Reply]:
        """Return the model's replies, with their tokens counted."""
        replies = model.reply(requests) if requests else []
        self.counts["tokens_in"] += sum(reply.tokens_in for reply in replies)
        self.counts["tokens_out"] += sum(reply.tokens_out for reply in replies)
        told = [reply.tokens_cached for reply in replies if reply.tokens_cached is not None]
        if told:
            self.counts["tokens_cached"] += sum(told)
        self.counts["micro_usd"] += sum(reply.micro_usd for reply in replies)
        return replies
