"""What a user of a deployed pipeline does, and what they then see.

The functions know only the stack's outputs and AWS's own API, so the same journeys fit the
emulator and an account.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer

from local.cloud import Cloud

PATIENCE_SECONDS = 90
POLL_SECONDS = 0.03

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Deployed:
    """A deployed stack: its outputs, and a client of each service."""

    client: Callable[[str], Any]
    outputs: Mapping[str, str]
    patience: float = PATIENCE_SECONDS
    """Seconds to wait for what must come."""
    pause: float = POLL_SECONDS
    """Seconds between two reads."""

    @property
    def bucket(self) -> str:
        return self.outputs["S3BucketName"]

    @property
    def table(self) -> str:
        return self.outputs["DynamoDBTableName"]

    @property
    def function(self) -> str:
        return self.outputs["LambdaFunctionName"]

    def configure(self, function: str, timeout: int | None = None, **variables: str) -> None:
        """Change variables of a function's environment, and its timeout, in seconds."""
        client, name = self.client("lambda"), {"FunctionName": function}
        current = client.get_function_configuration(**name)
        client.update_function_configuration(
            **name,
            Timeout=timeout or current["Timeout"],
            Environment={"Variables": current["Environment"]["Variables"] | variables},
        )

    def put(
        self, key: str, body: bytes = b"content", content_type: str = "text/plain", **more: Any
    ) -> str:
        """Upload an object; return its version id."""
        answer = self.client("s3").put_object(
            Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, **more
        )
        return str(answer["VersionId"])

    def delete(self, key: str, version_id: str | None = None) -> str:
        """Delete an object, or one version of it; return the version id that it concerned."""
        version = {"VersionId": version_id} if version_id else {}
        answer = self.client("s3").delete_object(Bucket=self.bucket, Key=key, **version)
        return str(answer["VersionId"])

    def head(self, key: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client("s3").head_object(Bucket=self.bucket, Key=key)
        return answer

    def row(self, key: str) -> Row | None:
        answer = self.client("dynamodb").get_item(
            TableName=self.table, Key={"file_key": {"S": key}}, ConsistentRead=True
        )
        item = answer.get("Item")
        return {n: TypeDeserializer().deserialize(v) for n, v in item.items()} if item else None

    def row_once(self, key: str, holds: Callable[[Row], bool]) -> Row:
        """Return a key's row as soon as something holds of it."""

        def found() -> Row | None:
            row = self.row(key)
            return row if row and holds(row) else None

        return self.eventually(found, lambda: f"row of {key!r}, last seen as {self.row(key)}")

    def completed(self, key: str, version_id: str) -> Row:
        """Return a key's row once it speaks of a version."""
        return self.row_once(key, lambda row: row.get("version_id") == version_id)

    def deleted(self, key: str) -> Row:
        """Return a key's row once it is a tombstone."""
        return self.row_once(key, lambda row: row["processing_status"] == "deleted")

    def record(
        self, key: str, sequencer: str | None = "0A", bucket: str | None = None
    ) -> dict[str, Any]:
        """Make a record as S3 sends it when a key is put, by default into this bucket."""
        described = {"key": key} | ({"sequencer": sequencer} if sequencer else {})
        return {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-01-01T00:00:00.000Z",
            "s3": {"bucket": {"name": bucket or self.bucket}, "object": described},
        }

    def invoke_later(self, event: Mapping[str, Any]) -> None:
        """Invoke the function as S3 and EventBridge do: without waiting for it."""
        self.client("lambda").invoke(
            FunctionName=self.function, InvocationType="Event", Payload=json.dumps(event).encode()
        )

    def take_failed(self, event: Mapping[str, Any]) -> None:
        """Take an event from the failure queue, once it is there; leave all others."""
        self.eventually(
            lambda: self.remove_failed(lambda failed: failed == event),
            lambda: f"{event} in the failure queue",
        )

    def remove_failed(self, ours: Callable[[Any], bool]) -> int:
        """Remove those failed events that one read finds and that are ours; say how many."""
        sqs, where = self.client("sqs"), {"QueueUrl": self.outputs["FailureQueueUrl"]}
        answer = sqs.receive_message(
            **where, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=10
        )
        removed = 0
        for message in answer.get("Messages", []):
            handle = {"ReceiptHandle": message["ReceiptHandle"]}
            if ours(json.loads(message["Body"]).get("requestPayload")):
                sqs.delete_message(**where, **handle)
                removed += 1
            else:
                sqs.change_message_visibility(**where, **handle, VisibilityTimeout=0)
        return removed

    def remove_objects(self, prefix: str) -> None:
        """Delete every version of every key that starts so."""
        s3 = self.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=prefix
        ):
            for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                self.delete(found["Key"], version_id=found["VersionId"])

    def eventually(self, read: Callable[[], T | None], what: Callable[[], str]) -> T:
        """Read again and again, with the patience that this place needs."""
        return eventually(read, what, within=self.patience, pause=self.pause)


def eventually(
    read: Callable[[], T | None],
    what: Callable[[], str],
    within: float = PATIENCE_SECONDS,
    pause: float = POLL_SECONDS,
) -> T:
    """Read again and again until there is something to see.

    Args:
        read: returns what there is, or something false.
        what: names it, should it never come.
        within: seconds to wait.
        pause: seconds between two reads.
    """
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        seen = read()
        if seen:
            return seen
        time.sleep(pause)
    raise AssertionError(f"no {what()} within {within} s")


def assert_a_file_gets_its_row(cloud: Cloud, bucket: str, table: str) -> None:
    stack = Deployed(cloud, {"S3BucketName": bucket, "DynamoDBTableName": table})
    row = stack.completed("report.txt", stack.put("report.txt", b"twelve bytes"))
    assert (row["processing_status"], row["file_size"]) == ("completed", 12)
