"""An event of a known shape is taken apart whole; one of an unknown shape is refused by name."""

import json
from typing import Any

import pytest

import events
from events import MAX_ENVELOPES, Item
from fields import EventError
from support.handler_env import load

PUT = load("put")["Records"][0]
BATCH = load("queue_batch")
FIRST, SECOND, THIRD, _ = (message["messageId"] for message in BATCH["Records"])


def message(body: object, name: str = "bad") -> dict[str, Any]:
    """A real queue message with another body."""
    return BATCH["Records"][0] | {"messageId": name, "body": body}


def enveloped(event: object, times: int) -> object:
    for _ in range(times):
        event = {"requestPayload": event}
    return event


@pytest.mark.parametrize(
    ("event", "got"),
    [
        ({}, r"\(none\)"),
        ({"foo": 1, "bar": 2}, "bar, foo"),
        ({"Records": None}, "Records"),
        ({"Records": {}}, "Records"),
        ({"Event": "s3:OtherEvent"}, "Event"),
        ({"source": "aws.s3", "detail": {}}, "detail, source"),
        ({"requestPayload": {"foo": 1}}, "foo"),
    ],
)
def test_an_unknown_shape_is_refused_with_what_is_missing_and_what_is_there(
    event: object, got: str
) -> None:
    rule = (
        r"must have a list Records, a detail-type, a requestPayload or the Event s3:TestEvent,"
        rf" .* {got}$"
    )
    with pytest.raises(EventError, match=rule):
        events.items(event)


@pytest.mark.parametrize("event", [None, "text", 5, True, [PUT], {"requestPayload": None}])
def test_an_event_that_is_no_object_is_refused(event: object) -> None:
    with pytest.raises(EventError, match="event must be an object, got"):
        events.items(event)


def test_an_envelope_whose_payload_was_too_large_to_keep_is_refused() -> None:
    """Lambda leaves the payload out of a record that would pass the destination's limit."""
    envelope = load("failed")
    del envelope["requestPayload"]
    with pytest.raises(EventError, match="requestContext"):
        events.items(envelope)


def test_an_envelope_that_failed_again_is_opened() -> None:
    event = enveloped(load("put"), MAX_ENVELOPES - 1)
    assert events.items(event) == [Item(PUT)]


def test_envelopes_are_opened_to_a_bounded_depth() -> None:
    with pytest.raises(EventError, match="requestPayload must be nested less than"):
        events.items(enveloped(load("put"), MAX_ENVELOPES))


def test_every_record_of_a_notification_becomes_an_item_in_order() -> None:
    assert events.items({"Records": [PUT, None, 5]}) == [Item(PUT), Item(None), Item(5)]


def test_every_record_of_every_message_keeps_its_messages_name() -> None:
    read = [(item.message_id, events.label(item)) for item in events.items(BATCH)]
    assert read == [
        (FIRST, "reports/2026 Q1/résumé+1.csv"),
        (SECOND, "reports/2026 Q1/draft.csv"),
        (THIRD, "video/take 2.mp4"),
        (THIRD, "photos/📎.png"),
    ]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "body must be a text"),
        (5, "body must be a text"),
        ("not json", "body must be JSON"),
        ("[" * 100_000, "body must be JSON"),
        ("[]", "event must be an object, got list"),
        ("null", "event must be an object, got NoneType"),
        ("{}", "event must have a list Records"),
        ('{"Records": 5}', "event must have a list Records"),
        (json.dumps(enveloped({}, MAX_ENVELOPES)), "requestPayload must be nested"),
    ],
)
def test_a_message_with_a_bad_body_becomes_one_failing_item(body: object, named: str) -> None:
    [item] = events.items({"Records": [message(body)]})
    assert item.message_id == "bad"
    with pytest.raises(EventError, match=f"^{named}"):
        events.notification(item)


def test_a_message_without_a_body_becomes_one_failing_item() -> None:
    bad = message("")
    del bad["body"]
    [item] = events.items({"Records": [bad]})
    with pytest.raises(EventError, match="record must have body"):
        events.notification(item)


def test_a_bad_message_leaves_its_neighbours_whole() -> None:
    batch = {"Records": [message("{"), *BATCH["Records"]]}
    assert events.items(batch)[1:] == events.items(BATCH)


def test_a_message_without_a_name_is_refused() -> None:
    """Its failure could not be told from the others'."""
    bad = message(json.dumps(load("put")))
    del bad["messageId"]
    with pytest.raises(EventError, match="record must have messageId"):
        events.items({"Records": [bad]})


def test_a_message_among_records_is_kept_and_refused() -> None:
    first, second = events.items({"Records": [PUT, message("{}")]})
    assert first == Item(PUT)
    with pytest.raises(EventError, match="eventSource must be aws:s3, got 'aws:sqs'"):
        events.notification(second)


@pytest.mark.parametrize(
    ("key", "label"),
    [("r%C3%A9sum%C3%A9+1.csv", "r\u00e9sum\u00e9 1.csv"), ("a%FFb", "a\ufffdb")],
)
def test_an_item_is_labelled_with_its_key_however_broken(key: str, label: str) -> None:
    assert events.label(Item({"s3": {"object": {"key": key}}})) == label


@pytest.mark.parametrize(
    ("record", "label"),
    [
        ([], "<list without a key>"),
        ({"s3": {}}, "<dict without a key>"),
        (EventError("no JSON"), "<EventError without a key>"),
    ],
)
def test_an_item_without_a_key_is_labelled_with_its_kind(record: object, label: str) -> None:
    assert events.label(Item(record)) == label


def test_an_error_stays_small_whatever_came() -> None:
    """It travels in the failed event, beside the event itself."""
    record = load("put")["Records"][0] | {"eventTime": "x" * 100_000}
    with pytest.raises(EventError) as caught:
        events.notification(Item(record))
    assert len(str(caught.value)) < 300
