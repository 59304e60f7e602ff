"""What arrives is read as notifications, or refused by name; it is never dropped."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest

import events
from events import Item, Notification
from fields import EventError
from support.handler_env import FIELDS, MISSING, PUT, SEQUENCER, TEXTS, load, with_field

KEY = ("s3", "object", "key")


def read(*path: str, value: object) -> Notification:
    """Read a real record with one field changed."""
    return events.notification(Item(with_field(PUT, *path, value=value)))


@pytest.mark.parametrize(
    ("name", "key", "event_name", "sequencer"),
    [
        ("put", "reports/2026 Q1/résumé+1.csv", "ObjectCreated:Put", "0055AED6DCD90281E5"),
        (
            "multipart",
            "video/take 2.mp4",
            "ObjectCreated:CompleteMultipartUpload",
            "005B4CADACB6792C09",
        ),
        ("delete", "reports/2026 Q1/draft.csv", "ObjectRemoved:Delete", "0055AED7A1B2C3D4E5"),
        ("delete_marker", "photos/📎.png", "ObjectRemoved:DeleteMarkerCreated", "0065F2C0DE"),
        ("failed", "reports/2026 Q1/résumé+1.csv", "ObjectCreated:Put", "0055AED6DCD90281E5"),
        (
            "failed_by_emulator",
            "reports/2026 Q1/draft.csv",
            "ObjectRemoved:Delete",
            "0055AED7A1B2C3D4E5",
        ),
        ("lifecycle_delete", "expiration/delete", "LifecycleExpiration:Delete", None),
        (
            "lifecycle_delete_sequenced",
            "expiration/2026-03-12T22:59:12.907Z",
            "LifecycleExpiration:Delete",
            None,
        ),
        (
            "lifecycle_delete_marker",
            "expiration/marker",
            "LifecycleExpiration:DeleteMarkerCreated",
            None,
        ),
    ],
)
def test_a_real_event_names_its_key(
    name: str, key: str, event_name: str, sequencer: str | None
) -> None:
    [item] = events.items(load(name))
    found = events.notification(item)
    assert (found.bucket, found.key, found.event_name, found.sequencer) == (
        "amzn-s3-demo-bucket",
        key,
        event_name,
        sequencer and sequencer.ljust(32, "0"),
    )


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("plain.txt", "plain.txt"),
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("a%20b", "a b"),
        ("dir%2Ffile", "dir/file"),
        ("dir/file", "dir/file"),
        ("a%252Fb", "a%2Fb"),
        ("%F0%9F%93%8E", "📎"),
        ("a%0Ab", "a\nb"),
        ("r\u00e9sum\u00e9", "r\u00e9sum\u00e9"),
        ("%", "%"),
        *((quote_plus(key), key) for key in ("k" * 1024, "\u00e9" * 512, "📎" * 256)),
    ],
)
def test_a_key_is_decoded_once(encoded: str, key: str) -> None:
    assert read(*KEY, value=encoded).key == key


@pytest.mark.parametrize("encoded", ["%FF", "%E2%82", "ok%C3", "%ED%A0%80"])
def test_a_key_that_is_not_utf8_is_refused_rather_than_altered(encoded: str) -> None:
    with pytest.raises(EventError, match=r"s3\.object\.key must be URL-encoded UTF-8") as caught:
        read(*KEY, value=encoded)
    assert encoded in str(caught.value)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0055AED6DCD90281E5", "0055AED6DCD90281E6"),
        ("0055AED6DC", "0055AED6DCD90281E5"),
        ("0055AED6DCD90281E5", "0055AED6DD"),
        ("0055aed6dc", "0055AED6DD"),
        ("0055AED6DC", "0055aed6dd"),
        ("9", "A"),
        ("0", "1"),
        ("0" * 32, "0" * 31 + "1"),
    ],
)
def test_string_order_of_sequencers_is_event_order(older: str, newer: str) -> None:
    sequencers = [read(*SEQUENCER, value=value).sequencer for value in (older, newer)]
    assert sequencers[0] < sequencers[1]


@pytest.mark.parametrize(
    ("one", "other"), [("0055AED6", "0055AED600"), ("0055AED6", "0055aed6"), ("A", "A" + "0" * 31)]
)
def test_sequencers_that_differ_in_length_or_case_alone_are_one(one: str, other: str) -> None:
    assert read(*SEQUENCER, value=one) == read(*SEQUENCER, value=other)


@pytest.mark.parametrize(
    "value", ["", "xyz", "0x55", "0055AED6 ", "0055AED6\n", "0" * 33, 55, True, [], {}]
)
def test_a_malformed_sequencer_is_refused(value: Any) -> None:
    with pytest.raises(EventError, match=r"s3\.object\.sequencer must be 1-32 hexadecimal digits"):
        read(*SEQUENCER, value=value)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-14T09:26:53.589Z", datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)),
        ("2026-03-14T09:26:53Z", datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)),
        ("2026-03-14T11:26:53+02:00", datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc(text: str, time: datetime) -> None:
    found = read("eventTime", value=text).event_time
    assert (found, found.tzinfo) == (time, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-03-14T09:26:53",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_a_malformed_time_is_refused(text: str) -> None:
    with pytest.raises(EventError, match="eventTime must ") as caught:
        read("eventTime", value=text)
    assert text in str(caught.value)


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_a_missing_field_is_refused_by_name(path: tuple[str, ...]) -> None:
    with pytest.raises(EventError, match=f"record must have {re.escape('.'.join(path))}, got the"):
        read(*path, value=MISSING)


@pytest.mark.parametrize("path", [path for path in FIELDS if path not in TEXTS], ids=".".join)
@pytest.mark.parametrize("value", [None, "text", []])
def test_a_field_that_holds_no_fields_is_refused_by_name(
    path: tuple[str, ...], value: object
) -> None:
    rule = rf"record must have {re.escape('.'.join(path))}\.\w+, got {type(value).__name__}"
    with pytest.raises(EventError, match=rule):
        read(*path, value=value)


@pytest.mark.parametrize("path", TEXTS, ids=".".join)
@pytest.mark.parametrize("value", [None, "", 5, ["a"], {}])
def test_a_field_that_is_no_text_is_refused_by_name(path: tuple[str, ...], value: object) -> None:
    with pytest.raises(EventError, match=f"{re.escape('.'.join(path))} must be a text"):
        read(*path, value=value)


@pytest.mark.parametrize("record", [None, "text", 5, []])
def test_a_record_that_is_no_object_is_refused(record: object) -> None:
    with pytest.raises(EventError, match=f"got {type(record).__name__}"):
        events.notification(Item(record))


def test_a_record_of_another_service_is_refused() -> None:
    with pytest.raises(EventError, match="eventSource must be aws:s3, got 'aws:sns'"):
        read("eventSource", value="aws:sns")
