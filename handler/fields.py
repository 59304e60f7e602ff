"""Reads and checks the fields of events, and shows values in errors. Pure."""

from collections.abc import Mapping
from typing import Any

# The longest key that S3 allows, 1024 bytes, with each byte percent-encoded.
MAX_TEXT = 3 * 1024
SHOWN_CHARACTERS = 200


class EventError(ValueError):
    """The format of an event or of a record is unknown or invalid."""


def field(record: object, *path: str) -> Any:
    """Return a field of a record.

    Args:
        record: the record that should have the field.
        *path: the field's name, after the names of the objects that contain it.

    Raises:
        EventError: the field is missing.
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
    """Return a text field of a record.

    Args:
        record: the record that should have the field.
        *path: the field's name, after the names of the objects that contain it.
        longest: the maximum number of characters.

    Raises:
        EventError: the field is missing, not a text, empty, too long, or not Unicode.
    """
    value = field(record, *path)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise EventError(
            f"{'.'.join(path)} must be a text of 1-{longest} characters, got {shown(value)}"
        )
    try:
        # JSON can contain half a surrogate pair, which neither a log line nor a row can store.
        value.encode()
    except UnicodeEncodeError as err:
        raise EventError(f"{'.'.join(path)} must be Unicode text, got {shown(value)}") from err
    return value


def shown(value: object) -> str:
    """Show a value in an error, cut so that the message stays short."""
    if isinstance(value, Mapping | list):
        # The repr of a deep value may exceed Python's recursion limit.
        return type(value).__name__
    return _cut(repr(value))


def names(value: Mapping[str, Any]) -> str:
    """List the names of an object's fields, cut so that the message stays short."""
    listed = ", ".join(sorted(map(str, value))[:20])
    return _cut(listed.encode("unicode_escape").decode()) or "(none)"


def _cut(whole: str) -> str:
    return whole if len(whole) <= SHOWN_CHARACTERS else f"{whole[:SHOWN_CHARACTERS]}..."
