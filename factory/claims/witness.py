"""Asks a model with sight about single statements, alone, without the text around them.

What is asked is yes or no, and what counts is the probability of yes: nothing that is written in the image or
in a caption can make the answer anything but a number. Between the two thresholds the statement stays unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from factory.claims.statement import UNKNOWN, Finding, Judged, Statement
from factory.english import with_article
from factory.models.protocols import Chat, ChatRequest
from factory.prompts import Prompt

FIELDS = ("question",)
ASKED = ("existence", "attribute", "relation", "text", "other")
"""Kinds that a witness is asked about when nothing else tells for or against them."""


@dataclass(frozen=True)
class Witness:
    """A model with sight and the probabilities of yes from and up to which it is believed."""

    model: Chat
    prompt: Prompt
    yes_from: float
    no_to: float

    def wants(self, one: Judged) -> bool:
        """Tell whether the statement is to be asked about: it is unknown, and of a kind that can be seen."""
        return one.finding.verdict == "unknown" and one.statement.kind in ASKED

    def hear(self, asked: Sequence[tuple[Image.Image, str, Statement]]) -> list[Finding]:
        """Return a finding per statement of a text about an image."""
        questions = [question(text, statement) for _, text, statement in asked]
        requests = [
            ChatRequest(self.prompt.render({"question": words}), image, asks_yes_no=True)
            for (image, _, _), words in zip(asked, questions, strict=True)
        ]
        answers = self.model.reply(requests) if requests else []
        return [self._finding(words, reply.yes) for words, reply in zip(questions, answers, strict=True)]

    def _finding(self, words: str, yes: float | None) -> Finding:
        if yes is None:
            return UNKNOWN
        evidence = (f"asked:{words}={yes:.2f}",)
        if yes >= self.yes_from:
            return Finding("supported", evidence)
        return Finding("refuted" if yes <= self.no_to else "unknown", evidence)


def question(text: str, statement: Statement) -> str:
    """Return a statement of a text as a question about the image."""
    match statement.kind:
        case "existence":
            return f"Is there {with_article(statement.phrase)} in the image?"
        case "attribute":
            return f"Is the {statement.phrase} {statement.value}?"
        case "relation":
            return f"Is the {statement.phrase} {statement.value} the {statement.other}?"
        case "text":
            return f'Can the words "{statement.value}" be read in the image?'
    said = " ".join(text[statement.start : statement.end].split())
    return f'Is this true of the image: "{said}"'
