"""``ops redrive`` says what it leaves in the queue, whatever hides it, and keeps no event."""

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ops import redrive as redrives
from ops.failed_event import FailedEvent
from support.failure_queue import (
    envelope,
    held_by_another_reader,
    lines,
    of,
    ops,
    send_failed,
    summary,
)
from support.faults import FaultProxy
from support.journeys import Deployed
from support.recorder import ROOT


@pytest.fixture(scope="module")
def deployed(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="redrive-left")


@pytest.fixture
def stack(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """A deployed stack whose failure queue is empty."""
    monkeypatch.setattr(redrives, "WAIT_SECONDS", 0)
    monkeypatch.setattr(redrives, "RECOUNT_PAUSES", (0, 0))
    deployed.client("sqs").purge_queue(QueueUrl=deployed.outputs["FailureQueueUrl"])
    yield deployed
    deployed.client("sqs").purge_queue(QueueUrl=deployed.outputs["FailureQueueUrl"])


def test_later_messages_hide_no_earlier_ones(stack: Deployed, proxy: FaultProxy) -> None:
    """Another reader has the earlier ones while the queue gives 20 answers of later ones."""
    send_failed(stack, *(envelope(stack, f"early/{number}") for number in range(10)))
    early = held_by_another_reader(stack)
    asked = 0

    def then_arrive(operation: str) -> None:
        nonlocal asked
        asked += operation == "ReceiveMessage"
        if operation == "ReceiveMessage" and asked == 1:
            time.sleep(2)  # past what the whole seconds of AWS's clock leave open
            send_failed(stack, *(envelope(stack, f"late/{number}") for number in range(200)))
        if operation == "ReceiveMessage" and asked == 21:
            for handle in early:
                stack.client("sqs").change_message_visibility(
                    QueueUrl=stack.outputs["FailureQueueUrl"],
                    ReceiptHandle=handle,
                    VisibilityTimeout=0,
                )

    proxy.before = then_arrive
    result = ops(stack, "--rate", "1000", "--json", endpoint=proxy.endpoint)
    report = summary(result)
    assert (report["redriven"], report["stillInQueue"], result.exit_code) == (10, 200, 1)
    attributes = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["FailureQueueUrl"], AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    assert attributes == {"ApproximateNumberOfMessages": "200"}


def test_later_messages_without_end_end_the_run(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As each comes back at once, the queue always has one to give."""
    monkeypatch.setattr(redrives, "WAIT_SECONDS", 20)
    monkeypatch.setattr(redrives, "HOLD_SECONDS", 1)
    send_failed(stack, envelope(stack, "later"))
    queue = redrives.FailureQueue(stack.client("sqs"), stack.outputs["FailureQueueUrl"])
    stop = threading.Event()
    give_up = threading.Timer(60, stop.set)
    give_up.start()
    assert list(queue.messages(datetime.now(UTC) - timedelta(minutes=1), stop)) == []
    give_up.cancel()
    assert not stop.is_set()


def test_what_another_reader_holds_is_still_in_the_queue(stack: Deployed) -> None:
    send_failed(stack, envelope(stack, "held"))
    held_by_another_reader(stack)
    result = ops(stack)
    assert (result.exit_code, result.stdout) == (1, "0 redriven\n1 still in the queue\n")
    as_json = ops(stack, "--json")
    assert (as_json.exit_code, summary(as_json)["stillInQueue"]) == (1, 1)


def test_what_sqs_counts_though_it_is_deleted_is_counted_again(
    stack: Deployed, proxy: FaultProxy
) -> None:
    """Another message comes and goes between the counts, as one that SQS counts too long."""
    send_failed(stack, envelope(stack, "a"))
    sqs, url = stack.client("sqs"), stack.outputs["FailureQueueUrl"]
    counted = 0

    def count_one_too_many(operation: str) -> None:
        nonlocal counted
        counted += operation == "GetQueueAttributes"
        if operation == "GetQueueAttributes" and counted == 3:
            send_failed(stack, "counted too long")
        if operation == "GetQueueAttributes" and counted == 4:
            sqs.purge_queue(QueueUrl=url)

    proxy.before = count_one_too_many
    result = ops(stack, endpoint=proxy.endpoint)
    *_, left, next_step = result.stdout.splitlines()
    assert (result.exit_code, left) == (0, "0 still in the queue")
    assert "in about five minutes: run `status`" in next_step


def test_no_event_is_kept_in_memory(stack: Deployed) -> None:
    send_failed(stack, *("no json", *(envelope(stack, f"{number}") for number in range(39))))
    queue = redrives.FailureQueue(stack.client("sqs"), stack.outputs["FailureQueueUrl"])
    most = 0

    def count(_: FailedEvent) -> None:
        nonlocal most
        most = max(most, sum(isinstance(found, FailedEvent) for found in gc.get_objects()))

    report = redrives.redrive(
        queue,
        stack.client("lambda"),
        stack.function,
        rate=1000,
        until=queue.now(),
        stop=threading.Event(),
        done=count,
    )
    assert (report.redriven, report.unreadable) == (39, 1)
    # The answer at hand, and the last of the one before.
    assert most <= redrives.BATCH + 1


AN_HOUR_SLOW = """
import datetime, runpy, sys

class Slow(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) - datetime.timedelta(hours=1)

datetime.datetime = Slow
runpy.run_module("ops", run_name="__main__")
"""


def test_a_slow_clock_of_the_operator_skips_nothing(stack: Deployed) -> None:
    send_failed(stack, envelope(stack, "fresh"))
    done = subprocess.run(
        [sys.executable, "-c", AN_HOUR_SLOW, "redrive", *of(stack), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    event, report = lines(done.stdout)
    assert (report["redriven"], done.returncode) == (1, 0)
    assert event["ageSeconds"] >= 0
