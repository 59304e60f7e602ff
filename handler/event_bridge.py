"""Converts an S3 event from EventBridge to the record of an S3 notification. Pure.

Both describe the same change. In EventBridge's event the key is not URL-encoded, the event types
have other names, and a lifecycle expiration is a deletion:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from fields import MAX_TEXT, EventError, field, shown, text

SOURCE = "aws.s3"
CREATED, DELETED = "Object Created", "Object Deleted"
CREATIONS = {"PutObject": "Put", "POST Object": "Post", "CopyObject": "Copy"}
"""The last part of the event's name, by reason; `CompleteMultipartUpload` is the same in both."""
DELETIONS = {"DeleteObject": "ObjectRemoved", "Lifecycle Expiration": "LifecycleExpiration"}
"""The first part of the event's name, by reason."""
DELETION_TYPES = {"Permanently Deleted": "Delete", "Delete Marker Created": "DeleteMarkerCreated"}
"""The last part of the event's name, by deletion type."""


def record(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record that an S3 notification of the same change has.

    Args:
        event: what EventBridge passes to the function.

    Raises:
        EventError: the event is not from S3, has another detail type, or lacks a field.
    """
    source = text(event, "source")
    if source != SOURCE:
        raise EventError(f"source must be {SOURCE}, got {shown(source)}")
    changed = field(event, "detail", "object")
    described = {"key": quote_plus(text(event, "detail", "object", "key", longest=MAX_TEXT // 3))}
    if "sequencer" in changed:
        described["sequencer"] = changed["sequencer"]
    return {
        "eventSource": "aws:s3",
        "eventName": _name(event),
        "eventTime": field(event, "time"),
        "s3": {"bucket": {"name": field(event, "detail", "bucket", "name")}, "object": described},
    }


def _name(event: Mapping[str, Any]) -> str:
    detail_type, reason = text(event, "detail-type"), text(event, "detail", "reason")
    if detail_type == CREATED:
        return f"ObjectCreated:{CREATIONS.get(reason, reason)}"
    if detail_type == DELETED:
        kind = text(event, "detail", "deletion-type")
        # The name for an unknown reason is not in `events.ORDERED`, so the event is unordered.
        return f"{DELETIONS.get(reason, 'ObjectDeleted')}:{DELETION_TYPES.get(kind, kind)}"
    raise EventError(f"detail-type must be {CREATED} or {DELETED}, got {shown(detail_type)}")
