"""Word lists written as running text."""


def words(listing: str) -> tuple[str, ...]:
    """Return the words of a listing in order; line breaks are spaces."""
    return tuple(listing.split())
