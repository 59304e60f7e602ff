"""Random histories of a bucket, and every way in which their notifications may arrive.

A history changes a few keys and delivers the notifications that S3 sent for them: one to three
times each, in any order, several in one event, and some in the middle of another's handling,
before or after its read of S3. In the end each has been delivered, and table and bucket must agree.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import unquote_plus

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

import connection
from support.bus import REASONS, in_messages, on_the_bus
from support.handler_env import Bench
from support.journeys import eventually

KEYS = ("a", "b", "c")
ATTRIBUTES = {
    "file_size": "ContentLength",
    "content_type": "ContentType",
    "etag": "ETag",
    "version_id": "VersionId",
}
NUMBERS = itertools.count()
Record = dict[str, Any]

keys = st.sampled_from(KEYS)
sizes = st.integers(0, 30)
picks = st.integers(0, 7)
times = st.integers(1, 3)


def key_of(record: Record) -> str:
    """The key that a record is of."""
    return unquote_plus(record["s3"]["object"]["key"])


class WatchedS3:
    """The handler's S3, that lets something happen right before and right after each read."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.before: list[Callable[[], None]] = []
        self.after: list[Callable[[], None]] = []

    def head_object(self, key: str, *, checksum: bool) -> Any:
        do(self.before)
        try:
            return self._s3.head_object(key, checksum=checksum)
        finally:
            do(self.after)


def do(actions: list[Callable[[], None]]) -> None:
    """Do each once; one of them may come to more."""
    while actions:
        actions.pop(0)()


class Histories(RuleBasedStateMachine):
    """One history; the class variables are set by ``check``."""

    bench: ClassVar[Bench]
    watched: ClassVar[WatchedS3]
    """S3 as the handler of the bench has it."""
    queue_url: ClassVar[str]
    """The queue that the bucket notifies."""
    source: ClassVar[str] = "notification"
    """How the notifications come: that, or ``eventbridge``."""

    @initialize()
    def start(self) -> None:
        self.prefix = f"{next(NUMBERS)}/"
        self.s3 = self.bench.cloud("s3")
        self.waiting: list[Record] = []
        self.touched: set[str] = set()
        self.made: list[str] = []
        """Version ids in the order of their making, so that a history can be repeated."""
        self.watched.before.clear()
        self.watched.after.clear()

    # What happens to the bucket

    @rule(key=keys, size=sizes, at=picks, n=times)
    def put(self, key: str, size: int, at: int, n: int) -> None:
        kind = ("text/plain", "image/png")[size % 2]
        self.made.append(self.bench.put(self._touch(key), b"x" * size, ContentType=kind))
        self._notify(at, n)

    @rule(source=keys, key=keys, at=picks, n=times)
    def copy(self, source: str, key: str, at: int, n: int) -> None:
        if not self._exists(source):
            return
        where = {"Bucket": self.bench.bucket, "Key": self.prefix + source}
        answer = self.s3.copy_object(
            Bucket=self.bench.bucket, Key=self._touch(key), CopySource=where
        )
        self.made.append(answer["VersionId"])
        self._notify(at, n)

    @rule(key=keys, size=sizes, at=picks, n=times)
    def upload_in_parts(self, key: str, size: int, at: int, n: int) -> None:
        s3, where = self.s3, {"Bucket": self.bench.bucket, "Key": self._touch(key)}
        upload = s3.create_multipart_upload(**where)["UploadId"]
        part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"p" * size)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        answer = s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)
        self.made.append(answer["VersionId"])
        self._notify(at, n)

    @rule(key=keys, at=picks, n=times)
    def mark_deleted(self, key: str, at: int, n: int, expiration: str = "") -> None:
        # The emulator sends nothing of a marker where there is no object.
        if self._exists(key):
            self.made.append(self.bench.delete(self.prefix + key))
            self._notify(at, n, expiration)

    @rule(key=keys, which=picks, at=picks, n=times)
    def delete_one_version(self, key: str, which: int, at: int, n: int) -> None:
        """Delete the current version, an old one, or a delete marker, which undeletes."""
        if self._delete_one_version(key, which):
            self._notify(at, n)

    @rule(key=keys, at=picks, n=times)
    def expire(self, key: str, at: int, n: int) -> None:
        """Expire an object by lifecycle, whose notification has no order."""
        self.mark_deleted(key, at, n, "LifecycleExpiration:DeleteMarkerCreated")

    @rule(key=keys, which=picks, at=picks, n=times)
    def expire_an_old_version(self, key: str, which: int, at: int, n: int) -> None:
        if self._delete_one_version(key, which, only_old=True):
            self._notify(at, n, "LifecycleExpiration:Delete")

    @rule(key=keys, name=st.sampled_from(["Repair", "Backfill"]), at=picks)
    def check_again(self, key: str, name: str, at: int) -> None:
        """Request what ``ops backfill`` and ``ops verify --repair`` do."""
        record = self.bench.record(self.prefix + key, eventName=f"{name}:Requested")
        del record["s3"]["object"]["sequencer"]
        self.waiting.insert(at % (len(self.waiting) + 1), record)

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
        name = key_of(self.waiting[which % len(self.waiting)])
        around = self.watched.before if early else self.watched.after
        around[:] = [
            lambda: self._change(name.removeprefix(self.prefix), kind, pick, at),
            *(lambda of=of: self._deliver(of, name) for of in others),
        ]
        self._deliver(which)

    def _change(self, key: str, kind: str, pick: int, at: int) -> None:
        if kind == "put":
            self.put(key, pick, at, 1)
        elif kind == "delete":
            self.delete_one_version(key, pick, at, 1)
        else:
            self.expire(key, at, 1)

    # The end

    def teardown(self) -> None:
        while self.waiting:
            self._deliver(0)
        problems = [problem for key in sorted(self.touched) if (problem := self._problem(key))]
        assert not problems, problems

    def _problem(self, key: str) -> str | None:
        row = self.bench.row(self.prefix + key) or {}
        if not self._exists(key):
            expected = {"processing_status": "deleted"}
        else:
            head = self.s3.head_object(Bucket=self.bench.bucket, Key=self.prefix + key)
            expected = {name: str(head[field]).strip('"') for name, field in ATTRIBUTES.items()}
            expected["processing_status"] = "completed"
        actual = {name: row.get(name) for name in expected}
        return None if actual == expected else f"{key}: bucket {expected}, row {actual}"

    # Steps

    def _touch(self, key: str) -> str:
        self.touched.add(key)
        return self.prefix + key

    def _exists(self, key: str) -> bool:
        answer = self.s3.list_objects_v2(Bucket=self.bench.bucket, Prefix=self.prefix + key)
        return bool(answer["KeyCount"])

    def _delete_one_version(self, key: str, which: int, *, only_old: bool = False) -> bool:
        name = self.prefix + key
        answer = self.s3.list_object_versions(Bucket=self.bench.bucket, Prefix=name)
        there = {
            version["VersionId"]
            for version in [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
            if not (only_old and version["IsLatest"])
        }
        if not there:
            return False
        self.bench.delete(name, [made for made in self.made if made in there][which % len(there)])
        return True

    def _notify(self, at: int, n: int, expiration: str = "") -> None:
        """Have the next notification wait, n times; with a name, as that of an expiration."""
        for record in self._notified():
            assert key_of(record).startswith(self.prefix)
            if expiration:
                record["eventName"] = expiration
                if n % 2:
                    # S3 may send the sequencer of the object's creation, or none.
                    del record["s3"]["object"]["sequencer"]
            for copy in range(n):
                self.waiting.insert((at + copy) % (len(self.waiting) + 1), record)

    def _notified(self) -> list[Record]:
        """Wait for the next notification; return its records."""
        sqs, where = self.bench.cloud("sqs"), {"QueueUrl": self.queue_url}
        [message] = eventually(
            lambda: sqs.receive_message(**where).get("Messages"),
            lambda: "notification",
            pause=0.001,
        )
        sqs.delete_message(**where, ReceiptHandle=message["ReceiptHandle"])
        records: list[Record] = json.loads(message["Body"])["Records"]
        return records

    def _deliver(self, which: int, key: str = "") -> None:
        choice = [one for one in self.waiting if key_of(one).startswith(key)]
        if choice:
            record = choice[which % len(choice)]
            self.waiting.remove(record)
            self._handle([record])

    def _handle(self, records: list[Record]) -> None:
        for event in self._events(records):
            answer = self.bench.handler.lambda_handler(event, None)
            assert not answer.get("batchItemFailures"), answer

    def _events(self, records: list[Record]) -> list[Any]:
        """The events in which records arrive; EventBridge has no requests of our own."""
        if self.source == "notification":
            return [{"Records": records}]
        sent = [on_the_bus(record) for record in records if record["eventName"] in REASONS]
        ours = [record for record in records if record["eventName"] not in REASONS]
        of_s3 = sent if len(sent) == 1 else [in_messages(sent)]
        return [*(of_s3 if sent else []), *([{"Records": ours}] if ours else [])]


def check(
    histories: type[Histories],
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    *,
    examples: int,
    steps: int,
    **more: Any,
) -> None:
    """Run random histories of a bench, whose bucket notifies a queue from then on.

    Args:
        histories: the rules.
        bench: where they happen.
        monkeypatch: undoes what is changed for them.
        examples: how many histories.
        steps: how many of each, at most.
        more: other class variables of the rules.
    """
    # Let a call wait for a stalled emulator: nobody invokes a function of a history again.
    monkeypatch.setattr(connection, "READ_SECONDS", 60.0)
    watched = WatchedS3(bench.handler.CATALOG.s3)
    monkeypatch.setattr(bench.handler, "CATALOG", replace(bench.handler.CATALOG, s3=watched))
    given = {"bench": bench, "watched": watched, "queue_url": notified_queue(bench), **more}
    run_state_machine_as_test(
        type("Histories", (histories,), given),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
        ),
    )


def notified_queue(bench: Bench) -> str:
    """Make a queue that the bucket notifies; return its URL."""
    sqs = bench.cloud("sqs")
    url: str = sqs.create_queue(QueueName=bench.bucket)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    target = {
        "QueueArn": attributes["Attributes"]["QueueArn"],
        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
    }
    bench.cloud("s3").put_bucket_notification_configuration(
        Bucket=bench.bucket, NotificationConfiguration={"QueueConfigurations": [target]}
    )
    sqs.purge_queue(QueueUrl=url)  # S3 has sent its test event
    return url
