"""From upload to row: the real program, deployed to a real emulator, driven over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from local.cloud import Cloud
from support.bus import follows, on_the_bus
from support.journeys import Deployed

HEAD_ATTRIBUTES = {"file_size", "content_type", "etag", "last_modified", "version_id"}
KEYS = {
    "spaces": "annual report 2026.pdf",
    "plus": "a+b=c.txt",
    "encoded slash": "not%2Fa%2Ffolder",
    "percent": "100%.txt",
    "emoji": "📦/🚚.json",
    "newline": "first\nsecond",
    "1024 bytes": "𐍈" * 256,
    "markup": '"}{&<>\'"; DROP',
}


@pytest.fixture(scope="module", params=["notification", "eventbridge"])
def stack(
    request: pytest.FixtureRequest, cloud: Cloud, deploy: Callable[..., Deployed]
) -> Deployed:
    """A stack with a bucket of its own, and one that follows somebody else's."""
    if request.param == "notification":
        return deploy()
    return deploy(**follows(cloud, "journeys"))


def test_a_put_object_has_a_row_that_says_what_s3_says(stack: Deployed) -> None:
    version = stack.put("put.csv", b"a,b\n1,2\n", "text/csv")
    row = stack.completed("put.csv", version)
    head = stack.head("put.csv")
    assert row["bucket_name"] == stack.bucket
    assert row["file_size"] == head["ContentLength"] == 8
    assert row["content_type"] == head["ContentType"] == "text/csv"
    assert row["etag"] == head["ETag"].strip('"')
    assert datetime.fromisoformat(row["last_modified"]) == head["LastModified"]
    assert row["processing_status"] == "completed"
    assert row["event_name"] == "ObjectCreated:Put"
    assert "expires_at" not in row


def test_a_burst_of_overwrites_ends_at_the_newest_version(stack: Deployed) -> None:
    versions = [stack.put("burst.txt", b"x" * size) for size in range(1, 9)]
    assert stack.completed("burst.txt", versions[-1])["file_size"] == 8


def test_a_copied_object_has_a_row(stack: Deployed) -> None:
    stack.put("original.bin", b"\0" * 10)
    answer = stack.client("s3").copy_object(
        Bucket=stack.bucket, Key="copy.bin", CopySource=f"{stack.bucket}/original.bin"
    )
    row = stack.completed("copy.bin", answer["VersionId"])
    assert (row["file_size"], row["event_name"]) == (10, "ObjectCreated:Copy")


def test_a_multipart_upload_has_a_row_with_its_whole_size(stack: Deployed) -> None:
    s3, where = stack.client("s3"), {"Bucket": stack.bucket, "Key": "large.bin"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    bodies = [b"1" * 5 * 1024 * 1024, b"2" * 100]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in enumerate(bodies, 1)
    ]
    done = s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    row = stack.completed("large.bin", done["VersionId"])
    assert row["file_size"] == 5 * 1024 * 1024 + 100
    assert row["etag"].endswith("-2")


def test_a_delete_marker_leaves_a_tombstone_that_expires(stack: Deployed) -> None:
    stack.completed("gone.txt", stack.put("gone.txt"))
    stack.delete("gone.txt")
    row = stack.deleted("gone.txt")
    assert not HEAD_ATTRIBUTES & row.keys()
    days = datetime.fromtimestamp(int(row["expires_at"]), UTC) - datetime.now(UTC)
    assert 0.9 < days.total_seconds() / 86400 <= 1


def test_an_undeleted_object_has_its_row_back(stack: Deployed) -> None:
    version = stack.put("back.txt")
    stack.completed("back.txt", version)
    marker = stack.delete("back.txt")
    stack.deleted("back.txt")
    stack.delete("back.txt", version_id=marker)
    assert stack.completed("back.txt", version)["processing_status"] == "completed"


def test_the_row_falls_back_when_the_current_version_is_deleted(stack: Deployed) -> None:
    first = stack.put("versions.txt", b"1")
    second = stack.put("versions.txt", b"22")
    stack.completed("versions.txt", second)
    stack.delete("versions.txt", version_id=second)
    assert stack.completed("versions.txt", first)["file_size"] == 1


def test_the_row_stays_when_an_old_version_is_deleted(stack: Deployed) -> None:
    first = stack.put("kept.txt", b"1")
    second = stack.put("kept.txt", b"22")
    before = stack.completed("kept.txt", second)
    stack.delete("kept.txt", version_id=first)
    after = stack.row_once("kept.txt", lambda row: row["sequencer"] > before["sequencer"])
    assert after["version_id"] == second


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_a_row_is_found_under_the_key_as_the_uploader_wrote_it(stack: Deployed, key: str) -> None:
    assert stack.completed(key, stack.put(key))["file_key"] == key


def test_an_event_of_unknown_shape_is_kept_not_dropped(stack: Deployed) -> None:
    event = {"detail-type": "Object Created"}
    stack.invoke_later(event)
    stack.take_failed(event)


@pytest.mark.parametrize("stack", ["eventbridge"], indirect=True, scope="module")
def test_a_failing_event_of_eventbridge_is_kept_whole(stack: Deployed) -> None:
    """Invoked as EventBridge does: the emulator's neither retries nor sends to the queue."""
    event = on_the_bus(stack.record("unlucky.txt", bucket="not-the-bucket-of-this-stack"))
    stack.invoke_later(event)
    stack.take_failed(event)


@pytest.fixture(scope="module", params=["notification", "eventbridge"])
def filtered(
    deploy: Callable[..., Deployed], cloud: Cloud, request: pytest.FixtureRequest
) -> Deployed:
    chosen = {"environmentSuffix": f"filtered-{request.param}"}
    if request.param == "eventbridge":
        chosen |= follows(cloud, "filtered")
    return deploy(**chosen, objectPrefix="in/", objectSuffix=".csv")


def test_only_keys_under_the_prefix_have_rows(filtered: Deployed) -> None:
    stack = filtered
    stack.put("out/a.csv")
    stack.put("in/a.txt")
    stack.completed("in/a.csv", stack.put("in/a.csv"))
    scanned = stack.client("dynamodb").scan(TableName=stack.table)["Items"]
    assert [item["file_key"]["S"] for item in scanned] == ["in/a.csv"]


@pytest.fixture(scope="module")
def prod(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy("prod")


def test_two_stacks_keep_their_own_rows_side_by_side(stack: Deployed, prod: Deployed) -> None:
    of_dev = stack.completed("same.txt", stack.put("same.txt", b"dev"))
    of_prod = prod.completed("same.txt", prod.put("same.txt", b"production"))
    assert (of_dev["bucket_name"], of_prod["bucket_name"]) == (stack.bucket, prod.bucket)
    assert (of_dev["file_size"], of_prod["file_size"]) == (3, 10)


def test_the_prod_table_refuses_to_be_deleted(prod: Deployed) -> None:
    with pytest.raises(ClientError, match=r"[Dd]eletion protection"):
        prod.client("dynamodb").delete_table(TableName=prod.table)
    prod.completed("still.txt", prod.put("still.txt"))
