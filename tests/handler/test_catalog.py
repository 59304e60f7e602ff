"""Whatever the order, number and overlap of notifications, the row is the bucket's state."""

import hashlib
import itertools
from base64 import b64encode
from collections.abc import Sequence

import pytest

from support.faults import Fault
from support.handler_env import ACCOUNT, EARLIER, NEWER, NEWEST, Bench

KEY = "dir/r\u00e9sum\u00e9 1+2.txt"


def state(bench: Bench) -> tuple[str | None, str | None]:
    row = bench.row(KEY)
    return row.get("processing_status"), row.get("version_id")


def test_a_new_object_is_completed(bench: Bench) -> None:
    version = bench.put(
        KEY,
        b"four",
        ContentType="text/csv",
        ChecksumAlgorithm="SHA256",
        Metadata={"Owner": "ada", "origin": "=?UTF-8?B?w4VzdHLDtm0=?="},
    )
    assert bench.update(KEY, NEWER) == "completed"
    row = bench.row(KEY)
    head = bench.cloud("s3").head_object(Bucket=bench.bucket, Key=KEY)
    assert row.pop("processed_at") >= row["last_modified"]
    assert row == {
        "file_key": KEY,
        "bucket_name": bench.bucket,
        "region": "us-east-1",
        "file_size": "4",
        "content_type": "text/csv",
        "etag": hashlib.md5(b"four", usedforsecurity=False).hexdigest(),
        "last_modified": head["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "version_id": version,
        "checksum": f"SHA256:{b64encode(hashlib.sha256(b'four').digest()).decode()}",
        "metadata": {"owner": {"S": "ada"}, "origin": {"S": "\u00c5str\u00f6m"}},
        "sequencer": NEWER,
        "event_name": "ObjectCreated:Put",
        "event_time": "2026-03-14T09:26:53.589000Z",
        "processing_status": "completed",
    }


def test_a_sequenced_record_costs_one_read_of_s3_and_one_write(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY)
    assert bench.proxy.calls == ["HeadObject", "PutItem"]


@pytest.mark.parametrize(
    "order",
    list(itertools.permutations([EARLIER, NEWER, NEWEST])),
    ids=["123", "132", "213", "231", "312", "321"],
)
def test_the_newest_notification_wins_in_any_order(bench: Bench, order: Sequence[str]) -> None:
    bench.put(KEY, b"1")
    bench.put(KEY, b"22")
    version = bench.put(KEY, b"333")
    for sequencer in order:
        bench.update(KEY, sequencer)
    row = bench.row(KEY)
    assert (row["sequencer"], row["version_id"]) == (NEWEST, version)


def test_a_newer_notification_replaces_a_row(bench: Bench) -> None:
    bench.put(KEY, b"1")
    bench.update(KEY, EARLIER)
    version = bench.put(KEY, b"22")
    assert bench.update(KEY, NEWER) == "completed"
    assert state(bench) == ("completed", version)


@pytest.mark.parametrize("sequencer", [EARLIER, NEWER], ids=["older", "duplicate"])
def test_an_older_or_repeated_notification_is_stale_and_changes_nothing(
    bench: Bench, sequencer: str
) -> None:
    bench.put(KEY, b"1")
    bench.update(KEY, NEWER)
    before = bench.row(KEY)
    bench.put(KEY, b"22")
    assert bench.update(KEY, sequencer) == "stale"
    assert bench.row(KEY) == before


def test_the_row_is_of_the_current_object_and_not_of_the_notified_one(bench: Bench) -> None:
    bench.put(KEY, b"notified")
    version = bench.put(KEY, b"current", ContentType="text/html")
    bench.update(KEY, NEWER)
    row = bench.row(KEY)
    assert (row["file_size"], row["content_type"], row["version_id"]) == ("7", "text/html", version)


def test_an_object_deleted_before_its_creation_is_handled_leaves_a_tombstone(bench: Bench) -> None:
    bench.put(KEY)
    bench.delete(KEY)
    assert bench.update(KEY, NEWER, "ObjectCreated:Put") == "deleted"
    assert state(bench) == ("deleted", None)


def test_a_deletion_that_was_undone_before_it_is_handled_is_completed(bench: Bench) -> None:
    bench.put(KEY)
    bench.delete(KEY)
    version = bench.put(KEY, b"again")
    assert bench.update(KEY, NEWER, "ObjectRemoved:DeleteMarkerCreated") == "completed"
    assert state(bench) == ("completed", version)


def test_a_delete_marker_turns_a_row_into_a_tombstone(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY, EARLIER)
    bench.delete(KEY)
    assert bench.update(KEY, NEWER, "ObjectRemoved:DeleteMarkerCreated") == "deleted"
    assert set(bench.row(KEY)) == {
        "file_key",
        "bucket_name",
        "region",
        "sequencer",
        "event_name",
        "event_time",
        "processed_at",
        "processing_status",
        "expires_at",
    }


def test_a_tombstone_outlasts_a_write_that_read_before_the_deletion(bench: Bench) -> None:
    bench.put(KEY)

    def delete() -> None:
        bench.delete(KEY)
        assert bench.update(KEY, NEWER, "ObjectRemoved:DeleteMarkerCreated") == "deleted"

    bench.before_first("PutItem", delete)
    assert bench.update(KEY, EARLIER) == "stale"
    assert state(bench) == ("deleted", None)


def test_the_removal_of_a_delete_marker_brings_the_row_back(bench: Bench) -> None:
    version = bench.put(KEY)
    marker = bench.delete(KEY)
    bench.update(KEY, EARLIER, "ObjectRemoved:DeleteMarkerCreated")
    bench.delete(KEY, marker)
    assert bench.update(KEY, NEWER, "ObjectRemoved:Delete") == "completed"
    assert state(bench) == ("completed", version)
    assert "expires_at" not in bench.row(KEY)


def test_the_delete_of_an_old_version_leaves_the_current_one(bench: Bench) -> None:
    old = bench.put(KEY, b"1")
    current = bench.put(KEY, b"22")
    bench.delete(KEY, old)
    assert bench.update(KEY, NEWER, "ObjectRemoved:Delete") == "completed"
    assert state(bench) == ("completed", current)


def test_the_delete_of_the_current_version_shows_the_one_before(bench: Bench) -> None:
    before = bench.put(KEY, b"1")
    bench.update(KEY, EARLIER)
    bench.delete(KEY, bench.put(KEY, b"22"))
    assert bench.update(KEY, NEWER, "ObjectRemoved:Delete") == "completed"
    row = bench.row(KEY)
    assert (row["version_id"], row["file_size"]) == (before, "1")


def test_a_write_that_overtakes_another_ones_read_wins(bench: Bench) -> None:
    bench.put(KEY, b"1")
    versions = []

    def overwrite() -> None:
        versions.append(bench.put(KEY, b"22"))
        assert bench.update(KEY, NEWER) == "completed"

    bench.before_first("PutItem", overwrite)
    assert bench.update(KEY, EARLIER) == "stale"
    assert [state(bench)] == [("completed", version) for version in versions]


def test_an_imported_row_without_a_sequencer_does_not_block(bench: Bench) -> None:
    version = bench.put(KEY)
    bench.write(KEY, processing_status="imported")
    assert bench.update(KEY, EARLIER) == "completed"
    assert state(bench) == ("completed", version)


@pytest.mark.parametrize("key", ["a b", "a+b", "a%2Fb", "📎", "a\nb", "/lead", "a//b", "k" * 1024])
def test_a_key_means_the_same_to_s3_and_to_the_row(bench: Bench, key: str) -> None:
    version = bench.put(key)
    bench.update(key)
    assert bench.row(key).get("version_id") == version


def test_the_read_names_the_buckets_owner(bench: Bench) -> None:
    """A bucket that was deleted, and made again by a stranger, must not be read."""
    bench.put(KEY)
    bench.update(KEY)
    assert bench.proxy.received[0].headers["x-amz-expected-bucket-owner"] == ACCOUNT


def test_the_read_has_the_hash_of_its_empty_body(bench: Bench) -> None:
    """S3 refuses a signed request without it."""
    bench.update(KEY)
    received = bench.proxy.received[0].headers
    assert received["x-amz-content-sha256"] == hashlib.sha256().hexdigest()


def test_an_object_under_a_key_that_is_closed_to_the_function_has_a_row_without_checksum(
    bench: Bench,
) -> None:
    """The uploader may encrypt with any KMS key, and only a checksum needs it."""
    version = bench.put(KEY, b"four")
    bench.proxy.fail("HeadObject", Fault(status=403, code="AccessDenied"), times=1)
    assert bench.update(KEY) == "completed"
    row = bench.row(KEY)
    assert (row["version_id"], row["file_size"], row.get("checksum")) == (version, "4", None)
    assert bench.proxy.calls == ["HeadObject", "HeadObject", "PutItem"]


def test_an_object_that_goes_before_it_is_read_without_checksum_leaves_a_tombstone(
    bench: Bench,
) -> None:
    bench.proxy.fail("HeadObject", Fault(status=403, code="AccessDenied"), times=1)
    assert bench.update(KEY) == "deleted"
    assert state(bench) == ("deleted", None)
