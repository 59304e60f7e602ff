"""Replays failed events: sends each to the function again, and only then deletes it from the queue.

SQS's own redrive moves messages only from a queue that is another queue's dead-letter queue. The
failure destination of a function is no such queue:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ops.failed_event import WHY, FailedEvent, read
from ops.pace import Pace
from ops.recheck import RefusedError, invoke

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import GetQueueAttributesResultTypeDef

BATCH = 10
WAIT_SECONDS = 2
# Longer than a batch takes at the slowest rate, so that no message is received twice.
HOLD_SECONDS = 120
SLOWEST_RATE = 0.2
COUNTS: "tuple[QueueAttributeNameType, ...]" = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
# The counts may include deleted messages for a minute:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
RECOUNT_PAUSES = (2, 4, 8, 16, 30)


@dataclass
class FailureQueue:
    """The queue, and its messages that this run holds."""

    sqs: "SQSClient"
    url: str
    held: dict[str, str] = field(default_factory=dict)
    """The receipt handle of each message that this run hides from other readers, by its id."""

    def now(self) -> datetime:
        """Return the time by AWS's clock, at most a second ahead.

        AWS's clock also gives the messages' times, and the operator's clock may be wrong. The
        header has whole seconds, so one is added: then no existing message is later.
        """
        date = self._attributes()["ResponseMetadata"]["HTTPHeaders"]["date"]
        return parsedate_to_datetime(date) + timedelta(seconds=1)

    def count(self) -> int:
        """Count the messages approximately: visible, held by any reader, or delayed."""
        return sum(int(number) for number in self._attributes()["Attributes"].values())

    def _attributes(self) -> "GetQueueAttributesResultTypeDef":
        return self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=COUNTS)

    def messages(self, until: datetime, stop: threading.Event) -> Iterator[FailedEvent]:
        """Receive and hold messages; yield once each one that was sent before a time.

        Later messages are held, too, so that the queue gives the others: within ``HOLD_SECONDS``
        it gives each message once. The iteration ends when the queue gives no message, or only
        later ones for ``HOLD_SECONDS``.

        Args:
            until: the time, by AWS's clock. Later messages are left, so that an event that fails
                again is not replayed without end.
            stop: ends the iteration when it is set.
        """
        found = time.monotonic()
        while time.monotonic() - found < HOLD_SECONDS and not stop.is_set():
            # A long poll asks every server of the queue, so no answer means no visible message.
            answer = self.sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=WAIT_SECONDS,
                VisibilityTimeout=HOLD_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=list(WHY),
            )
            if not answer.get("Messages"):
                return
            for failed in self._new(map(read, answer["Messages"]), until):
                if stop.is_set():
                    return
                yield failed
                found = time.monotonic()

    def _new(self, received: Iterator[FailedEvent], until: datetime) -> list[FailedEvent]:
        new = []
        for failed in received:
            if failed.message_id not in self.held and failed.sent <= until:
                new.append(failed)
            self.held[failed.message_id] = failed.receipt_handle
        return new

    def delete(self, failed: FailedEvent) -> None:
        """Delete a message from the queue."""
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=failed.receipt_handle)
        del self.held[failed.message_id]

    def release(self) -> None:
        """Make all held messages visible to other readers again."""
        handles = list(self.held.values())
        self.held.clear()
        for start in range(0, len(handles), BATCH):
            self.sqs.change_message_visibility_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for n, handle in enumerate(handles[start : start + BATCH])
                ],
            )


@dataclass
class Report:
    """What a run did."""

    redriven: int = 0
    unreadable: int = 0
    left: int = 0
    """Messages still in the queue at the end, whoever holds them; approximate, as SQS counts."""
    refused: str = ""
    """The error of Lambda or SQS that ended the run early; empty if there was none."""
    interrupted: bool = False

    def __add__(self, other: "Report") -> "Report":
        """Add up what two runs did."""
        return Report(
            self.redriven + other.redriven,
            self.unreadable + other.unreadable,
            self.left + other.left,
            self.refused or other.refused,
            self.interrupted or other.interrupted,
        )


def redrive(
    queue: FailureQueue,
    functions: "LambdaClient",
    function: str | None,
    *,
    rate: float,
    until: datetime,
    stop: threading.Event,
    done: Callable[[FailedEvent], None],
) -> Report:
    """Send each failed event to the function, asynchronously. Events are not kept in memory.

    Args:
        queue: where the events are.
        functions: the client of Lambda.
        function: its name; None leaves all events in the queue.
        rate: events a second, at most.
        until: a time by AWS's clock; messages sent later are left.
        stop: ends the run after the current event when it is set.
        done: called with each message that was redriven, cannot be read, or is left.

    Returns:
        What was done. A message that is not deleted is still in the queue.
    """
    report, pace = Report(), Pace(rate, stop)
    try:
        try:
            for failed in queue.messages(until, stop):
                if failed.payload is None:
                    report.unreadable += 1
                elif function is not None:
                    if not pace.wait():
                        break
                    invoke(functions, function, failed.payload)
                    queue.delete(failed)
                    report.redriven += 1
                done(failed)
        finally:
            report.left = len(queue.held)
            queue.release()
    except (ClientError, BotoCoreError, RefusedError) as err:
        report.refused = str(err)
    report.interrupted = stop.is_set()
    pauses = RECOUNT_PAUSES if report.redriven and not report.refused else ()
    try:
        report.left = _settled_count(queue, report.left, pauses, stop)
    except (ClientError, BotoCoreError) as err:
        report.refused = report.refused or str(err)
    return report


def _settled_count(
    queue: FailureQueue, known: int, pauses: tuple[float, ...], stop: threading.Event
) -> int:
    """Count the messages, again after each pause as long as there are more than ``known``."""
    count = queue.count()
    for pause in pauses:
        if count <= known or stop.wait(pause):
            break
        count = queue.count()
    return max(count, known)
