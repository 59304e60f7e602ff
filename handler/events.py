"""Parses events into notifications that a key changed. Pure: no clock, no network.

Four formats are supported, also inside a queue message:

- an S3 notification, ``{"Records": [...]}``
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html);
- an S3 event that comes through EventBridge, ``{"detail-type": ...}``: see ``event_bridge.py``;
- the envelope that Lambda puts around a failed event, ``{"requestPayload": {...}}``
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html);
- ``s3:TestEvent``, which S3 sends to a queue or topic when a notification is saved.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from fields import EventError, field, names, shown, text

SEQUENCER_WIDTH = 32
MAX_ENVELOPES = 5
# Larger than any event that Lambda passes to a function, so no message's body is too long.
MAX_BODY = 8 * 1024**2
MAX_LABEL = 1024
MAX_TIME = 64
# Only these events have a sequencer that orders them. An expiration, for example, has the sequencer
# of the object's creation, or none.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
ORDERED = ("ObjectCreated:", "ObjectRemoved:")
# Re-check requests from backfill, repair and S3 Batch Operations: no change caused them.
RECHECKS = ("Backfill:", "Repair:", "BatchOperations:")


@dataclass(frozen=True, slots=True)
class Notification:
    """A key changed, or must be checked again."""

    bucket: str
    key: str
    """The object's key, URL-decoded."""
    event_name: str
    event_time: datetime
    """UTC."""
    sequencer: str | None
    """Padded so that strings sort in event order; None if S3 gives no order."""

    @property
    def is_recheck(self) -> bool:
        """Whether this is a re-check request, which no change caused."""
        return self.event_name.startswith(RECHECKS)


@dataclass(frozen=True, slots=True)
class Item:
    """One record of an event, not parsed yet, or the error that says why there is none."""

    record: object | EventError
    message_id: str | None = None
    """The id of the queue message that contained it."""
    task_id: str | None = None
    """The id of its task in an S3 Batch Operations job."""


def items(event: object) -> list[Item]:
    """Split an event into its records.

    Args:
        event: what Lambda passes to the function.

    Raises:
        EventError: the event's format is unknown. A queue message of unknown format does not
            raise: it becomes one item that holds the error, so that only this one is retried.
    """
    messages = _queue_messages(event)
    if messages is None:
        return [Item(record) for record in _records(event)]
    return [item for message in messages for item in _message_items(message)]


def notification(item: Item) -> Notification:
    """Parse one record.

    Raises:
        EventError: a field is missing or breaks its rule; the message names it.
    """
    record = item.record
    if isinstance(record, EventError):
        raise record
    source = text(record, "eventSource")
    if source != "aws:s3":
        raise EventError(f"eventSource must be aws:s3, got {shown(source)}")
    event_name = text(record, "eventName")
    key = _key(text(record, "s3", "object", "key"))
    sequencer = _sequencer(field(record, "s3", "object").get("sequencer"))
    return Notification(
        bucket=text(record, "s3", "bucket", "name"),
        key=key,
        event_name=event_name,
        event_time=_time(text(record, "eventTime", longest=MAX_TIME)),
        sequencer=sequencer if event_name.startswith(ORDERED) else None,
    )


def label(item: Item) -> str:
    """Name an item in messages, even an invalid one: its key as sent, otherwise its type."""
    try:
        return unquote_plus(text(item.record, "s3", "object", "key"))[:MAX_LABEL]
    except EventError:
        return f"<{type(item.record).__name__} without a key>"


def _queue_messages(event: object) -> list[Mapping[str, Any]] | None:
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list) or not records:
        return None
    from_queue = [isinstance(r, Mapping) and r.get("eventSource") == "aws:sqs" for r in records]
    return records if all(from_queue) else None


def _message_items(message: Mapping[str, Any]) -> Iterator[Item]:
    message_id = text(message, "messageId")
    try:
        records = _records(json.loads(text(message, "body", longest=MAX_BODY)))
    except EventError as err:
        yield Item(err, message_id)
    except (ValueError, RecursionError) as err:
        yield Item(EventError(f"body must be JSON, got {err}"), message_id)
    else:
        yield from (Item(record, message_id) for record in records)


def _records(event: object) -> list[object]:
    for _ in range(MAX_ENVELOPES):
        if not isinstance(event, Mapping):
            raise EventError(f"event must be an object, got {type(event).__name__}")
        if "requestPayload" not in event:
            break
        event = event["requestPayload"]
    else:
        raise EventError(f"requestPayload must be nested less than {MAX_ENVELOPES} times")
    if event.get("Event") == "s3:TestEvent":
        return []
    if "detail-type" in event:
        # Imported only if needed: most functions get no such event, and start faster.
        import event_bridge  # noqa: PLC0415

        return [event_bridge.record(event)]
    records = event.get("Records")
    if not isinstance(records, list):
        raise EventError(
            "event must have a list Records, a detail-type, a requestPayload or the Event"
            f" s3:TestEvent, got the fields {names(event)}"
        )
    return records


def _key(encoded: str) -> str:
    try:
        return unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError as err:
        raise EventError(f"s3.object.key must be URL-encoded UTF-8, got {shown(encoded)}") from err


def _time(value: str) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except ValueError as err:
        raise EventError(f"eventTime must be an ISO 8601 time, got {shown(value)}") from err
    if time.tzinfo is None:
        raise EventError(f"eventTime must have an offset from UTC, got {shown(value)}")
    try:
        return time.astimezone(UTC)
    except OverflowError as err:
        raise EventError(f"eventTime must be a time of years 1-9999, got {shown(value)}") from err


def _sequencer(value: object) -> str | None:
    """Pad a sequencer to a fixed width.

    Sequencers are hexadecimal strings of varying length. To compare two of them, right-pad the
    shorter one with zeros, and compare them as strings:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    if value is None:
        return None
    pattern = rf"[0-9A-Fa-f]{{1,{SEQUENCER_WIDTH}}}"
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise EventError(
            f"s3.object.sequencer must be 1-{SEQUENCER_WIDTH} hexadecimal digits,"
            f" got {shown(value)}"
        )
    return value.upper().ljust(SEQUENCER_WIDTH, "0")
