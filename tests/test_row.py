"""A row is what one look found, attribute by attribute."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from handler_env import NEWER, announce

from catalog import Row, row

NOW = datetime(2026, 3, 14, 9, 26, 55, 1234, tzinfo=UTC)
HEAD: dict[str, Any] = {
    "ContentLength": 1024,
    "ContentType": "text/csv",
    "ETag": '"9e107d9d372bb6826bd81d3542a419d6"',
    "LastModified": datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC),
    "VersionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
}


def described(
    head: dict[str, Any] | None, key: str = "a.csv", days: int = 3, now: datetime = NOW
) -> Row:
    return row(
        announce("data", key, NEWER),
        head,
        sequencer=NEWER,
        region="eu-west-1",
        now=now,
        tombstone_days=days,
    )


def item_bytes(item: Row) -> int:
    """Size an item by DynamoDB's rules: names, UTF-8 texts, a byte for two digits and one more.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    values = (
        len(value.encode()) if isinstance(value, str) else (len(str(value)) + 1) // 2 + 1
        for value in item.values()
    )
    return sum(len(name.encode()) for name in item) + sum(values)


def test_a_key_that_is_there_is_completed_with_what_the_look_found() -> None:
    assert described(HEAD) == {
        "file_key": "a.csv",
        "bucket_name": "data",
        "region": "eu-west-1",
        "sequencer": "0055AED6DCD90281E900000000000000",
        "event_name": "ObjectCreated:Put",
        "event_time": "2026-03-14T09:26:53.589000Z",
        "processed_at": "2026-03-14T09:26:55.001234Z",
        "processing_status": "completed",
        "file_size": 1024,
        "content_type": "text/csv",
        "etag": "9e107d9d372bb6826bd81d3542a419d6",
        "last_modified": "2026-03-14T09:26:53.000000Z",
        "version_id": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
    }


def test_a_key_that_is_gone_is_a_tombstone_with_nothing_of_the_object() -> None:
    assert described(None) == {
        "file_key": "a.csv",
        "bucket_name": "data",
        "region": "eu-west-1",
        "sequencer": "0055AED6DCD90281E900000000000000",
        "event_name": "ObjectCreated:Put",
        "event_time": "2026-03-14T09:26:53.589000Z",
        "processed_at": "2026-03-14T09:26:55.001234Z",
        "processing_status": "deleted",
        "expires_at": 1773739615,
    }


@pytest.mark.parametrize("days", [1, 30, 365])
def test_a_tombstone_expires_whole_days_after_the_look(days: int) -> None:
    assert described(None, days=days)["expires_at"] == int(NOW.timestamp()) + days * 86_400


def test_an_object_from_before_versioning_has_s3s_null_version() -> None:
    head = {name: value for name, value in HEAD.items() if name != "VersionId"}
    assert described(head)["version_id"] == "null"


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
