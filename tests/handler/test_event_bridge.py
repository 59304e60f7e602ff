"""An event of EventBridge's is read as the notification that S3 sends of the same change."""

from typing import Any

import pytest

import event_bridge
import events
from events import Item, Notification
from fields import EventError
from local.cloud import Cloud
from support.both_ways import both_ways, change_in_each_way, received
from support.bus import REASONS, in_messages, on_the_bus
from support.handler_env import MISSING, PUT, with_field
from support.journeys import PATIENCE_SECONDS


def read(event: Any) -> Notification:
    [item] = events.items(event)
    return events.notification(item)


def direct(name: str) -> dict[str, Any]:
    """A record of S3's with this event's name, and a time in whole seconds."""
    return PUT | {"eventName": name, "eventTime": "2026-03-14T09:26:53Z"}


DELETION = on_the_bus(direct("ObjectRemoved:Delete"))


@pytest.mark.parametrize("name", sorted(REASONS))
def test_both_ways_give_one_notification(name: str) -> None:
    record = direct(name)
    assert read(on_the_bus(record)) == events.notification(Item(record))


@pytest.mark.parametrize("key", ["a b+c", "a%2Fb", "100%", "\u00e9/\U0001f4ce", "a\nb", "k" * 1024])
def test_a_key_is_taken_as_it_is(key: str) -> None:
    assert read(with_field(DELETION, "detail", "object", "key", value=key)).key == key


def test_an_event_without_a_sequencer_has_no_order() -> None:
    assert (
        read(with_field(DELETION, "detail", "object", "sequencer", value=MISSING)).sequencer is None
    )


def test_a_deletion_for_another_reason_has_no_order() -> None:
    found = read(with_field(DELETION, "detail", "reason", value="Decree"))
    assert (found.event_name, found.sequencer) == ("ObjectDeleted:Delete", None)


def test_a_creation_for_another_reason_has_its_order() -> None:
    event = on_the_bus(direct("ObjectCreated:Put"))
    found = read(with_field(event, "detail", "reason", value="RenameObject"))
    assert found.event_name == "ObjectCreated:RenameObject"
    assert found.sequencer is not None


def test_an_event_is_read_in_an_envelope_and_in_queue_messages() -> None:
    event = on_the_bus(direct("ObjectCreated:Put"))
    enveloped = read({"requestPayload": event})
    [first, second] = events.items(in_messages([event, event]))
    assert enveloped == read(event) == events.notification(first) == events.notification(second)
    assert (first.message_id, second.message_id) == ("0", "1")


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("source",), "my.app", f"source must be {event_bridge.SOURCE}, got 'my.app'"),
        (("detail-type",), "Object Tags Added", "detail-type must be Object Created or Object"),
        (("source",), MISSING, "record must have source, got the fields"),
        (("time",), MISSING, "record must have time, got the fields"),
        (("detail", "reason"), MISSING, "record must have detail.reason, got the fields"),
        (("detail", "deletion-type"), MISSING, "record must have detail.deletion-type, got the"),
        (("detail", "bucket", "name"), MISSING, "record must have detail.bucket.name, got the"),
        (("detail", "object"), 5, "record must have detail.object.key, got int"),
        (("detail", "object", "key"), "", "detail.object.key must be a text of 1-1024"),
        (("detail", "object", "sequencer"), 5, "s3.object.sequencer must be 1-32 hexadecimal"),
    ],
)
def test_an_unknown_event_is_refused_by_name(path: tuple[str, ...], value: Any, rule: str) -> None:
    with pytest.raises(EventError, match=rule):
        read(with_field(DELETION, *path, value=value))


def test_each_change_arrives_as_one_notification_by_both_ways(cloud: Cloud) -> None:
    name, key = "sent-both-ways", "a b+c %2F \U0001f4ce.txt"
    with both_ways(cloud, name, PATIENCE_SECONDS) as queues:
        count = change_in_each_way(cloud, name, key)
        notified, sent = (received(cloud, url, key, count, PATIENCE_SECONDS) for url in queues)
    assert [one.event_name for one in notified] == [
        "ObjectCreated:Put",
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectRemoved:Delete",
        "ObjectRemoved:Delete",
    ]
    assert sent == notified
