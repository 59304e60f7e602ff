"""Every record of an event is tried, no failure is silent, and a replay repeats nothing."""

import contextlib
import json
import re
import threading
from typing import Any

import pytest

from fields import EventError
from service import RefusedError
from support.faults import Fault
from support.handler_env import EARLIER, MESSAGE, NEWER, NEWEST, Bench, load

TEN = [f"file-{number}" for number in range(10)]


def message(name: str, body: object) -> dict[str, Any]:
    """A real queue message with another name and body."""
    return MESSAGE | {"messageId": name, "body": json.dumps(body)}


def test_success_is_answered_with_counts_by_outcome(bench: Bench) -> None:
    bench.put("new")
    bench.put("known")
    bench.update("known", NEWEST)
    records = [bench.record("new"), bench.record("known"), bench.record("gone")]
    answer = bench.handle(*records, bench.record("gone%20too"))
    assert json.loads(answer.pop("body")) == {"completed": 1, "stale": 1, "deleted": 2}
    assert answer == {"statusCode": 200}


def test_a_failure_is_raised_with_its_key_and_its_reason_once_all_are_tried(bench: Bench) -> None:
    records = [bench.record(key) for key in TEN]
    del records[4]["s3"]["bucket"]
    with pytest.raises(
        bench.handler.RecordsError,
        match=r"^1 of 10 records failed: 'file-4': EventError: record must have s3\.bucket, got",
    ):
        bench.handle(*records)
    assert bench.rows() == sorted(set(TEN) - {"file-4"})


def test_the_original_errors_are_the_cause(bench: Bench) -> None:
    bench.put("there")
    bench.proxy.fail("HeadObject", Fault(status=403, code="AccessDenied"))
    foreign = bench.record("foreign")
    foreign["s3"]["bucket"]["name"] = "another"
    with pytest.raises(bench.handler.RecordsError) as caught:
        bench.handle(bench.record("there"), foreign, None)
    cause = caught.value.__cause__
    assert isinstance(cause, ExceptionGroup)
    assert [type(error) for error in cause.exceptions] == [RefusedError, ValueError, EventError]


def test_a_replay_after_a_passing_fault_completes_what_was_missing(bench: Bench) -> None:
    for key in TEN:
        bench.put(key)
    records = [bench.record(key) for key in TEN]
    refusal = Fault(status=400, code="AccessDeniedException")
    bench.proxy.fail("PutItem", refusal, times=3)
    with pytest.raises(bench.handler.RecordsError, match=r"^3 of 10 "):
        bench.handle(*records)
    assert json.loads(bench.handle(*records)["body"]) == {"stale": 7, "completed": 3}


@pytest.mark.parametrize("bad", [1, 20, 21, 45])
def test_at_most_twenty_failures_are_named_and_the_rest_counted(bench: Bench, bad: int) -> None:
    with pytest.raises(bench.handler.RecordsError, match=rf"^{bad} of {bad} ") as caught:
        bench.handle(*[{}] * bad)
    _, *named = str(caught.value).split("<dict without a key>")
    assert len(named) == min(bad, 20)
    assert re.findall(r"and (\d+) more$", named[-1]) == ([str(bad - 20)] if bad > 20 else [])


def test_notifications_of_one_key_in_one_event_leave_the_newest(bench: Bench) -> None:
    version = bench.put("twice")
    bench.handle(*(bench.record("twice", sequencer[:18]) for sequencer in (NEWEST, EARLIER, NEWER)))
    row = bench.row("twice")
    assert (row["sequencer"], row["version_id"]) == (NEWEST, version)


def test_a_test_event_succeeds_without_any_call(bench: Bench) -> None:
    answer = bench.invoke(load("test_event"))
    assert answer == {"statusCode": 200, "body": "{}"}
    assert bench.proxy.calls == []


@pytest.mark.parametrize("event", [None, {}, {"detail-type": "Object Created"}])
def test_an_unknown_shape_raises(bench: Bench, event: object) -> None:
    with pytest.raises(EventError, match=r"(event|record) must "):
        bench.invoke(event)


def test_an_expiration_with_its_objects_sequencer_is_not_stale(bench: Bench) -> None:
    """S3 sends the sequencer of the object's creation along, which the row has already."""
    [expiration] = load("lifecycle_delete_sequenced")["Records"]
    expiration["s3"]["bucket"]["name"] = bench.bucket
    sent, key = expiration["s3"]["object"], "expiration/2026-03-12T22:59:12.907Z"
    bench.put(key)
    bench.handle(bench.record(sent["key"], sent["sequencer"]))
    bench.delete(key)
    bench.handle(expiration)
    assert bench.row(key)["processing_status"] == "deleted"


def test_a_queue_batch_answers_the_failed_messages_alone(bench: Bench) -> None:
    bad = bench.record("bad")
    del bad["eventName"]
    answer = bench.handle(
        message("good", {"Records": [bench.record("one")]}),
        MESSAGE | {"messageId": "unreadable", "body": "{"},
        message("test", load("test_event")),
        message("half", {"Records": [bench.record("two"), bad]}),
        message("failed", {"requestPayload": {"Records": [bench.record("three")]}}),
    )
    assert answer["batchItemFailures"] == [
        {"itemIdentifier": "unreadable"},
        {"itemIdentifier": "half"},
    ]
    assert bench.rows() == ["one", "three", "two"]


def test_a_message_with_two_failures_counts_both_and_is_answered_once(bench: Bench) -> None:
    answer = bench.handle(message("twice", {"Records": [1, 2, bench.record("gone")]}))
    assert json.loads(answer["body"]) == {"failed": 2, "deleted": 1}
    assert answer["batchItemFailures"] == [{"itemIdentifier": "twice"}]


def test_a_queue_batch_without_failures_names_none(bench: Bench) -> None:
    answer = bench.handle(message("good", {"Records": [bench.record("gone")]}))
    assert answer["batchItemFailures"] == []


def test_records_of_one_event_are_handled_at_the_same_time(bench: Bench) -> None:
    """All reads wait for each other, for less time than a client waits for its answer."""
    together = threading.Barrier(bench.handler.CONCURRENCY)
    bench.before_each("HeadObject", lambda: together.wait(1.5))
    with contextlib.suppress(bench.handler.RecordsError):
        bench.handle(*(bench.record(str(n)) for n in range(bench.handler.CONCURRENCY)))
    assert not together.broken
