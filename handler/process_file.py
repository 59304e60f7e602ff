"""The function's entry point: it tries every record of an event, and reports every failure."""

import json
import logging
import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import batch_operations
import events
import s3
from catalog import STALE, Catalog
from dynamodb import tables
from tally import Tally

LOG = logging.getLogger(__name__)
CONCURRENCY = 8
BUCKET = os.environ["S3_BUCKET_NAME"]
REGION = os.environ["AWS_REGION"]
ACCOUNT = os.environ["DYNAMODB_TABLE_ARN"].split(":")[4]
CATALOG = Catalog(
    s3=s3.bucket(BUCKET, os.environ.get("S3_BUCKET_ACCOUNT_ID", ACCOUNT), REGION),
    dynamodb=tables(REGION),
    bucket=BUCKET,
    region=REGION,
    table=os.environ["DYNAMODB_TABLE_NAME"],
    tombstone_days=int(os.environ["TOMBSTONE_DAYS"]),
    extracts="EXTRACTION" in os.environ,
)
for service in (CATALOG.s3.service, CATALOG.dynamodb.service):
    # Connect now: Lambda gives a container more CPU while it initialises than in its first event.
    service.host.open()
TALLY = Tally(LOG)
FAILED = "failed"
NAMED_FAILURES = 20

Failure = tuple[events.Item, Exception]


class RecordsError(Exception):
    """Records of an event failed. The message lists their keys, the cause their errors."""

    def __init__(self, failures: Sequence[Failure], total: int) -> None:
        """List the first 20 failures in the message, and count the rest."""
        named = [
            f"{events.label(item)!r}: {type(error).__name__}: {error}"
            for item, error in failures[:NAMED_FAILURES]
        ]
        if len(failures) > NAMED_FAILURES:
            named.append(f"and {len(failures) - NAMED_FAILURES} more")
        super().__init__(f"{len(failures)} of {total} records failed: {'; '.join(named)}")


def lambda_handler(event: object, _context: object) -> dict[str, Any]:
    """Update the rows of the keys in an event.

    Args:
        event: an S3 notification, an EventBridge event, a failed event's envelope, a batch of queue
            messages that each contain one of these, or the tasks of an S3 Batch Operations job.
            The queue's event source mapping must have ``ReportBatchItemFailures``:
            https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        _context: unused.

    Raises:
        fields.EventError: the event's format is unknown.
        RecordsError: some records failed. Lambda then retries the event.
    """
    if batch_operations.is_job(event):
        tasks = batch_operations.items(event, datetime.now(UTC))
        return batch_operations.answer(event, tasks, _try_all(tasks))
    items = events.items(event)
    return _answer(items, _try_all(items))


def _answer(items: Sequence[events.Item], results: Sequence[str | Exception]) -> dict[str, Any]:
    failures = [
        (item, result)
        for item, result in zip(items, results, strict=True)
        if isinstance(result, Exception)
    ]
    if any(item.message_id is None for item, _ in failures):
        raise RecordsError(failures, len(items)) from ExceptionGroup(
            "records failed", [error for _, error in failures]
        )
    outcomes = Counter(FAILED if isinstance(r, Exception) else r for r in results)
    answer: dict[str, Any] = {"statusCode": 200, "body": json.dumps(outcomes)}
    if any(item.message_id for item in items):
        failed_messages = dict.fromkeys(item.message_id for item, _ in failures)
        answer["batchItemFailures"] = [{"itemIdentifier": name} for name in failed_messages]
    return answer


def _try_all(items: Sequence[events.Item]) -> list[str | Exception]:
    if len(items) <= 1:
        return [_try(item) for item in items]
    # Imported only for several records: most containers get one at a time, and start faster.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    with ThreadPoolExecutor(max_workers=min(CONCURRENCY, len(items))) as pool:
        return list(pool.map(_try, items))


def _try(item: events.Item) -> str | Exception:
    notification = None
    try:
        notification = events.notification(item)
        if LOG.isEnabledFor(logging.DEBUG):
            LOG.debug("received", extra=_fields(item, notification) | {"outcome": "received"})
        outcome = CATALOG.update(notification)
    except Exception as err:  # one failed record must not stop the others
        LOG.exception(FAILED, extra=_fields(item, notification) | {"outcome": FAILED, "count": 1})
        # The error is logged already. Dropping the traceback frees the memory that it refers to.
        return err.with_traceback(None)
    if outcome == STALE:
        LOG.warning(outcome, extra=_fields(item, notification) | {"outcome": outcome, "count": 1})
    elif LOG.isEnabledFor(logging.INFO):
        # Few fields, because AWS bills each log byte; the row has the other values.
        fields = {"file_key": notification.key, "outcome": outcome, "count": 1}
        LOG.info(outcome, extra=fields | {"lag_ms": _lag_ms(notification)})
    else:
        TALLY.add(outcome, _lag_ms(notification))
    return outcome


def _fields(item: events.Item, notification: events.Notification | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"file_key": events.label(item)}
    if notification is not None:
        fields["event_name"] = notification.event_name
        fields["sequencer"] = notification.sequencer
        fields["lag_ms"] = _lag_ms(notification)
    return fields


def _lag_ms(notification: events.Notification) -> int:
    return (datetime.now(UTC) - notification.event_time) // timedelta(milliseconds=1)
