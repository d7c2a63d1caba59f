"""Tokens in the manner of the Penn Treebank, with their place in the text."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      \.\.\.+                                     # an ellipsis is one token
    | \d+(?:[.,:]\d+)+                            # 3.5, 10:30, 1,000
    | (?:[A-Za-z]\.){2,}                          # U.S., e.g.
    | \w+?(?=n['\u2019]t\b)                            # is|n't
    | n['\u2019]t\b
    | ['\u2019](?:s|re|ve|ll|d|m)\b                    # man|'s
    | \w+(?:[-/_.*&+]\w+)*                        # well-known, and/or; not the final stop
    | --+
    | [^\s\w]                                     # any other mark stands alone
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Token:
    """A word or a punctuation mark; `text[start:end]` of the whole text is it."""

    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """Split text as the Treebank does: marks apart, clitics apart (`man 's`, `is n't`), hyphens kept."""
    return [Token(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
