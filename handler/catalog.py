"""The table's one rule: look at the bucket, write what it says, and let the newest win."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from events import SEQUENCER_WIDTH, Announcement

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

COMPLETED, DELETED, STALE = "completed", "deleted", "stale"
NO_SEQUENCER = "0" * SEQUENCER_WIDTH
UNORDERED_ATTEMPTS = 5
IDENTITY = ("file_key", "sequencer", "processed_at")

Row = dict[str, str | int]


class ContendedError(RuntimeError):
    """A row kept changing under a write that has no sequencer to order it."""


def row(
    announcement: Announcement,
    head: "HeadObjectOutputTypeDef | None",
    *,
    sequencer: str,
    region: str,
    now: datetime,
    tombstone_days: int,
) -> Row:
    """Describe a key as one look found it. Pure.

    Args:
        announcement: what sent us to look.
        head: S3's answer; None for a key that is not there.
        sequencer: the one that the row is to carry.
        region: where the bucket is.
        now: the time of the look, UTC.
        tombstone_days: how long a tombstone stays.
    """
    common: Row = {
        "file_key": announcement.key,
        "bucket_name": announcement.bucket,
        "region": region,
        "sequencer": sequencer,
        "event_name": announcement.event_name,
        "event_time": _iso(announcement.event_time),
        "processed_at": _iso(now),
    }
    if head is None:
        expires_at = int((now + timedelta(days=tombstone_days)).timestamp())
        return common | {"processing_status": DELETED, "expires_at": expires_at}
    found: Row = {
        "processing_status": COMPLETED,
        "file_size": head["ContentLength"],
        "content_type": head["ContentType"],
        "etag": head["ETag"].strip('"'),
        "last_modified": _iso(head["LastModified"]),
        # S3's own name for the version of an object from before its bucket had versions.
        "version_id": head.get("VersionId", "null"),
    }
    return common | found


@dataclass(frozen=True, slots=True)
class Catalog:
    """The bucket to look at and the table to write to."""

    s3: "S3Client"
    dynamodb: "DynamoDBClient"
    bucket: str
    account: str
    """The bucket's owner, 12 digits."""
    table: str
    tombstone_days: int

    def update(self, announcement: Announcement) -> str:
        """Make the row of a key say what the bucket says.

        Returns:
            The outcome: ``completed``, ``deleted``, or ``stale`` where a newer announcement of
            the key was already handled.

        Raises:
            ValueError: the announcement is of another bucket.
            ContendedError: without a sequencer, and the row changed at every attempt.
            botocore.exceptions.ClientError: S3 or DynamoDB refused; 403 among them.
            botocore.exceptions.BotoCoreError: S3 or DynamoDB did not answer.
        """
        if announcement.bucket != self.bucket:
            raise ValueError(
                f"s3.bucket.name must be {self.bucket}, got {announcement.bucket!r:.200}"
            )
        if announcement.sequencer is None:
            return self._update_unordered(announcement)
        item = self._look(announcement, announcement.sequencer)
        newest = {
            # A row that came by another way and has no sequencer must not hold out for ever.
            "ConditionExpression": "attribute_not_exists(sequencer) OR sequencer < :incoming",
            "ExpressionAttributeValues": {":incoming": {"S": announcement.sequencer}},
        }
        return str(item["processing_status"]) if self._write(item, newest) else STALE

    def _update_unordered(self, announcement: Announcement) -> str:
        """Write on condition that the row is still the one that was read.

        It keeps the row's sequencer, so that any ordered announcement that comes later wins.
        """
        for _ in range(UNORDERED_ATTEMPTS):
            seen = self._read(announcement.key)
            item = self._look(announcement, seen.get("sequencer", NO_SEQUENCER))
            gone = not seen and item["processing_status"] == DELETED
            if gone and not self._read(announcement.key):
                # Old versions of long-gone keys expire too. Without a sequencer to keep, a
                # tombstone would hold nothing back.
                return DELETED
            if self._write(item, _unchanged(seen)):
                return str(item["processing_status"])
        raise ContendedError(
            f"row of {announcement.key!r} must stay unchanged between read and write,"
            f" got {UNORDERED_ATTEMPTS} changes in a row"
        )

    def _look(self, announcement: Announcement, sequencer: str) -> Row:
        now = datetime.now(UTC)
        return row(
            announcement,
            self._head(announcement.key),
            sequencer=sequencer,
            region=self.s3.meta.region_name,
            now=now,
            tombstone_days=self.tombstone_days,
        )

    def _head(self, key: str) -> "HeadObjectOutputTypeDef | None":
        try:
            return self.s3.head_object(
                Bucket=self.bucket, Key=key, ExpectedBucketOwner=self.account
            )
        except ClientError as err:
            if err.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def _read(self, key: str) -> dict[str, str]:
        """Read what identifies one state of a row; empty if there is none."""
        answer = self.dynamodb.get_item(
            TableName=self.table,
            Key={"file_key": {"S": key}},
            ConsistentRead=True,
            ProjectionExpression=", ".join(IDENTITY),
        )
        return {name: value["S"] for name, value in answer.get("Item", {}).items()}

    def _write(self, item: Row, condition: Mapping[str, Any]) -> bool:
        """Write a row on a condition; False if the condition failed."""
        try:
            self.dynamodb.put_item(TableName=self.table, Item=_typed(item), **condition)
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _unchanged(seen: Mapping[str, str]) -> dict[str, Any]:
    """Condition: the row is the one that was read, which may be none."""
    if not seen:
        return {"ConditionExpression": "attribute_not_exists(file_key)"}
    return {
        "ConditionExpression": " AND ".join(
            f"{name} = :{name}" if name in seen else f"attribute_not_exists({name})"
            for name in IDENTITY
        ),
        "ExpressionAttributeValues": {f":{name}": {"S": value} for name, value in seen.items()},
    }


def _typed(item: Row) -> "dict[str, AttributeValueTypeDef]":
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in item.items()
    }


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
