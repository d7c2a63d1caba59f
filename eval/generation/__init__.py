"""Asking a model about images: requests, answers kept as they come, and the LLaVA that gives them."""

from eval.generation.ask import Answerer, Request, ask
from eval.generation.store import Store

__all__ = ["Answerer", "Request", "Store", "ask"]
