"""Whatever arrives is read by the rules or refused by name: no record is lost, nothing crashes."""

import functools
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import events
from events import Item
from fields import EventError
from support.handler_env import EVENTS, FIELDS, MESSAGE, PUT, SEQUENCER, load, with_field

fuzzed = settings(
    max_examples=100,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
REAL = {path.stem: load(path.stem) for path in EVENTS.glob("*.json")}
RECORDS = [
    record
    for event in REAL.values()
    for record in event.get("Records", [])
    if record["eventSource"] == "aws:s3"
]
NAMES = sorted(set(re.findall(r'"(\w+)":', json.dumps(REAL).replace("\\", ""))))
# Half surrogate pairs too: JSON can spell them.
texts = st.text(st.characters(exclude_categories=[])) | st.text(
    "%0aF+\n\\/\u202e\ud800", max_size=8
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
names = st.sampled_from(NAMES) | texts
values = st.recursive(
    scalars | st.sampled_from(RECORDS) | st.sampled_from(list(REAL.values())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a value with each of its keys or indices."""
    if isinstance(value, dict):
        here = list(value.items())
    elif isinstance(value, list):
        here = list(enumerate(value))
    else:
        return []
    return [(value, key) for key, _ in here] + [p for _, part in here for p in places(part)]


def tree(value: Any) -> Any:
    """Copy a value so that no two of its parts are one."""
    return json.loads(json.dumps(value))


@st.composite
def mutated(draw: st.DrawFn, originals: list[Any]) -> Any:
    """A real value with up to three of its parts replaced, removed, nested or repeated."""
    value = tree(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 3))):
        found = places(value)
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        match draw(st.sampled_from(["replace", "remove", "list", "envelope", "message"])):
            case "replace":
                container[key] = tree(draw(values))
            case "remove":
                del container[key]
            case "list":
                container[key] = [container[key], tree(container[key])]
            case "envelope":
                container[key] = {"requestPayload": container[key]}
            case "message":
                body = json.dumps(container[key])
                container[key] = tree({"Records": [MESSAGE | {"body": body}]})
    return value


records = values | mutated(RECORDS)
notifications = st.lists(records, max_size=5).map(lambda found: {"Records": found})


JUNK = {
    "nothing": "",
    "1 MB": "x" * 1_000_000,
    "1 MB that shows as more": "\u202e" * 330_000,
    "deep": functools.reduce(lambda inner, _: [inner], range(100_000), "inmost"),
    "number": 10**300,
    "half a surrogate pair": "a\ud800",
    "long names": {f"\n{n}" * 100_000: n for n in range(20)},
}


def read(event: object) -> list[events.Notification | EventError]:
    """Read an event as the handler does; any other exception than its own is the test's."""
    try:
        found = events.items(event)
    except EventError as err:
        return [err]
    return [read_one(item) for item in found]


def read_one(item: Item) -> events.Notification | EventError:
    try:
        return events.notification(item)
    except EventError as err:
        return err


def check(event: object) -> None:
    """What holds of every event, whatever it is."""
    for result in read(event):
        if isinstance(result, EventError):
            assert str(result).isprintable()
            assert len(str(result)) < 400
        else:
            assert is_whole(result)


def is_whole(notification: events.Notification) -> bool:
    texts = (notification.bucket, notification.key, notification.event_name)
    sequencer = notification.sequencer
    return (
        all(isinstance(text, str) and text and text.encode() for text in texts)
        and (sequencer is None or re.fullmatch("[0-9A-F]{32}", sequencer) is not None)
        and notification.event_time.tzinfo is UTC
    )


@settings(fuzzed, max_examples=300)
@given(values | mutated(list(REAL.values())) | notifications)
def test_any_json_is_read_by_the_rules_or_refused_by_name(event: Any) -> None:
    check(event)


@fuzzed
@given(records)
def test_every_record_has_a_label_that_a_log_line_can_hold(record: Any) -> None:
    label = events.label(Item(record))
    assert label
    assert len(label.encode()) <= 4096


@fuzzed
@given(
    st.binary(min_size=1, max_size=12)
    | texts.filter(bool).map(lambda t: t.encode("utf8", "replace"))
)
def test_a_key_has_the_bytes_that_were_sent_or_is_refused(sent: bytes) -> None:
    result = read_one(Item(with_field(PUT, "s3", "object", "key", value=quote_plus(sent))))
    assert isinstance(result, EventError) or result.key.encode() == sent


@fuzzed
@given(
    st.sampled_from(["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
    | st.datetimes().map(datetime.isoformat),
    st.sampled_from(["", "Z", "+14:00", "-14:00"]),
)
def test_a_time_is_read_as_utc_or_refused(time: str, offset: str) -> None:
    check({"Records": [RECORDS[0] | {"eventTime": f"{time}{offset}"}]})


def is_message(record: Any) -> bool:
    return isinstance(record, dict) and record.get("eventSource") == "aws:sqs"


@fuzzed
@given(notifications.filter(lambda event: not any(map(is_message, event["Records"]))))
def test_no_record_of_a_notification_is_dropped(event: dict[str, Any]) -> None:
    assert [item.record for item in events.items(event)] == event["Records"]


@fuzzed
@given(st.lists(notifications, min_size=1, max_size=4))
def test_no_record_of_a_queue_message_is_dropped(bodies: list[dict[str, Any]]) -> None:
    batch = [
        MESSAGE | {"messageId": str(number), "body": json.dumps(body)}
        for number, body in enumerate(bodies)
    ]
    found = [item.message_id for item in events.items({"Records": batch})]
    assert found == [str(n) for n, body in enumerate(bodies) for _ in body["Records"]]


@fuzzed
@given(texts | values.map(json.dumps))
def test_a_message_with_any_body_is_read_and_leaves_its_neighbour_whole(body: str) -> None:
    batch = {"Records": [MESSAGE | {"messageId": "any", "body": body}, MESSAGE]}
    *others, last = events.items(batch)
    assert {item.message_id for item in others} <= {"any"}
    assert last == events.items({"Records": [MESSAGE]})[0]
    check(batch)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("wrap", [lambda event: [event], json.dumps], ids=["list", "text"])
def test_a_real_event_wrapped_in_something_unknown_is_refused(
    name: str, wrap: Callable[[Any], Any]
) -> None:
    [result] = read(wrap(REAL[name]))
    assert isinstance(result, EventError)


@pytest.mark.parametrize("path", [*FIELDS, SEQUENCER], ids=".".join)
@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_any_field_is_refused_in_a_few_words(path: tuple[str, ...], junk: str) -> None:
    record = with_field(PUT, *path, value=JUNK[junk])
    assert isinstance(read_one(Item(record)), EventError)
    check({"Records": [record]})
    assert len(events.label(Item(record))) <= 1024


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", ["Records", "requestPayload", "Event", "detail"])
def test_junk_in_an_event_is_refused_in_a_few_words(name: str, junk: str) -> None:
    check({name: JUNK[junk]})


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", ["messageId", "body"])
def test_junk_in_a_message_is_refused_in_a_few_words(name: str, junk: str) -> None:
    check({"Records": [MESSAGE | {name: JUNK[junk]}]})
