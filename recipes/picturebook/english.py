"""The few words and forms of English that the picture book speaks."""

from collections.abc import Sequence

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")

PLACES = ("on the left", "in the middle", "on the right")
DISTANCES = ("far away", "halfway back", "close to the viewer")
SIZES = ("small", "", "large")


def plural(name: str) -> str:
    """Return the plural of a class name."""
    return name + ("es" if name.endswith(("s", "ch", "sh", "x")) else "s")


def with_article(phrase: str) -> str:
    """Put a or an before a phrase."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def joined(parts: Sequence[str]) -> str:
    """Join parts as in a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def capital(text: str) -> str:
    """Return the text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def counted(n: int, phrase: str) -> str:
    """Return a phrase with its number: a red car, two red cars."""
    if n == 1:
        return with_article(phrase)
    *before, name = phrase.split()
    return " ".join([NUMBERS[n], *before, plural(name)])
