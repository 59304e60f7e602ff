"""Replay: each parked event goes to the function again, and leaves the queue only then.

SQS's own redrive moves messages only from a queue that is another queue's dead-letter queue,
which a function's failure destination is not:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ops.pace import Pace
from ops.parked import Parked, read

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

BATCH = 10
WAIT_SECONDS = 2
# A long poll asks every server of the queue, so one empty answer means an empty queue.
EMPTY_ANSWERS = 1
VAIN_ANSWERS = 10
# Longer than a batch takes at the slowest rate, so that no message comes twice.
HOLD_SECONDS = 120
SLOWEST_RATE = 0.2
ACCEPTED = 202


@dataclass
class FailureQueue:
    """The queue, and what of it this run holds."""

    sqs: "SQSClient"
    url: str
    held: dict[str, Parked] = field(default_factory=dict)

    def depth(self) -> int:
        """Count the messages, approximately."""
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def messages(self, until: datetime, stop: threading.Event) -> Iterator[Parked]:
        """Receive each message that was there at a time, once, and hold it.

        Args:
            until: what was parked later is left alone, so that an event that fails again is
                not replayed without end.
            stop: set, it ends the iteration.
        """
        empty = vain = 0
        while empty < EMPTY_ANSWERS and vain < VAIN_ANSWERS and not stop.is_set():
            answer = self.sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=WAIT_SECONDS,
                VisibilityTimeout=HOLD_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            new = []
            messages = answer.get("Messages", [])
            for parked in map(read, messages):
                is_new = parked.message_id not in self.held
                self.held[parked.message_id] = parked
                if is_new and parked.sent <= until:
                    new.append(parked)
            empty = 0 if messages else empty + 1
            vain = 0 if new else vain + 1
            for parked in new:
                if stop.is_set():
                    return
                yield parked

    def delete(self, parked: Parked) -> None:
        """Take a message off the queue for good."""
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=parked.receipt_handle)
        del self.held[parked.message_id]

    def release(self) -> None:
        """Show all that is held to other readers again."""
        held = list(self.held.values())
        for start in range(0, len(held), BATCH):
            self.sqs.change_message_visibility_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": parked.receipt_handle, "VisibilityTimeout": 0}
                    for n, parked in enumerate(held[start : start + BATCH])
                ],
            )
        self.held.clear()


@dataclass
class Report:
    """What a run did."""

    redriven: list[Parked] = field(default_factory=list)
    unreadable: list[Parked] = field(default_factory=list)
    """Still in the queue."""
    refused: str = ""
    """Why Lambda or SQS ended the run early; empty if neither did."""
    interrupted: bool = False


def peek(queue: FailureQueue, stop: threading.Event) -> Iterator[Parked]:
    """Show what is in the queue; all of it is released at the end."""
    try:
        yield from queue.messages(datetime.now(UTC), stop)
    finally:
        queue.release()


def redrive(
    queue: FailureQueue,
    functions: "LambdaClient",
    function: str,
    *,
    rate: float,
    stop: threading.Event,
    advance: Callable[[int], None],
) -> Report:
    """Send each parked event to the function, asynchronously.

    Args:
        queue: where the events are.
        functions: the client of Lambda.
        function: its name.
        rate: events a second, at most.
        stop: set, it ends the run after the event at hand.
        advance: called with 1 after each message.

    Returns:
        What was done. A message that is not deleted is still in the queue.
    """
    report = Report()
    pace = Pace(rate, stop)
    try:
        for parked in queue.messages(datetime.now(UTC), stop):
            if parked.payload is None:
                report.unreadable.append(parked)
            elif pace.wait():
                answer = functions.invoke(
                    FunctionName=function, InvocationType="Event", Payload=parked.payload
                )
                if answer["StatusCode"] != ACCEPTED:
                    report.refused = f"Lambda answered {answer['StatusCode']}, not {ACCEPTED}"
                    break
                queue.delete(parked)
                report.redriven.append(parked)
            advance(1)
    except (ClientError, BotoCoreError) as err:
        report.refused = str(err)
    finally:
        queue.release()
    report.interrupted = stop.is_set()
    return report
