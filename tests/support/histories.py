"""Random histories of a bucket, and every way in which their notifications may arrive.

A history changes a few keys and delivers the notifications that S3 sent for them: one to three
times each, in any order, several in one event, and some in the middle of another's handling,
before or after its read of S3. In the end each has been delivered, and table and bucket must agree.
"""

import itertools
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, ClassVar
from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import connection
from local.cloud import Cloud
from support.bus import REASONS, in_messages, on_the_bus
from support.handler_env import in_bucket

KEYS = ("a", "b", "c")
ATTRIBUTES = {
    "file_size": "ContentLength",
    "content_type": "ContentType",
    "etag": "ETag",
    "version_id": "VersionId",
}
Record = dict[str, Any]

keys = st.sampled_from(KEYS)
sizes = st.integers(0, 30)
picks = st.integers(0, 7)
times = st.integers(1, 3)


def key_of(record: Record) -> str:
    """The key that a record is of."""
    return unquote_plus(record["s3"]["object"]["key"])


@dataclass
class World:
    """A bucket that notifies a queue, a table, and the handler, all real."""

    s3: Any
    dynamodb: Any
    sqs: Any
    handler: ModuleType
    bucket: str
    queue_url: str
    table: str
    numbers: "itertools.count[int]"

    def notified(self) -> list[Record]:
        """Wait for the next notification; return its records."""
        for _ in range(500):
            messages = self.sqs.receive_message(QueueUrl=self.queue_url).get("Messages", [])
            for message in messages:
                self.sqs.delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
                records: list[Record] = json.loads(message["Body"])["Records"]
                return records
            time.sleep(0.001)
        raise AssertionError("no notification arrived")

    def versions(self, prefix: str, key: str) -> list[dict[str, Any]]:
        """List a key's versions and delete markers, in no order that means anything."""
        answer = self.s3.list_object_versions(Bucket=self.bucket, Prefix=f"{prefix}{key}")
        return [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]


@contextmanager
def patient() -> Iterator[None]:
    """Let a call wait for a stalled emulator: nobody invokes a function of a history again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "READ_SECONDS", 60.0)
        yield


def make_world(cloud: Cloud, handler: ModuleType) -> World:
    """Make a bucket that notifies a queue, and a table."""
    bucket = table = queue = f"histories-{secrets.token_hex(4)}"
    s3, sqs = cloud("s3"), cloud("sqs")
    queue_url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    target = {
        "QueueArn": attributes["Attributes"]["QueueArn"],
        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
    }
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [target]}
    )
    cloud("dynamodb").create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "file_key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "file_key", "AttributeType": "S"}],
    )
    sqs.purge_queue(QueueUrl=queue_url)  # S3 has sent its test event
    numbers = itertools.count()
    return World(s3, cloud("dynamodb"), sqs, handler, bucket, queue_url, table, numbers)


class WatchedS3:
    """The handler's S3, that lets something happen right before and right after each read."""

    def __init__(self, s3: Any, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._s3, self._before, self._after = s3, before, after

    def head_object(self, key: str, *, checksum: bool) -> Any:
        self._before()
        try:
            return self._s3.head_object(key, checksum=checksum)
        finally:
            self._after()


class Histories(RuleBasedStateMachine):
    """One history; ``world`` is set by the test that runs it."""

    world: ClassVar[World]
    extracts: ClassVar[bool] = False
    source: ClassVar[str] = "notification"
    """How the notifications come: that, or ``eventbridge``."""

    @initialize()
    def start(self) -> None:
        self.prefix = f"{next(self.world.numbers)}/"
        self.waiting: list[Record] = []
        self.before_read: list[Callable[[], None]] = []
        self.after_read: list[Callable[[], None]] = []
        self.touched: set[str] = set()
        self.made: list[str] = []
        """Version ids in the order of their making, so that a history can be repeated."""
        catalog = self.world.handler.CATALOG
        place = in_bucket(catalog, self.world.bucket)
        place["s3"] = WatchedS3(
            place["s3"],
            lambda: self._do(self.before_read),
            lambda: self._do(self.after_read),
        )
        self.catalog = replace(catalog, **place, table=self.world.table, extracts=self.extracts)

    # What happens to the bucket

    @rule(key=keys, size=sizes, at=picks, n=times)
    def put(self, key: str, size: int, at: int, n: int) -> None:
        self._put(key, size)
        self._notify(at, n)

    @rule(source=keys, key=keys, at=picks, n=times)
    def copy(self, source: str, key: str, at: int, n: int) -> None:
        if not self._exists(source):
            return
        where = {"Bucket": self.world.bucket, "Key": self.prefix + source}
        answer = self.world.s3.copy_object(
            Bucket=self.world.bucket, Key=self._touch(key), CopySource=where
        )
        self.made.append(answer["VersionId"])
        self._notify(at, n)

    @rule(key=keys, size=sizes, at=picks, n=times)
    def upload_in_parts(self, key: str, size: int, at: int, n: int) -> None:
        s3, where = self.world.s3, {"Bucket": self.world.bucket, "Key": self._touch(key)}
        upload = s3.create_multipart_upload(**where)["UploadId"]
        part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"p" * size)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        answer = s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)
        self.made.append(answer["VersionId"])
        self._notify(at, n)

    @rule(key=keys, at=picks, n=times)
    def mark_deleted(self, key: str, at: int, n: int) -> None:
        if self._mark_deleted(key):
            self._notify(at, n)

    @rule(key=keys, which=picks, at=picks, n=times)
    def delete_one_version(self, key: str, which: int, at: int, n: int) -> None:
        """Delete the current version, an old one, or a delete marker, which undeletes."""
        if self._delete_one_version(key, which):
            self._notify(at, n)

    @rule(key=keys, at=picks, n=times)
    def expire(self, key: str, at: int, n: int) -> None:
        """Expire an object by lifecycle, whose notification has no order."""
        if self._mark_deleted(key):
            self._expired("LifecycleExpiration:DeleteMarkerCreated", at, n)

    @rule(key=keys, which=picks, at=picks, n=times)
    def expire_an_old_version(self, key: str, which: int, at: int, n: int) -> None:
        if self._delete_one_version(key, which, only_old=True):
            self._expired("LifecycleExpiration:Delete", at, n)

    @rule(key=keys, name=st.sampled_from(["Repair", "Backfill"]), at=picks)
    def check_again(self, key: str, name: str, at: int) -> None:
        """Request what ``ops backfill`` and ``ops verify --repair`` do."""
        self.waiting.insert(
            at % (len(self.waiting) + 1),
            {
                "eventSource": "aws:s3",
                "eventName": f"{name}:Requested",
                "eventTime": "2026-03-14T09:26:53.589Z",
                "s3": {
                    "bucket": {"name": self.world.bucket},
                    "object": {"key": quote_plus(self.prefix + key)},
                },
            },
        )

    # How the notifications arrive

    @precondition(lambda self: self.waiting)
    @rule(which=picks)
    def deliver(self, which: int) -> None:
        self._deliver(which)

    @precondition(lambda self: self.waiting)
    @rule(count=st.integers(2, 4))
    def deliver_at_once(self, count: int) -> None:
        """Deliver several in one event, which handles them concurrently."""
        batch = self.waiting[:count]
        del self.waiting[: len(batch)]
        self._handle(batch)

    @precondition(lambda self: self.waiting)
    @rule(
        which=picks,
        kind=st.sampled_from(["put", "delete", "expire"]),
        pick=picks,
        at=picks,
        others=st.lists(picks, max_size=3),
        early=st.booleans(),
    )
    def deliver_across_a_change(
        self, which: int, kind: str, pick: int, at: int, others: list[int], *, early: bool
    ) -> None:
        """Around the read of S3 the key changes, and other notifications of it are handled."""
        key = key_of(self.waiting[which % len(self.waiting)]).removeprefix(self.prefix)

        def change() -> None:
            if kind == "put":
                self.put(key, pick, at, 1)
            elif kind == "delete":
                self.delete_one_version(key, pick, at, 1)
            else:
                self.expire(key, at, 1)

        around = self.before_read if early else self.after_read
        around[:] = [change, *(lambda of=of: self._deliver(of, self.prefix + key) for of in others)]
        self._deliver(which)

    # The end

    def teardown(self) -> None:
        while self.waiting:
            self._deliver(0)
        problems = [problem for key in sorted(self.touched) if (problem := self._problem(key))]
        assert not problems, problems

    def _problem(self, key: str) -> str | None:
        name = {"file_key": {"S": self.prefix + key}}
        item = self.world.dynamodb.get_item(
            TableName=self.world.table, Key=name, ConsistentRead=True
        ).get("Item")
        row = {name: next(iter(value.values())) for name, value in (item or {}).items()}
        if not self._exists(key):
            expected = {"processing_status": "deleted"}
        else:
            head = self.world.s3.head_object(Bucket=self.world.bucket, Key=self.prefix + key)
            expected = {name: str(head[field]).strip('"') for name, field in ATTRIBUTES.items()}
            expected["processing_status"] = "completed"
        actual = {name: row.get(name) for name in expected}
        return None if actual == expected else f"{key}: bucket {expected}, row {actual}"

    # Steps

    def _touch(self, key: str) -> str:
        self.touched.add(key)
        return self.prefix + key

    def _exists(self, key: str) -> bool:
        answer = self.world.s3.list_objects_v2(Bucket=self.world.bucket, Prefix=self.prefix + key)
        return bool(answer["KeyCount"])

    def _put(self, key: str, size: int) -> None:
        kind = ("text/plain", "image/png")[size % 2]
        answer = self.world.s3.put_object(
            Bucket=self.world.bucket, Key=self._touch(key), Body=b"x" * size, ContentType=kind
        )
        self.made.append(answer["VersionId"])

    def _mark_deleted(self, key: str) -> bool:
        # The emulator sends nothing of a marker where there is no object.
        if not self._exists(key):
            return False
        answer = self.world.s3.delete_object(Bucket=self.world.bucket, Key=self.prefix + key)
        self.made.append(answer["VersionId"])
        return True

    def _delete_one_version(self, key: str, which: int, *, only_old: bool = False) -> bool:
        there = {
            version["VersionId"]
            for version in self.world.versions(self.prefix, key)
            if not (only_old and version["IsLatest"])
        }
        if not there:
            return False
        chosen = [version for version in self.made if version in there][which % len(there)]
        self.world.s3.delete_object(
            Bucket=self.world.bucket, Key=self.prefix + key, VersionId=chosen
        )
        return True

    def _expired(self, name: str, at: int, n: int) -> None:
        for record in self.world.notified():
            if n % 2:
                # S3 may send the sequencer of the object's creation, or none.
                del record["s3"]["object"]["sequencer"]
            record["eventName"] = name
            self._insert(record, at, n)

    def _notify(self, at: int, n: int) -> None:
        for record in self.world.notified():
            self._insert(record, at, n)

    def _insert(self, record: Record, at: int, n: int) -> None:
        assert key_of(record).startswith(self.prefix)
        for copy in range(n):
            self.waiting.insert((at + copy) % (len(self.waiting) + 1), record)

    def _deliver(self, which: int, key: str = "") -> None:
        choice = [one for one in self.waiting if key_of(one).startswith(key)]
        if choice:
            record = choice[which % len(choice)]
            self.waiting.remove(record)
            self._handle([record])

    def _handle(self, records: list[Record]) -> None:
        handler, before = self.world.handler, self.world.handler.CATALOG
        handler.CATALOG = self.catalog
        try:
            for event in self._events(records):
                answer = handler.lambda_handler(event, None)
                assert not answer.get("batchItemFailures"), answer
        finally:
            handler.CATALOG = before

    def _events(self, records: list[Record]) -> list[Any]:
        """The events in which records arrive; EventBridge has no requests of our own."""
        if self.source == "notification":
            return [{"Records": records}]
        sent = [on_the_bus(record) for record in records if record["eventName"] in REASONS]
        ours = [record for record in records if record["eventName"] not in REASONS]
        of_s3 = sent if len(sent) == 1 else [in_messages(sent)]
        return [*(of_s3 if sent else []), *([{"Records": ours}] if ours else [])]

    @staticmethod
    def _do(actions: list[Callable[[], None]]) -> None:
        while actions:
            actions.pop(0)()
