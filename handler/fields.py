"""The fields of what arrives, checked, and shown in errors. Pure."""

from collections.abc import Mapping
from typing import Any

# A key of 1024 bytes, the most that S3 takes, each of them percent-encoded.
MAX_TEXT = 3 * 1024
SHOWN_CHARACTERS = 200


class EventError(ValueError):
    """What arrived is not of a shape that the pipeline knows."""


def field(record: object, *path: str) -> Any:
    """Return a field of a record.

    Args:
        record: what should have it.
        *path: the names that lead to it.

    Raises:
        EventError: it is not there.
    """
    value = record
    for depth, name in enumerate(path):
        if not isinstance(value, Mapping) or name not in value:
            got = (
                f"the fields {names(value)}" if isinstance(value, Mapping) else type(value).__name__
            )
            raise EventError(f"record must have {'.'.join(path[: depth + 1])}, got {got}")
        value = value[name]
    return value


def text(record: object, *path: str, longest: int = MAX_TEXT) -> str:
    """Return a text of a record.

    Args:
        record: what should have it.
        *path: the names that lead to it.
        longest: characters, at most.

    Raises:
        EventError: it is not there, no text, of another length, or no Unicode.
    """
    value = field(record, *path)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise EventError(
            f"{'.'.join(path)} must be a text of 1-{longest} characters, got {shown(value)}"
        )
    try:
        # JSON can spell half a surrogate pair, which neither a log line nor a row can hold.
        value.encode()
    except UnicodeEncodeError as err:
        raise EventError(f"{'.'.join(path)} must be Unicode text, got {shown(value)}") from err
    return value


def shown(value: object) -> str:
    """Show what came, cut so that an error's message stays small, whatever came."""
    if isinstance(value, Mapping | list):
        # Its repr may be deeper than Python recurses.
        return type(value).__name__
    return _cut(repr(value))


def names(value: Mapping[str, Any]) -> str:
    """List the fields of what came, cut as well."""
    listed = ", ".join(sorted(map(str, value))[:20])
    return _cut(listed.encode("unicode_escape").decode()) or "(none)"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
