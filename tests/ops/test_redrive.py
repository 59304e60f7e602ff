"""``ops redrive`` on a deployed stack: nothing is lost, happens twice, or is kept in memory."""

import gc
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ops import redrive as redrives
from ops.failed_event import FailedEvent
from ops.pace import Pace
from support.failure_queue import (
    envelope,
    held_by_another_reader,
    lines,
    redrive,
    send_failed,
    summary,
    waiting,
)
from support.faults import Fault, FaultProxy
from support.journeys import Deployed, eventually
from support.recorder import ROOT
from support.tool import of, ops, started


@pytest.fixture(scope="module")
def deployed(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="redrive")


@pytest.fixture
def stack(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """A deployed stack whose failure queue is empty."""
    monkeypatch.setattr(redrives, "WAIT_SECONDS", 0)
    monkeypatch.setattr(redrives, "RECOUNT_PAUSES", (0, 0))
    deployed.client("sqs").purge_queue(QueueUrl=deployed.outputs["FailureQueueUrl"])
    yield deployed
    deployed.client("sqs").purge_queue(QueueUrl=deployed.outputs["FailureQueueUrl"])


def test_each_failed_event_is_handled_and_leaves_the_queue(stack: Deployed) -> None:
    keys = [f"redriven/{number}.txt" for number in range(12)]
    versions = {key: stack.client("s3").put_object(Bucket=stack.bucket, Key=key) for key in keys}
    for key in keys:
        stack.completed(key, versions[key]["VersionId"])
        stack.client("dynamodb").delete_item(TableName=stack.table, Key={"file_key": {"S": key}})
    send_failed(stack, *(envelope(stack, key) for key in keys))
    assert summary(redrive(stack, "--rate", "1000", "--json"))["redriven"] == 12
    for key in keys:
        stack.completed(key, versions[key]["VersionId"])
    assert waiting(stack) == []


def test_an_empty_queue_is_fine(stack: Deployed) -> None:
    assert redrive(stack).stdout == "0 redriven\n0 still in the queue\n"


def test_a_dry_run_shows_keys_errors_and_ages_and_takes_nothing(stack: Deployed) -> None:
    send_failed(stack, envelope(stack, "a+b.txt"), envelope(stack, "c.txt"))
    *events, last = lines(redrive(stack, "--dry-run", "--json"))
    assert last["stillInQueue"] == 2
    assert sorted(event["keys"] for event in events) == [["a b.txt"], ["c.txt"]]
    assert {event["error"] for event in events} == {"RecordsError: table\nwas away"}
    assert all(0 <= event["ageSeconds"] < 60 for event in events)
    assert len(waiting(stack)) == 2


def test_people_see_one_line_an_event(stack: Deployed) -> None:
    send_failed(stack, envelope(stack, "one%0Aline.txt"))
    output = redrive(stack, "--dry-run").stdout
    [line] = [line for line in output.splitlines() if "one" in line]
    assert r"'one\nline.txt'" in line
    assert r"table\nwas away" in line
    assert output.splitlines()[-2:] == ["1 shown", "1 still in the queue"]


def test_an_event_of_many_keys_shows_the_first_ones(stack: Deployed) -> None:
    failed = envelope(stack, "k.txt")
    failed["requestPayload"]["Records"] *= 5
    send_failed(stack, failed)
    assert "and 2 more" in redrive(stack, "--dry-run").stdout


def test_a_bare_event_is_redriven_like_one_in_an_envelope(stack: Deployed) -> None:
    """As it is in the dead-letter queue of a queue between bucket and function."""
    version = stack.put("bare.txt", b"bare")
    stack.completed("bare.txt", version)
    stack.client("dynamodb").delete_item(TableName=stack.table, Key={"file_key": {"S": "bare.txt"}})
    send_failed(stack, envelope(stack, "bare.txt")["requestPayload"])
    assert summary(redrive(stack, "--json"))["redriven"] == 1
    assert stack.completed("bare.txt", version)
    assert waiting(stack) == []


def test_an_unreadable_message_does_not_stop_the_others(stack: Deployed) -> None:
    send_failed(stack, "no json", envelope(stack, "x"), "no json either")
    result = redrive(stack, exits=1)
    assert "1 redriven, 2 cannot be read\n2 still in the queue\n" in result.stdout
    assert waiting(stack) == ["no json", "no json either"]


def test_what_lambda_refuses_stays_in_the_queue(stack: Deployed) -> None:
    send_failed(stack, envelope(stack, "a"), envelope(stack, "b"))
    report = summary(redrive(stack, "--function", "no-such-function", "--json", exits=1))
    assert (report["redriven"], report["stillInQueue"]) == (0, 2)
    assert "no-such-function" in report["refused"]
    assert len(waiting(stack)) == 2


def test_an_answer_that_is_no_acceptance_ends_the_run(stack: Deployed, proxy: FaultProxy) -> None:
    send_failed(stack, envelope(stack, "a"))
    proxy.fail("PostObject", Fault(status=200))
    result = redrive(stack, endpoint=proxy.endpoint, exits=1)
    assert "ended early: Lambda answered 200, not 202" in result.stdout
    assert len(waiting(stack)) == 1


def test_an_event_that_fails_again_is_not_replayed_in_the_same_run(stack: Deployed) -> None:
    poison = {"requestPayload": {"Records": [{"broken": True}]}}
    send_failed(stack, poison)
    assert summary(redrive(stack, "--json"))["redriven"] == 1
    stack.take_failed(poison["requestPayload"])


def test_more_messages_than_one_batch_are_all_released(stack: Deployed) -> None:
    send_failed(stack, *(envelope(stack, f"{number}") for number in range(25)))
    assert summary(redrive(stack, "--dry-run", "--json"))["unreadable"] == 0
    assert len(waiting(stack)) == 25


def test_interrupted_it_stops_with_nothing_lost(stack: Deployed) -> None:
    send_failed(stack, *(envelope(stack, f"{number}") for number in range(12)))
    queue = redrives.FailureQueue(stack.client("sqs"), stack.outputs["FailureQueueUrl"])
    with started("redrive", *of(stack), "--rate", "2", "--json") as process:
        eventually(lambda: queue.count() < 12 or None, lambda: "event that left the queue")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    report = json.loads(output.splitlines()[-1])
    assert report["stillInQueue"] == 12 - report["redriven"]
    assert (process.returncode, report["interrupted"], errors) == (1, True, "")
    assert 0 < report["redriven"] < 12
    assert len(waiting(stack)) == 12 - report["redriven"]


def test_the_pace_ends_when_stopped() -> None:
    stop = threading.Event()
    pace = Pace(0.2, stop)
    assert pace.wait()
    stop.set()
    assert not pace.wait()


def test_a_rate_too_slow_for_a_batch_is_a_usage_error() -> None:
    ops("redrive", "--rate", "0.1", exits=2)


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
    result = redrive(stack, "--rate", "1000", "--json", endpoint=proxy.endpoint, exits=1)
    report = summary(result)
    assert (report["redriven"], report["stillInQueue"]) == (10, 200)
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
    assert redrive(stack, exits=1).stdout == "0 redriven\n1 still in the queue\n"
    assert summary(redrive(stack, "--json", exits=1))["stillInQueue"] == 1


def test_what_sqs_counts_though_it_is_deleted_is_counted_again(
    stack: Deployed, proxy: FaultProxy
) -> None:
    """Another message comes and goes between the counts, as one that SQS counts too long."""
    send_failed(stack, envelope(stack, "a"))
    counted = 0

    def count_one_too_many(operation: str) -> None:
        nonlocal counted
        counted += operation == "GetQueueAttributes"
        if operation == "GetQueueAttributes" and counted == 3:
            send_failed(stack, "counted too long")
        if operation == "GetQueueAttributes" and counted == 4:
            stack.client("sqs").purge_queue(QueueUrl=stack.outputs["FailureQueueUrl"])

    proxy.before = count_one_too_many
    *_, left, next_step = redrive(stack, endpoint=proxy.endpoint).stdout.splitlines()
    assert left == "0 still in the queue"
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
    event, report = lines(done)
    assert (report["redriven"], done.returncode) == (1, 0)
    assert event["ageSeconds"] >= 0
