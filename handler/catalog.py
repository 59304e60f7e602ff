"""Keeps the rows up to date: reads S3, and writes the row unless a newer notification already did.

``docs/correctness.md`` says why this is correct; ``tests/support/protocol.py`` is a model of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from attributes import COMPLETED, DELETED, EXTRACTION_ATTRIBUTES, PENDING
from dynamodb import ConditionalCheckFailedError, DynamoDB
from events import SEQUENCER_WIDTH, Notification
from row import (
    Head,
    Row,
    Stored,
    is_of_the_same_version,
    iso,
    row,
    says_the_same,
    stored_text,
    typed,
)
from s3 import S3
from service import RefusedError

STALE = "stale"
NO_SEQUENCER = "0" * SEQUENCER_WIDTH
ATTEMPTS = 5
# A row is unchanged since it was read if these are the same.
READ = ("file_key", "sequencer", "processed_at")
# With an extractor, these must be the same, too: its function and `ops extract` always set them.
CARRIED = ("extraction", "extracted_at")
# The longest time between a handler's read of S3 and its write: Lambda ends an invocation after
# 900 s, and the clocks of two containers may differ by a minute.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
LONGEST_HANDLING = timedelta(seconds=960)


class ContendedError(RuntimeError):
    """A row kept changing between the read of S3 and the write."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The bucket to read and the table to write to."""

    s3: S3
    dynamodb: DynamoDB
    bucket: str
    region: str
    """Where both are."""
    table: str
    tombstone_days: int
    extracts: bool = False
    """Whether there is an extractor, which reads the contents of each new version."""

    def update(self, notification: Notification) -> str:
        """Update the row of a key to the key's current state in S3.

        Returns:
            The row's status, ``completed`` or ``deleted``; or ``stale`` if a newer notification
            of the key was already handled.

        Raises:
            ValueError: the notification is from another bucket.
            ContendedError: the row changed at every attempt.
            service.RefusedError: S3 or DynamoDB answered with an error, such as 403.
            service.CallError: S3 or DynamoDB did not answer.
        """
        if notification.bucket != self.bucket:
            raise ValueError(
                f"s3.bucket.name must be {self.bucket}, got {notification.bucket!r:.200}"
            )
        if notification.sequencer is None:
            return self._update_unordered(notification)
        return self._update_ordered(notification, notification.sequencer)

    def _update_ordered(self, notification: Notification, sequencer: str) -> str:
        """Write the row, unless the current one comes from a newer notification.

        For 16 minutes after an unordered deletion the write is refused as well, because this
        handler may have read S3 before the deletion. It then reads S3 again, and writes if the
        row is still the one that refused the first write.
        """
        seen: Stored | None = None
        for _ in range(1 + ATTEMPTS):
            new = self._read_s3(notification, sequencer)
            if seen is None:
                condition = _newest(new)
            else:
                new |= _mark(seen)
                condition = _unchanged(seen)
            seen = self._put(new, condition)
            if seen is None:
                return str(new["processing_status"])
            if (stored_text(seen, "sequencer") or "") >= sequencer:
                return STALE
        raise ContendedError(_contended(notification))

    def _update_unordered(self, notification: Notification) -> str:
        """Write the row if it differs from S3 and has not changed since it was read.

        The row keeps its sequencer, so that any later ordered notification wins.
        """
        started = datetime.now(UTC)
        seen = self._get(notification.key)
        for _ in range(ATTEMPTS):
            new = self._read_s3(notification, stored_text(seen, "sequencer") or NO_SEQUENCER)
            if new["processing_status"] == DELETED:
                if _deletion_is_known(seen, notification, started):
                    return DELETED
                new["unordered_until"] = _latest_write(str(new["processed_at"]))
            elif says_the_same(seen, new):
                return COMPLETED
            else:
                new |= _mark(seen)
            changed = self._put(new, self._as_read(seen), carried_from=seen)
            if changed is None:
                return str(new["processing_status"])
            seen = changed
        raise ContendedError(_contended(notification))

    def _read_s3(self, notification: Notification, sequencer: str) -> Row:
        now = datetime.now(UTC)
        return row(
            notification,
            self._head(notification.key),
            sequencer=sequencer,
            region=self.region,
            now=now,
            tombstone_days=self.tombstone_days,
        )

    def _head(self, key: str) -> Head | None:
        """Read a key's current version from S3; None if there is none.

        S3 returns a checksum only if the role may use the object's KMS key. If the uploader chose
        a key that the role may not use, the row has no checksum.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        try:
            return self.s3.head_object(key, checksum=True)
        except RefusedError as err:
            if err.status != 403:
                raise
        return self.s3.head_object(key, checksum=False)

    def _get(self, key: str) -> Stored:
        return self.dynamodb.get_item(
            TableName=self.table, Key={"file_key": {"S": key}}, ConsistentRead=True
        )

    def _as_read(self, seen: Stored) -> dict[str, Any]:
        """Condition: the row and, with an extractor, its extraction are as they were read."""
        return _unchanged(seen, *(CARRIED if self.extracts else ()))

    def _extraction(self, new: Row, seen: Stored) -> Stored:
        """The new row's extraction: kept for the same version, pending for another."""
        if not self.extracts or new["processing_status"] == DELETED:
            return {}
        if "extraction" in seen and is_of_the_same_version(seen, new):
            return {name: seen[name] for name in EXTRACTION_ATTRIBUTES if name in seen}
        return {"extraction": {"S": PENDING}}

    def _put(
        self, new: Row, condition: Mapping[str, Any], carried_from: Stored | None = None
    ) -> Stored | None:
        """Write a row if a condition holds.

        Args:
            new: the row.
            condition: parameters of ``PutItem``.
            carried_from: the row whose extraction the new one keeps if the version is the same.

        Returns:
            None if the row was written; otherwise the current row, empty if there is none.
        """
        try:
            self.dynamodb.put_item(
                TableName=self.table,
                Item=typed(new) | dict(self._extraction(new, carried_from or {})),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition,
            )
        except ConditionalCheckFailedError as err:
            return err.item
        return None


def _newest(new: Row) -> dict[str, Any]:
    """Condition: no newer notification was handled, and no deletion after S3 was read."""
    return {
        # A row that somebody else wrote without a sequencer must not refuse every write.
        "ConditionExpression": "(attribute_not_exists(sequencer) OR sequencer < :sequencer)"
        " AND (attribute_not_exists(unordered_until) OR unordered_until < :read_at)",
        "ExpressionAttributeValues": {
            ":sequencer": {"S": str(new["sequencer"])},
            ":read_at": {"S": str(new["processed_at"])},
        },
    }


def _unchanged(seen: Stored, *also: str) -> dict[str, Any]:
    """Condition: the row is still the one that was read; if there was none, there is none."""
    if not seen:
        return {"ConditionExpression": "attribute_not_exists(file_key)"}
    names = (*READ, *also)
    return {
        "ConditionExpression": " AND ".join(
            f"{name} = :{name}" if name in seen else f"attribute_not_exists({name})"
            for name in names
        ),
        "ExpressionAttributeValues": {f":{name}": seen[name] for name in names if name in seen},
    }


def _mark(seen: Stored) -> Row:
    """The row's ``unordered_until``, which the row that replaces it must keep."""
    until = stored_text(seen, "unordered_until")
    return {} if until is None else {"unordered_until": until}


def _deletion_is_known(seen: Stored, notification: Notification, started: datetime) -> bool:
    """Whether a key without an object needs no write."""
    if notification.is_recheck:
        # A re-check request reports no change, so a tombstone or no row is right already.
        return not seen or stored_text(seen, "processing_status") == DELETED
    until = stored_text(seen, "unordered_until")
    if until is None or stored_text(seen, "processing_status") != DELETED:
        return False
    # The tombstone's handler read S3 after the change that this notification reports.
    return until > _latest_write(iso(started))


def _latest_write(read_at: str) -> str:
    return iso(datetime.fromisoformat(read_at) + LONGEST_HANDLING)


def _contended(notification: Notification) -> str:
    return (
        f"row of {notification.key!r} must stay unchanged between read and write,"
        f" got {ATTEMPTS} changes in a row"
    )
