"""Claims: what a description states, each with its place in the text, judged against the known truth.

    text --parse--> claims (existence, attribute, count, position, depth, size, relation, setting) --judge-->
    verdicts

The reader knows a controlled English of objects with colour, size, place, distance and number; a sentence in
which it finds nothing is counted as not read, never as true or false.
"""

from eval.claims.claim import Claim, Kind, Verdict
from eval.claims.judge import judge
from eval.claims.parse import Parsed, Parser

__all__ = ["Claim", "Kind", "Parsed", "Parser", "Verdict", "judge"]
