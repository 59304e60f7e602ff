"""Records of the table's stream, read as versions whose contents are to be read. Pure.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from attributes import PENDING


class RecordError(ValueError):
    """What arrived is not of this table's stream."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version as its row describes it."""

    key: str
    version_id: str
    etag: str
    last_modified: str
    size: int
    content_type: str
    metadata: Mapping[str, str]
    asked_at: datetime
    """Since when the row is pending."""


def records(event: object) -> list[object]:
    """Return an event's records.

    Raises:
        RecordError: the event is of another shape.
    """
    found = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(found, list):
        raise RecordError("event must have a list of Records, got another")
    return found


def pending(record: object) -> Version | None:
    """Read a record; None if its row is gone or not pending, which the mapping's filter leaves out.

    Raises:
        RecordError: it is no record of a row of this project's.
    """
    try:
        change: Mapping[str, Any] = record["dynamodb"]  # type: ignore[index]
        row = change.get("NewImage")
        if row is None or row.get("extraction") != {"S": PENDING}:
            return None
        return Version(
            key=row["file_key"]["S"],
            version_id=row["version_id"]["S"],
            etag=row["etag"]["S"],
            last_modified=row["last_modified"]["S"],
            size=int(row["file_size"]["N"]),
            content_type=row["content_type"]["S"],
            metadata={
                name: value["S"] for name, value in row.get("metadata", {"M": {}})["M"].items()
            },
            asked_at=datetime.fromisoformat(row.get("extracted_at", row["processed_at"])["S"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise RecordError(
            f"record must be a change of a row, got {type(err).__name__}: {err}"
        ) from err


def label(record: object) -> str:
    """Name a record for the log, whatever it is."""
    try:
        return str(record["dynamodb"]["Keys"]["file_key"]["S"])  # type: ignore[index]
    except (KeyError, TypeError):
        return "unknown"
