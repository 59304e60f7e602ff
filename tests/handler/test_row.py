"""A row is what one read of S3 found, attribute by attribute."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import s3
from answers import Answer
from row import Row, row
from support.handler_env import MISSING, NEWER, notified, with_field

NOW = datetime(2026, 3, 14, 9, 26, 55, 1234, tzinfo=UTC)
HEAD: dict[str, Any] = {
    "ContentLength": 1024,
    "ContentType": "text/csv",
    "ETag": '"9e107d9d372bb6826bd81d3542a419d6"',
    "LastModified": datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC),
    "VersionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
}
COMMON = {
    "file_key": "a.csv",
    "bucket_name": "data",
    "region": "eu-west-1",
    "sequencer": "0055AED6DCD90281E900000000000000",
    "event_name": "ObjectCreated:Put",
    "event_time": "2026-03-14T09:26:53.589000Z",
    "processed_at": "2026-03-14T09:26:55.001234Z",
}
"""What every row of ``described`` has."""


def described(
    head: dict[str, Any] | None, key: str = "a.csv", days: int = 3, now: datetime = NOW
) -> Row:
    return row(
        notified("data", key, NEWER),
        head,
        sequencer=NEWER,
        region="eu-west-1",
        now=now,
        tombstone_days=days,
    )


def test_a_row_asks_for_nothing_that_is_dropped_from_s3s_answer() -> None:
    head = MagicMock()
    for name in ("__getitem__", "get", "items"):
        getattr(head, name).side_effect = getattr(HEAD, name)
    described(head)
    asked = {call.args[0] for call in head.__getitem__.mock_calls + head.get.mock_calls}
    headers = {
        "content-length": "1",
        "etag": '"e"',
        "last-modified": "Sat, 14 Mar 2026 09:26:53 GMT",
    }
    kept = s3._read(Answer(200, headers | dict.fromkeys(s3.TEXTS, "text"), b""))
    assert asked <= kept.keys()


def item_bytes(item: Row) -> int:
    """Size an item by DynamoDB's rules: names, UTF-8 texts, a byte for two digits and one more.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    values = (
        len(value.encode()) if isinstance(value, str) else (len(str(value)) + 1) // 2 + 1
        for value in item.values()
    )
    return sum(len(name.encode()) for name in item) + sum(values)


def test_a_key_that_is_there_is_completed_with_what_s3_answered() -> None:
    assert described(HEAD) == COMMON | {
        "processing_status": "completed",
        "file_size": 1024,
        "content_type": "text/csv",
        "etag": "9e107d9d372bb6826bd81d3542a419d6",
        "last_modified": "2026-03-14T09:26:53.000000Z",
        "version_id": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
    }


@pytest.mark.parametrize("days", [1, 30, 365])
def test_a_key_that_is_gone_is_a_tombstone_with_nothing_of_the_object(days: int) -> None:
    assert described(None, days=days) == COMMON | {
        "processing_status": "deleted",
        "expires_at": int(NOW.timestamp()) + days * 86_400,
    }


@pytest.mark.parametrize(
    ("missing", "name", "default"),
    [
        ("VersionId", "version_id", "null"),
        ("ContentType", "content_type", "binary/octet-stream"),
    ],
)
def test_what_s3_does_not_give_has_s3s_default(missing: str, name: str, default: str) -> None:
    assert described(with_field(HEAD, missing, value=MISSING))[name] == default


def test_times_are_written_in_utc_and_to_the_microsecond() -> None:
    elsewhere = datetime(2026, 3, 14, 11, 0, tzinfo=timezone(timedelta(hours=2)))
    assert described(HEAD, now=elsewhere)["processed_at"] == "2026-03-14T09:00:00.000000Z"


def test_a_typical_row_fits_one_write_unit() -> None:
    head = HEAD | {
        "ContentLength": 5 * 1024**4,
        "ContentType": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ETag": '"9e107d9d372bb6826bd81d3542a419d6-10000"',
    }
    assert item_bytes(described(head, key="k" * 100)) < 1024


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"ChecksumCRC64NVME": "AAAA", "ChecksumType": "FULL_OBJECT"}, "CRC64NVME:AAAA"),
        ({"ChecksumSHA256": "BBBB-3", "ChecksumType": "COMPOSITE"}, "SHA256:BBBB-3"),
        ({}, None),
    ],
)
def test_a_checksum_is_named_after_its_algorithm(
    given: dict[str, str], written: str | None
) -> None:
    assert described(HEAD | given).get("checksum") == written


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a =?UTF-8?Q?=C3=A4?= b", "a \u00e4 b"),
        ("=?utf-8?b?w6Q=?= =?utf-8?b?w7Y=?=", "\u00e4\u00f6"),
        ("caf\u00e9 =?UTF-8?Q?=C3=A4?=", "caf\u00e9 \u00e4"),
        ("=?UTF-8?B?/w==?=", "=?UTF-8?B?/w==?="),  # no UTF-8
        ("=?utf-7?Q?+2AA-?=", "=?utf-7?Q?+2AA-?="),  # would be half a surrogate pair
        ("=?no-such?Q?a?=", "=?no-such?Q?a?="),
        ("=?UTF-8?B?a?=", "=?UTF-8?B?a?="),  # no base64
        ("what=?", "what=?"),
    ],
)
def test_metadata_is_decoded_where_s3_encodes_it(sent: str, written: str) -> None:
    assert described(HEAD | {"Metadata": {"name": sent}})["metadata"] == {"name": written}


@pytest.mark.parametrize(
    ("metadata", "written"), [({}, None), ({"": "no name", "b": "c"}, {"b": "c"})]
)
def test_no_metadata_is_no_attribute_and_no_name_no_entry(
    metadata: dict[str, str], written: dict[str, str] | None
) -> None:
    """DynamoDB takes no empty name."""
    assert described(HEAD | {"Metadata": metadata}).get("metadata") == written


@pytest.mark.parametrize(("extra", "kept"), [(0, True), (1, False)])
def test_metadata_of_more_than_16_kb_is_left_out(extra: int, *, kept: bool) -> None:
    """A row stays below DynamoDB's 400 KB, whatever a store answers."""
    head = HEAD | {"Metadata": {"name": "\u00e4" * 8190 + "x" * extra}}
    assert ("metadata" in described(head)) is kept


WORDS = st.sampled_from(
    ["=?UTF-8?B?", "=?utf-8?q?", "=?utf-7?Q?", "?=", "+2AA-", "w6Q=", "=C3", "_"]
)
LATIN = st.text(st.characters(max_codepoint=0xFF))


@given(st.dictionaries(LATIN, st.lists(WORDS | LATIN).map("".join)))
def test_any_metadata_makes_a_row_that_dynamodb_takes(metadata: dict[str, str]) -> None:
    """HTTP headers are Latin-1, whatever an uploader put there."""
    written = described(HEAD | {"Metadata": metadata})
    json.dumps(written, ensure_ascii=False).encode()
    assert item_bytes({n: v for n, v in written.items() if n != "metadata"}) < 1024
    assert all(written.get("metadata", {"-": "-"}))
