"""Parses records of the table's stream into versions to extract. Pure.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from attributes import PENDING


class RecordError(ValueError):
    """An event or a record is not from this table's stream."""


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
    """When the row became pending."""


def records(event: object) -> list[object]:
    """Return an event's records.

    Raises:
        RecordError: the event's format is unknown.
    """
    found = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(found, list):
        raise RecordError("event must have a list of Records, got another")
    return found


def pending(record: object) -> Version | None:
    """Parse a record; None if its row was deleted or is not pending. The filter skips those, too.

    Raises:
        RecordError: it is not the record of a row of this project.
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
    """Name a record in the log, even an invalid one."""
    try:
        return str(record["dynamodb"]["Keys"]["file_key"]["S"])  # type: ignore[index]
    except (KeyError, TypeError):
        return "unknown"
