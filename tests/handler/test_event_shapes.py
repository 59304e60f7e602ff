"""An event of a known shape is taken apart whole; one of an unknown shape is refused by name."""

import json

import pytest

import events
from events import MAX_ENVELOPES, Item
from fields import EventError
from support.handler_env import MESSAGE, MISSING, PUT, load, with_field

BATCH = load("queue_batch")
FIRST, SECOND, THIRD, _ = (message["messageId"] for message in BATCH["Records"])


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
        # Lambda leaves out a payload with which the record would pass the destination's limit.
        (with_field(load("failed"), "requestPayload", value=MISSING), "requestContext, .*"),
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


def test_an_envelope_that_failed_again_is_opened() -> None:
    event = enveloped(load("put"), MAX_ENVELOPES - 1)
    assert events.items(event) == [Item(PUT)]


@pytest.mark.parametrize("depth", [MAX_ENVELOPES, 100_000])
def test_envelopes_are_opened_to_a_bounded_depth(depth: int) -> None:
    with pytest.raises(EventError, match="requestPayload must be nested less than"):
        events.items(enveloped(load("put"), depth))


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
        (MISSING, "record must have body"),
    ],
)
def test_a_message_with_a_bad_body_becomes_one_failing_item(body: object, named: str) -> None:
    bad = with_field(MESSAGE, "body", value=body)
    [item] = events.items({"Records": [bad]})
    assert item.message_id == FIRST
    with pytest.raises(EventError, match=f"^{named}"):
        events.notification(item)


def test_a_message_without_a_name_is_refused() -> None:
    """Its failure could not be told from the others'."""
    bad = with_field(MESSAGE, "messageId", value=MISSING)
    with pytest.raises(EventError, match="record must have messageId"):
        events.items({"Records": [bad]})


def test_a_message_among_records_is_kept_and_refused() -> None:
    first, second = events.items({"Records": [PUT, MESSAGE]})
    assert first == Item(PUT)
    with pytest.raises(EventError, match="eventSource must be aws:s3, got 'aws:sqs'"):
        events.notification(second)


@pytest.mark.parametrize(
    ("record", "label"),
    [
        (with_field(PUT, "s3", "object", "key", value="%C3%A9+1.csv"), "\u00e9 1.csv"),
        (with_field(PUT, "s3", "object", "key", value="a%FFb"), "a\ufffdb"),
        ([], "<list without a key>"),
        ({"s3": {}}, "<dict without a key>"),
        (EventError("no JSON"), "<EventError without a key>"),
    ],
)
def test_an_item_is_labelled_with_its_key_however_broken_or_with_its_type(
    record: object, label: str
) -> None:
    assert events.label(Item(record)) == label
