"""The demo: upload files, overwrite one, delete one, and compare the rows."""

import hashlib
import io
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from handler.answers import MAX_BODY
from handler.attributes import COMPLETED, DELETED, DONE, FAILED
from local.cloud import Cloud
from local.files import FilesError, LocalFile

# The emulator starts a process for every concurrent event.
IN_FLIGHT = 4
POLL_SECONDS = 0.03
PATIENCE_SECONDS = 30
METADATA = {"source": "make demo"}

Row = dict[str, Any]


class _NoRowError(Exception):
    """No row has arrived for a long time."""


@dataclass(frozen=True)
class Expected:
    """The attributes that a key's row must have in the end."""

    status: str
    size: int | None = None
    checksum: str | None = None
    metadata: Mapping[str, str] | None = None

    def differs(self, row: Row | None) -> str | None:
        """Describe how a row differs; None if it does not."""
        if row is None:
            return "has no row"
        actual = Expected(
            row["processing_status"], row.get("file_size"), row.get("checksum"), row.get("metadata")
        )
        return None if actual == self else f"must be {self}, got {actual}"


@dataclass
class Demo:
    """One run against a deployed pipeline."""

    cloud: Cloud
    bucket: str
    table: str
    uploaded: Callable[[], None] = lambda: None
    """Called after each change of the bucket."""
    arrived: Callable[[], None] = lambda: None
    """Called when a key's row becomes right."""
    expected: dict[str, Expected] = field(default_factory=dict)
    extracting: set[str] = field(default_factory=set)
    """Keys whose contents are still to be extracted."""
    _pending: set[str] = field(default_factory=set)

    def run(self, files: Sequence[LocalFile]) -> None:
        """Upload the files, overwrite the smallest, delete the last other one, wait for rows.

        If no row arrives for 30 seconds, the rest is left out.
        """
        with suppress(_NoRowError):
            self._run(files)

    def _run(self, files: Sequence[LocalFile]) -> None:
        overwritten = _smallest(files)
        others = [file for file in files if file is not overwritten]
        for file in files:
            with file.path.open("rb") as body:
                self._put(file, body)
        self._await(0)
        twice = overwritten.path.read_bytes() * 2 or b"no longer empty\n"
        self._put(overwritten, io.BytesIO(twice))
        if others:
            self._delete(others[-1])
        self._await(0)

    def await_extractions(self) -> None:
        """Wait until each row has a result, or until no result has come for 30 seconds."""
        self.extracting = self._without_result()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.extracting and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            left = self._without_result()
            if left != self.extracting:
                self.extracting, deadline = left, time.monotonic() + PATIENCE_SECONDS

    def rows(self) -> list[Row]:
        """Read the whole table, in the order of keys."""
        pages = self.cloud("dynamodb").get_paginator("scan").paginate(TableName=self.table)
        found = [_plain(item) for page in pages for item in page["Items"]]
        return sorted(found, key=lambda row: str(row["file_key"]))

    def problems(self) -> list[str]:
        """Compare the table with the expected rows."""
        rows = {row["file_key"]: row for row in self.rows()}
        wrong = [
            f"{key!r} {difference}"
            for key, expected in self.expected.items()
            if (difference := expected.differs(rows.get(key)))
        ]
        wait = f"no result of any file came for {PATIENCE_SECONDS} s"
        wrong += [f"{key!r} is still pending: {wait}" for key in sorted(self.extracting)]
        return wrong + [f"{key!r} has a row, but no file" for key in rows.keys() - self.expected]

    def _without_result(self) -> set[str]:
        return {
            row["file_key"]
            for row in self.rows()
            if row["processing_status"] == COMPLETED and row.get("extraction") not in (DONE, FAILED)
        }

    def _put(self, file: LocalFile, body: io.BufferedReader | io.BytesIO) -> None:
        digest = hashlib.file_digest(body, "sha256").digest()
        size = body.seek(0, io.SEEK_END)
        body.seek(0)
        self._await(IN_FLIGHT - 1)
        self.cloud("s3").put_object(
            Bucket=self.bucket,
            Key=file.key,
            Body=body,
            ContentType=file.content_type,
            ChecksumAlgorithm="SHA256",
            Metadata=METADATA,
        )
        checksum = f"SHA256:{b64encode(digest).decode()}"
        self._changed(file, Expected(COMPLETED, size, checksum, METADATA))

    def _delete(self, file: LocalFile) -> None:
        self._await(IN_FLIGHT - 1)
        self.cloud("s3").delete_object(Bucket=self.bucket, Key=file.key)
        self._changed(file, Expected(DELETED))

    def _changed(self, file: LocalFile, expected: Expected) -> None:
        self.expected[file.key] = expected
        self._pending.add(file.key)
        self.uploaded()

    def _await(self, at_most: int) -> None:
        """Wait until at most so many rows are missing.

        Raises:
            _NoRowError: none has arrived for 30 seconds.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self._pending) > at_most:
            if time.monotonic() > deadline:
                raise _NoRowError
            for key in [key for key in self._pending if not self._differs(key)]:
                self._pending.remove(key)
                self.arrived()
                deadline = time.monotonic() + PATIENCE_SECONDS
            if len(self._pending) > at_most:
                time.sleep(POLL_SECONDS)

    def _differs(self, key: str) -> str | None:
        answer = self.cloud("dynamodb").get_item(
            TableName=self.table, Key={"file_key": {"S": key}}, ConsistentRead=True
        )
        item = answer.get("Item")
        return self.expected[key].differs(_plain(item) if item else None)


def check_sizes(files: Sequence[LocalFile]) -> None:
    """Refuse files that are too large: the emulator answers a range with the whole object.

    Raises:
        FilesError: a file is too large, or would be when the demo overwrites it.
    """
    smallest = _smallest(files)
    for file in files:
        size, most, why = file.path.stat().st_size, MAX_BODY, ""
        if file is smallest:
            most, why = MAX_BODY // 2, ", as the demo doubles the smallest file"
        if size > most:
            raise FilesError(
                f"{file.key} must be at most {most} bytes for an extractor on the emulator{why},"
                f" got {size}"
            )


def _smallest(files: Sequence[LocalFile]) -> LocalFile:
    return min(files, key=lambda file: file.path.stat().st_size)


def _plain(item: dict[str, Any]) -> Row:
    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items()}
