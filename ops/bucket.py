"""Reads the current state of the bucket's keys, in the order of the keys' bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_s3 import S3Client

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Current:
    """The current state of a key."""

    key: str
    changed: datetime
    """When it last changed, UTC."""
    size: int | None = None
    """Bytes; None where a delete marker is current."""
    etag: str = ""
    """Without quotes."""
    version_id: str = "null"

    @property
    def exists(self) -> bool:
        """Whether there is an object."""
        return self.size is not None


@dataclass(frozen=True, slots=True)
class Scope:
    """The keys of which the function gets notifications; all others have no row."""

    prefix: str = ""
    suffix: str = ""

    def has(self, key: str) -> bool:
        """Whether a change of this key sends a notification."""
        return key.startswith(self.prefix) and key.endswith(self.suffix)

    @classmethod
    def of_notification(cls, s3: "S3Client", bucket: str, function: str) -> Self | None:
        """Read the scope from the bucket's notification for the function; None if there is none."""
        found = s3.get_bucket_notification_configuration(Bucket=bucket)
        for target in found.get("LambdaFunctionConfigurations", []):
            if _name(target["LambdaFunctionArn"]) == _name(function):
                rules = target.get("Filter", {}).get("Key", {}).get("FilterRules", [])
                named = {rule["Name"].lower(): rule["Value"] for rule in rules}
                return cls(named.get("prefix", ""), named.get("suffix", ""))
        return None


def _name(function: str) -> str:
    """The name of a function that is given by name or ARN, with or without an alias.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    return function.rpartition("function:")[2].partition(":")[0]


def about_how_many(cloudwatch: "CloudWatchClient", bucket: str, now: datetime) -> int | None:
    """The number of objects by S3's daily metric, which includes old versions; None if unknown.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
    """
    try:
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/S3",
            MetricName="NumberOfObjects",
            Dimensions=[
                {"Name": "BucketName", "Value": bucket},
                {"Name": "StorageType", "Value": "AllStorageTypes"},
            ],
            StartTime=now - timedelta(days=3),
            EndTime=now,
            Period=24 * 60 * 60,
            Statistics=["Average"],
        )
    except (ClientError, BotoCoreError):
        return None
    newest = max(answer["Datapoints"], key=lambda point: point["Timestamp"], default=None)
    return round(newest["Average"]) if newest else None


def objects(s3: "S3Client", bucket: str, prefix: str, after: str = "") -> Iterator[Current]:
    """List the objects, a page at a time, without the keys up to and with ``after``."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, StartAfter=after, PaginationConfig={"PageSize": PAGE}
    )
    for page in pages:
        for found in page.get("Contents", []):
            yield Current(
                found["Key"], found["LastModified"], found["Size"], found["ETag"].strip('"')
            )


def states(s3: "S3Client", bucket: str, prefix: str) -> Iterator[Current]:
    """List the current version or delete marker of each key."""
    for page in state_pages(s3, bucket, prefix):
        yield from page


def state_pages(
    s3: "S3Client", bucket: str, prefix: str, after: str = ""
) -> Iterator[list[Current]]:
    """List the current version or delete marker of each key, a page at a time.

    A page has at most 1,000 keys, and none if all its versions are noncurrent. The keys up to and
    with ``after`` are left out.
    """
    start: dict[str, Any] = {"KeyMarker": after} if after else {}
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": PAGE}, **start
    )
    first = after.encode()
    for page in pages:
        current = [
            Current(
                found["Key"],
                found["LastModified"],
                found["Size"],
                found["ETag"].strip('"'),
                found["VersionId"],
            )
            for found in page.get("Versions", [])
            if found["IsLatest"]
        ]
        current += [
            Current(marker["Key"], marker["LastModified"])
            for marker in page.get("DeleteMarkers", [])
            if marker["IsLatest"]
        ]
        # S3 lists versions and delete markers separately, each in order. AWS does not document
        # whether the key of `KeyMarker` is listed again, so it is left out here.
        yield sorted(
            (state for state in current if state.key.encode() > first),
            key=lambda state: state.key.encode(),
        )


def head(s3: "S3Client", bucket: str, key: str) -> Current | None:
    """Read a key's object (``HeadObject``), or its state as listed; None if there is none.

    Raises:
        botocore.exceptions.ClientError: S3 refused, for example with 403.
    """
    try:
        found = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as err:
        status = err.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            return None
        if status == 400:
            # S3 needs the customer's key (SSE-C) to describe an object, but not to list it.
            listed = next(states(s3, bucket, key), None)
            return listed if listed and listed.key == key else None
        raise
    return Current(
        key,
        found["LastModified"],
        found["ContentLength"],
        found["ETag"].strip('"'),
        found.get("VersionId", "null"),
    )
