"""Compares the whole bucket with the whole table.

S3 lists the bucket in key order, but DynamoDB reads the table in no order. So the rows are first
stored in a file and sorted there. Then bucket and rows are read side by side, and memory holds one
page of each. A difference is read again before it is reported, because both may have changed. If S3
keeps no time of the change, the key is read once more after a wait, because only waiting shows that
no notification is on its way.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from handler.attributes import COMPLETED
from ops import rows
from ops.bucket import Current, Scope, head, states
from ops.clients import READS_AT_ONCE
from ops.spill import Row, Spill

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

MISSING, GONE, DIFFERS = "missing", "gone", "differs"
EVENT_NAME = "Repair:Requested"
LONGEST_UPLOAD = timedelta(days=7)
"""How long a multipart upload may take, as the bucket's lifecycle rule has it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A row that differs from the bucket."""

    key: str
    kind: str
    """``missing``, ``gone`` or ``differs``."""
    detail: str
    """What the row and the bucket say."""
    dated: bool = True
    """Whether S3 keeps the time of the bucket's last change."""


def compare(row: Row | None, current: Current | None, scope: Scope) -> Finding | None:
    """Compare a key's row with its state in the bucket; the scope's keys must have a row. Pure."""
    if current is None or not current.exists:
        if row is None or row.status != COMPLETED:
            return None
        return Finding(row.key, GONE, f"row says {row.status}, bucket has no object")
    if row is None or row.status != COMPLETED:
        if not scope.has(current.key):
            return None
        says = "there is no row" if row is None else f"row says {row.status}"
        return Finding(current.key, MISSING, f"{says}, bucket has {current.size} bytes")
    pairs = {
        "file_size": (row.size, current.size),
        "etag": (row.etag, current.etag),
        "version_id": (row.version_id, current.version_id),
    }
    wrong = [
        f"{name} {here!r}, not {there!r}" for name, (here, there) in pairs.items() if here != there
    ]
    return Finding(row.key, DIFFERS, f"row says {'; '.join(wrong)}") if wrong else None


def is_dated(row: rows.Row | None, current: Current | None, now: datetime) -> bool:
    """Whether S3 keeps the time of a key's last change. Pure.

    S3 gives midnight for a lifecycle rule's delete, and no time for a permanent delete. A version
    that such a delete makes current again keeps its old time, and the row is newer than it. A
    multipart upload has the time of its start:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    """
    if current is None:
        return False
    if "-" in current.etag and current.changed > now - LONGEST_UPLOAD:
        return False
    return row is None or str(row.get("processed_at", "")) < rows.written(current.changed)


def in_step(
    all_rows: Iterator[Row], all_states: Iterator[Current]
) -> Iterator[tuple[Row | None, Current | None]]:
    """Pair rows and states by key; both are sorted by key. Pure."""
    row, current = next(all_rows, None), next(all_states, None)
    while row is not None or current is not None:
        left = row.key.encode() if row else None
        right = current.key.encode() if current else None
        first = min(key for key in (left, right) if key is not None)
        yield (row if left == first else None), (current if right == first else None)
        if left == first:
            row = next(all_rows, None)
        if right == first:
            current = next(all_states, None)


@dataclass
class Verifier:
    """Compares a bucket with a table."""

    s3: "S3Client"
    dynamodb: "DynamoDBClient"
    bucket: str
    table: str
    scope: Scope
    grace: timedelta
    """How long a change may take to reach the table."""
    compared: int = 0
    """How many keys have been compared."""
    too_recent: int = 0
    """How many of them disagree, but changed too recently to be judged."""
    unconfirmed: int = 0
    """How many keys disagree, and must still be read once more."""

    def read_table(
        self,
        kept: Spill,
        prefix: str,
        *,
        after: str = "",
        until: str = "",
        stop: threading.Event,
        advance: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Store all rows of objects whose keys have a prefix in a file; returns their number.

        A tombstone without an object is no difference, so tombstones are left out, and so are the
        keys up to and with ``after``, and those after ``until`` (empty for no limit). Setting
        ``stop`` ends the reading. ``advance`` is called with the number of rows read since the last
        call.
        """
        # DynamoDB compares texts by their bytes, as S3 orders keys.
        query = rows.only(
            {
                "processing_status = :completed": (":completed", COMPLETED),
                "begins_with(file_key, :prefix)": (":prefix", prefix),
                "file_key > :after": (":after", after),
                "file_key <= :until": (":until", until),
            }
        )
        query["ProjectionExpression"] = "file_key, processing_status, file_size, etag, version_id"
        total = 0
        for page in rows.pages(self.dynamodb, self.table, query, stop):
            kept.add([Row.of(row) for row in page])
            total += len(page)
            advance(len(page))
        return total

    def suspects(
        self,
        kept: Spill,
        prefix: str,
        since: datetime,
        *,
        stop: threading.Event,
        advance: Callable[[int], None],
    ) -> Iterator[Finding]:
        """Read bucket and rows side by side, and yield each difference.

        The reading of the rows began at ``since``: changes after it, or less than the grace before
        it, are not judged. Setting ``stop`` ends the reading. ``advance`` is called with the number
        of keys compared since the last call.
        """
        settled = since - self.grace
        for row, current in in_step(kept.sorted(), states(self.s3, self.bucket, prefix)):
            if stop.is_set():
                return
            found = self.judge(row, current, settled)
            advance(1)
            if found:
                yield found

    def judge(self, row: Row | None, current: Current | None, settled: datetime) -> Finding | None:
        """Compare and count a key; None if both agree, or if the key changed too recently."""
        self.compared += 1
        found = compare(row, current, self.scope)
        if found and current and current.changed > settled:
            self.too_recent += 1
            return None
        return found

    def confirmed(
        self,
        suspects: Iterator[Finding],
        kept: Spill,
        *,
        stop: threading.Event,
        waiting: Callable[[int, float], None],
    ) -> Iterator[Finding]:
        """Read each key again, and yield those that still disagree.

        Keys that changed at an unknown time come last, if they still disagree when the grace is
        over. All of them share one wait.

        Args:
            suspects: the differences.
            kept: stores the keys that changed at an unknown time.
            stop: ends the wait when it is set; these keys are then not yielded.
            waiting: called before the wait with the number of keys and of seconds.
        """
        seen_at = 0.0
        with ThreadPoolExecutor(READS_AT_ONCE) as pool:
            for found in self._read_again(pool, (suspect.key for suspect in suspects)):
                if found.dated:
                    yield found
                else:
                    kept.add_undated(found.key)
                    self.unconfirmed += 1
                    seen_at = time.monotonic()
            if not self.unconfirmed:
                return
            seconds = max(0.0, seen_at + self.grace.total_seconds() - time.monotonic())
            if seconds and not stop.is_set():
                waiting(self.unconfirmed, seconds)
            if stop.wait(seconds):
                return
            yield from self._read_again(pool, kept.undated())
            self.unconfirmed = 0

    def read_again(self, keys: Iterable[str]) -> Iterator[Finding]:
        """Read keys as they are now, and yield those that disagree."""
        with ThreadPoolExecutor(READS_AT_ONCE) as pool:
            yield from self._read_again(pool, iter(keys))

    def _read_again(self, pool: ThreadPoolExecutor, keys: Iterator[str]) -> Iterator[Finding]:
        while batch := list(islice(keys, rows.BATCH)):
            yield from (found for found in pool.map(self._confirm, batch) if found)

    def _confirm(self, key: str) -> Finding | None:
        """Read a key again; None if both agree now, or if the key changed too recently."""
        before = head(self.s3, self.bucket, key)
        row = rows.get(self.dynamodb, self.table, key)
        after = head(self.s3, self.bucket, key)
        if before != after:
            return None
        now = datetime.now(UTC)
        if after is not None and after.changed > now - self.grace:
            return None
        found = compare(Row.of(row) if row else None, after, self.scope)
        return replace(found, dated=is_dated(row, after, now)) if found else None
