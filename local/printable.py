"""Makes text safe to show on a terminal. Needs no packages, as `local.extract` does not."""


def printable(text: str) -> str:
    """Escape line breaks and terminal control characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
