"""Has a language model mend sentences that no small edit could; what it writes is checked like any other text."""

from collections.abc import Callable, Sequence

from factory.claims.check import Case
from factory.claims.repair import faulty, refuted_kind
from factory.errors import ReplyError
from factory.models.protocols import Chat, ChatRequest, Reply
from factory.prompts import Prompt
from factory.records import Repair
from factory.replies import prose
from factory.wording import object_line, worded

FIELDS = ("description", "refuted", "facts")
_LENGTHS = (0.4, 1.6)
"""A rewrite is not used if its words come to less or more than this share of what there was."""

Ask = Callable[[Chat, Sequence[ChatRequest]], list[Reply]]


class Rewriter:
    """A language model as mender."""

    def __init__(self, model: Chat, prompt: Prompt, ask: Ask) -> None:
        self._model, self._prompt, self._ask = model, prompt, ask

    def offers(self, cases: Sequence[Case]) -> list[tuple[str, Repair] | None]:
        """Return for each case a text with the repair that it would be, or None for no usable answer."""
        replies = self._ask(self._model, [ChatRequest(self._prompt.render(_fields(case))) for case in cases])
        return [_offer(case, reply) for case, reply in zip(cases, replies, strict=True)]


def _offer(case: Case, reply: Reply) -> tuple[str, Repair] | None:
    try:
        text = " ".join(prose(reply).split())
    except ReplyError:
        return None
    low, high = (share * len(case.text.split()) for share in _LENGTHS)
    if text == case.text or not low <= len(text.split()) <= high:
        return None
    wrong = faulty(case.text, case.judged)
    before = " ".join(case.text[start:end] for (start, end), _ in wrong)
    return text, Repair("rewritten", refuted_kind(wrong[0][1]), before, text)


def _fields(case: Case) -> dict[str, object]:
    item = case.item
    return {
        "description": case.text,
        "refuted": [case.text[start:end] for (start, end), _ in faulty(case.text, case.judged)],
        "facts": [object_line(worded(o, item.size_wh)) for o in item.objects or ()],
    }
