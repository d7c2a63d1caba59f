"""Text that trainers must not take for anything but text."""


def plain(text: str) -> str:
    """Return the text without the tag that stands for an image in conversations."""
    return text.replace("<image>", "image").strip()


def words(text: str) -> int:
    """Return the number of words."""
    return len(text.split())
