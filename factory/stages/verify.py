"""Checks every claim of the final text against the image, alone, and mends what is refuted.

What the rewriting model added by itself is found here: the text is read anew, and nothing is believed for
having been written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from factory.calibrated import digest_of, load_calibration
from factory.claims.check import Case, Checker, Reader, by_grammar, known_scores
from factory.claims.mend import Mender, Policies, Policy
from factory.claims.reader import FIELDS as READER_FIELDS
from factory.claims.reader import ChatReader
from factory.claims.repair import by_sentence
from factory.claims.rewrite import FIELDS as REWRITER_FIELDS
from factory.claims.rewrite import Rewriter
from factory.claims.statement import Judged
from factory.claims.witness import FIELDS as WITNESS_FIELDS
from factory.claims.witness import Witness
from factory.models import ChatConfig, DetectorConfig
from factory.models.checkpoint import Probability
from factory.models.protocols import Chat, Detector
from factory.prompts import load_prompt
from factory.records import Claim, Item, Rejection
from factory.stages.extract import ExtractorConfig, GrammarConfig
from factory.stages.opening import Opening
from factory.thresholds import Thresholds
from recipes import Config


class WitnessConfig(Config):
    """A model with sight that is asked yes or no about single statements."""

    model: ChatConfig
    """The MLLM; a server must return log-probabilities."""
    prompt: str = "witness"
    """Prompt file, by bare name for a built-in one; field: question."""
    yes_from: Probability = 0.8
    """Statements whose probability of yes is at least this are supported."""
    no_to: Probability = 0.2
    """Statements whose probability of yes is at most this are refuted; between the two they stay unknown."""

    def build(self) -> Witness:
        """Return the witness."""
        prompt = load_prompt(self.prompt, WITNESS_FIELDS)
        return Witness(self.model.build(), prompt, self.yes_from, self.no_to)


class VerifyConfig(Config):
    """Check every claim of the description, and mend what is refuted."""

    kind: Literal["verify"] = "verify"
    claims: ExtractorConfig = GrammarConfig()
    """What splits the text into claims: an LLM, or `kind: grammar` for plain English without a model."""
    claims_prompt: str = "claims"
    """Prompt file for that LLM, by bare name for a built-in one; field: description."""
    detector: DetectorConfig | None = None
    """Asked for things that are no object yet; without it such claims stay unknown."""
    min_score: Probability = 0.35
    """Things and attributes that score less are refuted."""
    calibration: str = ""
    """A file that `calibrate` wrote for this detector; its thresholds take the place of `min_score`."""
    witness: WitnessConfig | None = None
    """A model with sight, asked about claims that neither the detector nor geometry can tell."""
    on_refuted: Literal["repair", "drop", "keep"] = "repair"
    """What happens to a sentence with a refuted claim: mended where possible, else dropped; or dropped at once."""
    rewriter: ChatConfig | None = None
    """An LLM that mends sentences which no small edit does; without it they fall to the template or are dropped."""
    rewrite_prompt: str = "repair"
    """Prompt file for the rewriter; fields: description, refuted (list of sentences), facts (list)."""
    max_rewrites: int = Field(default=1, ge=0)
    """How often the rewriter may try on one text; each try is checked again."""
    on_unknown: Policy = "mark"
    """What happens to a sentence with a claim that nothing tells for or against; `mark` lists it in `marked`."""
    on_inferred: Policy = "drop"
    """What happens to moods, purposes and guesses; `drop` takes out the clause, or the sentence if it is no more."""
    max_phrases: int = Field(default=100, ge=1)
    """Phrases asked of the detector per image and round; claims beyond stay unknown."""

    def build(self) -> "Verify":
        """Return the stage; an LLM that both reads and rewrites is loaded once."""
        reader = None if isinstance(self.claims, GrammarConfig) else self.claims.build()
        same = reader is not None and self.rewriter == self.claims
        rewriter = reader if same else self.rewriter.build() if self.rewriter else None
        witness = self.witness.build() if self.witness else None
        return Verify(self.detector.build() if self.detector else None, self, reader, rewriter, witness)

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        parts = {"detector": self.detector, "claims": self.claims, "rewriter": self.rewriter}
        parts |= {"witness": self.witness.model if self.witness else None}
        models = {
            f"{part}.{key}": value
            for part, config in parts.items() if config is not None and not isinstance(config, GrammarConfig)
            for key, value in config.identity().items()
        }  # fmt: skip
        prompts = {
            f"{part}.prompt": load_prompt(name, fields).digest for part, name, fields in self._prompts()
        }
        calibration = {"calibration": digest_of(self.calibration)} if self.calibration else {}
        return {"version": str(Verify.version), **models, **prompts, **calibration}

    def policies(self) -> Policies:
        """Return what is done about claims that do not hold."""
        return Policies(self.on_refuted, self.on_unknown, self.on_inferred, self.max_rewrites)

    def thresholds(self) -> Thresholds:
        """Return the thresholds of the calibration, else `min_score` for all.

        Raises:
            FactoryError: the calibration cannot be read or is another detector's.
        """
        if not self.calibration:
            return Thresholds(self.min_score)
        identity = self.detector.identity() if self.detector else {}
        return load_calibration(self.calibration, identity).thresholds()

    def _prompts(self) -> list[tuple[str, str, tuple[str, ...]]]:
        found: list[tuple[str, str, tuple[str, ...]]] = []
        if not isinstance(self.claims, GrammarConfig):
            found.append(("claims", self.claims_prompt, READER_FIELDS))
        if self.rewriter is not None:
            found.append(("rewriter", self.rewrite_prompt, REWRITER_FIELDS))
        if self.witness is not None:
            found.append(("witness", self.witness.prompt, WITNESS_FIELDS))
        return found


class Verify(Opening):
    """Adds the claims with verdict and evidence, mends the description, and records what was done to it."""

    name = "verify"
    version = 2
    needs: tuple[str, ...] = ("image", "description", "objects", "entities.score")
    adds: tuple[str, ...] = ("claims", "repairs")

    def __init__(
        self,
        detector: Detector | None,
        config: VerifyConfig,
        reader: Chat | None = None,
        rewriter: Chat | None = None,
        witness: Witness | None = None,
    ) -> None:
        super().__init__(detector, reader, rewriter, witness.model if witness else None)
        read: Reader = by_grammar
        if reader is not None:
            read = ChatReader(reader, load_prompt(config.claims_prompt, READER_FIELDS), self.ask, self.counts)
        mend = load_prompt(config.rewrite_prompt, REWRITER_FIELDS) if rewriter is not None else None
        self._checker = Checker(detector, config.thresholds(), read, witness, config.max_phrases, self.counts)
        self._rewriter = Rewriter(rewriter, mend, self.ask) if rewriter is not None and mend else None
        self._config = config

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its claims, or rejected if there is or remains no description."""
        cases = [Case(item, (item.description or "").strip(), known_scores(item)) for item in items]
        Mender(self._checker, self._rewriter, self._config.policies(), self.counts).mend(cases)
        return [self._outcome(case) for case in cases]

    def _outcome(self, case: Case) -> Item | Rejection:
        written = case.item.description or ""
        if not case.text:
            reason = "nothing left of the description" if written.strip() else "empty description"
            return Rejection(case.item.id, self.name, reason, written)
        claims = tuple(_claim(case.text, one) for one in case.judged)
        self.counts.update(claim.verdict for claim in claims)
        return replace(
            case.item,
            description=case.text,
            claims=claims,
            written=written,
            repairs=(*(case.item.repairs or ()), *case.repairs),
            marked=tuple(self._marked(case)),
        )

    def _marked(self, case: Case) -> Iterator[str]:
        policies = self._config.policies()
        for (start, end), of_one in by_sentence(case.text, case.judged):
            if any(_is_doubtful(one, policies) for one in of_one):
                yield case.text[start:end]


def _is_doubtful(one: Judged, policies: Policies) -> bool:
    if one.statement.kind == "inferred":
        return policies.inferred == "mark"
    doubtful = one.finding.verdict == "unknown" and one.statement.kind != "setting"
    return doubtful and policies.unknown == "mark"


def _claim(text: str, one: Judged) -> Claim:
    start, end = one.statement.start, one.statement.end
    return Claim(one.statement.kind, text[start:end], (start, end), one.finding.verdict, one.finding.evidence)
