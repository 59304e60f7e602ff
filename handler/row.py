"""Builds a row of the table from one answer of S3. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from attributes import COMPLETED, DELETED, OBJECT_ATTRIBUTES
from events import Notification

# S3's own default: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
CONTENT_TYPE = "binary/octet-stream"
# S3 stores at most 2 KB of user-defined metadata, which may be longer when decoded. An emulator may
# return more, and a row must stay below DynamoDB's limit of 400 KB:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
MAX_METADATA_BYTES = 16 * 1024
# Two versions of an object differ in at least one of these.
VERSION_ATTRIBUTES = ("version_id", "etag", "last_modified")

Row = dict[str, str | int | dict[str, str]]
Stored = Mapping[str, Mapping[str, Any]]
"""A row as DynamoDB returns it; empty if the key has none."""
Head = Mapping[str, Any]
"""S3's answer to ``HeadObject``, with AWS's names."""


def row(
    notification: Notification,
    head: Head | None,
    *,
    sequencer: str,
    region: str,
    now: datetime,
    tombstone_days: int,
) -> Row:
    """Build the row of a key from one answer to ``HeadObject``.

    Args:
        notification: the notification that caused the read.
        head: S3's answer; None if the key has no object.
        sequencer: the sequencer to write.
        region: where the bucket is.
        now: when S3 was read, UTC.
        tombstone_days: how long a tombstone stays.
    """
    common: Row = {
        "file_key": notification.key,
        "bucket_name": notification.bucket,
        "region": region,
        "sequencer": sequencer,
        "event_name": notification.event_name,
        "event_time": iso(notification.event_time),
        "processed_at": iso(now),
    }
    if head is None:
        expires_at = int((now + timedelta(days=tombstone_days)).timestamp())
        return common | {"processing_status": DELETED, "expires_at": expires_at}
    found: Row = {
        "processing_status": COMPLETED,
        "file_size": head["ContentLength"],
        "content_type": head.get("ContentType") or CONTENT_TYPE,
        "etag": head["ETag"].strip('"'),
        "last_modified": iso(head["LastModified"]),
        # S3's version ID of an object from before versioning was enabled.
        "version_id": head.get("VersionId", "null"),
    }
    if checksum := _checksum(head):
        found["checksum"] = checksum
    if metadata := _metadata(head.get("Metadata", {})):
        found["metadata"] = metadata
    return common | found


def says_the_same(stored: Stored, new: Row) -> bool:
    """Whether a stored row has the same status and object attributes as a new one."""
    item = typed(new)
    return all(
        stored.get(name) == item.get(name) for name in ("processing_status", *OBJECT_ATTRIBUTES)
    )


def is_of_the_same_version(stored: Stored, new: Row) -> bool:
    """Whether a stored row describes the same version as a new one.

    Without versioning, an overwrite with the same content has the same ``etag``, but another
    ``last_modified``.
    """
    item = typed(new)
    return all(stored.get(name) == item.get(name) for name in VERSION_ATTRIBUTES)


def stored_text(stored: Stored, name: str) -> str | None:
    """A text attribute of a stored row; None if the row does not have it."""
    return stored[name].get("S") if name in stored else None


def typed(row: Row) -> dict[str, dict[str, Any]]:
    """Convert a row to DynamoDB's attribute values.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    return {name: _typed(value) for name, value in row.items()}


def iso(time: datetime) -> str:
    """Format a time so that texts sort in time order."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _typed(value: str | int | dict[str, str]) -> dict[str, Any]:
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    return {"M": {name: {"S": part} for name, part in value.items()}}


def _checksum(head: Head) -> str | None:
    """The checksum as ``ALGORITHM:base64``; S3 stores one for each object.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    for name, value in sorted(head.items()):
        if name.startswith("Checksum") and name != "ChecksumType":
            return f"{name.removeprefix('Checksum')}:{value}"
    return None


def _metadata(sent: Mapping[str, str]) -> dict[str, str] | None:
    """User-defined metadata, decoded; None if it is too large for a row."""
    decoded = {name: _decoded(value) for name, value in sent.items() if name}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in decoded.items())
    return decoded if size <= MAX_METADATA_BYTES else None


def _decoded(value: str) -> str:
    """Decode a value. S3 sends values that are not ASCII as RFC 2047 words, in UTF-8.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    """
    if "=?" not in value:
        return value
    from email.errors import HeaderParseError  # noqa: PLC0415 # few objects need it
    from email.header import decode_header  # noqa: PLC0415

    try:
        words = decode_header(value)
        return "".join(
            word if isinstance(word, str) else word.decode(_charset(charset))
            for word, charset in words
        )
    except (HeaderParseError, UnicodeError, LookupError):
        return value


def _charset(name: str | None) -> str:
    if name is None:
        return "latin-1"
    if name.lower() not in {"utf-8", "us-ascii"}:
        raise LookupError(name)
    return name
