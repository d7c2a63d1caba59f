"""What all stages with models have in common: opening and closing them."""

from factory.models.protocols import Model


class Opening:
    """Opens the models given to it, each once, and closes them."""

    def __init__(self, *models: Model | None) -> None:
        self._models = list({id(model): model for model in models if model is not None}.values())

    def open(self) -> None:
        """Load the models, once per worker."""
        for model in self._models:
            model.open()

    def close(self) -> None:
        """Free what `open` took."""
        for model in self._models:
            model.close()
