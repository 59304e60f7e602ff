"""``ops redrive`` against a deployed stack: nothing is lost, and nothing happens twice."""

import json
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops import redrive as redrives
from ops.__main__ import main
from ops.pace import Pace
from support.failure_queue import envelope, lines, ops, send_failed, summary, waiting
from support.faults import Fault, FaultProxy
from support.journeys import Deployed, eventually
from support.recorder import ROOT


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
    result = ops(stack, "--rate", "1000", "--json")
    assert summary(result)["redriven"] == 12
    assert result.exit_code == 0
    for key in keys:
        stack.completed(key, versions[key]["VersionId"])
    assert waiting(stack) == []


def test_an_empty_queue_is_fine(stack: Deployed) -> None:
    result = ops(stack)
    assert (result.exit_code, result.stdout) == (0, "0 redriven\n0 still in the queue\n")


def test_a_dry_run_shows_keys_errors_and_ages_and_takes_nothing(stack: Deployed) -> None:
    send_failed(stack, envelope(stack, "a+b.txt"), envelope(stack, "c.txt"))
    result = ops(stack, "--dry-run", "--json")
    *events, last = lines(result.stdout)
    assert (last["stillInQueue"], result.exit_code) == (2, 0)
    assert sorted(event["keys"] for event in events) == [["a b.txt"], ["c.txt"]]
    assert {event["error"] for event in events} == {"RecordsError: table\nwas away"}
    assert all(0 <= event["ageSeconds"] < 60 for event in events)
    assert len(waiting(stack)) == 2


def test_people_see_one_line_an_event(stack: Deployed) -> None:
    send_failed(stack, envelope(stack, "one%0Aline.txt"))
    output = ops(stack, "--dry-run").stdout
    [line] = [line for line in output.splitlines() if "one" in line]
    assert r"'one\nline.txt'" in line
    assert r"table\nwas away" in line
    assert output.splitlines()[-2:] == ["1 shown", "1 still in the queue"]


def test_an_event_of_many_keys_shows_the_first_ones(stack: Deployed) -> None:
    failed = envelope(stack, "k.txt")
    failed["requestPayload"]["Records"] *= 5
    send_failed(stack, failed)
    assert "and 2 more" in ops(stack, "--dry-run").stdout


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("no json", "body must be JSON"),
        ("[" * 100_000, "body must be JSON"),
        ({"Records": []}, "body must be an S3 event or an object with requestPayload"),
        ({"Records": [{}]}, "body must be an S3 event or an object with requestPayload"),
        ("[1]", "body must be an S3 event or an object with requestPayload"),
    ],
    ids=["no JSON", "too deep", "no records", "no S3 records", "no object"],
)
def test_a_message_that_cannot_be_read_stays_and_is_reported(
    stack: Deployed, body: object, problem: str
) -> None:
    send_failed(stack, body)
    result = ops(stack, "--json")
    event, report = lines(result.stdout)
    assert (report["redriven"], report["unreadable"], result.exit_code) == (0, 1, 1)
    assert event["error"].startswith(problem)
    assert len(waiting(stack)) == 1


def test_a_bare_event_is_redriven_like_one_in_an_envelope(stack: Deployed) -> None:
    """As it is in the dead-letter queue of a queue between bucket and function."""
    version = stack.put("bare.txt", b"bare")
    stack.completed("bare.txt", version)
    stack.client("dynamodb").delete_item(TableName=stack.table, Key={"file_key": {"S": "bare.txt"}})
    send_failed(stack, envelope(stack, "bare.txt")["requestPayload"])
    event, _ = lines(ops(stack, "--dry-run", "--json").stdout)
    assert (event["readable"], event["keys"]) == (True, ["bare.txt"])
    assert event["error"] == "no error given"
    assert summary(ops(stack, "--json"))["redriven"] == 1
    assert stack.completed("bare.txt", version)
    assert waiting(stack) == []


def test_an_unreadable_message_does_not_stop_the_others(stack: Deployed) -> None:
    send_failed(stack, "no json", envelope(stack, "x"), "no json either")
    result = ops(stack)
    assert "1 redriven, 2 cannot be read\n2 still in the queue\n" in result.stdout
    assert waiting(stack) == ["no json", "no json either"]


@pytest.mark.parametrize(
    ("payload", "keys"),
    [({"Records": [{"s3": {}}]}, ["?"]), ({"Records": 7}, []), ("text", []), (None, [])],
)
def test_an_event_without_keys_is_still_shown(
    stack: Deployed, payload: object, keys: list[str]
) -> None:
    send_failed(stack, {"requestPayload": payload})
    event, _ = lines(ops(stack, "--dry-run", "--json").stdout)
    assert (event["readable"], event["keys"], event["error"]) == (True, keys, "no error given")


def test_without_a_response_the_condition_is_the_error(stack: Deployed) -> None:
    send_failed(stack, {"requestPayload": {}, "requestContext": {"condition": "EventAgeExceeded"}})
    event, _ = lines(ops(stack, "--dry-run", "--json").stdout)
    assert event["error"] == "EventAgeExceeded"


def test_what_lambda_refuses_stays_in_the_queue(stack: Deployed) -> None:
    send_failed(stack, envelope(stack, "a"), envelope(stack, "b"))
    result = ops(stack, "--function", "no-such-function", "--json")
    report = summary(result)
    assert (report["redriven"], report["stillInQueue"], result.exit_code) == (0, 2, 1)
    assert "no-such-function" in report["refused"]
    assert len(waiting(stack)) == 2


def test_an_answer_that_is_no_acceptance_ends_the_run(stack: Deployed, proxy: FaultProxy) -> None:
    send_failed(stack, envelope(stack, "a"))
    proxy.fail("PostObject", Fault(status=200))
    result = ops(stack, endpoint=proxy.endpoint)
    assert "ended early: Lambda answered 200, not 202" in result.stdout
    assert len(waiting(stack)) == 1


def test_an_event_that_fails_again_is_not_replayed_in_the_same_run(stack: Deployed) -> None:
    poison = {"requestPayload": {"Records": [{"broken": True}]}}
    send_failed(stack, poison)
    result = ops(stack, "--json")
    assert summary(result)["redriven"] == 1
    assert stack.failed_event()["requestPayload"] == poison["requestPayload"]


def test_what_failed_after_the_start_is_left_for_the_next_run(stack: Deployed) -> None:
    send_failed(stack, envelope(stack, "later"))
    queue = redrives.FailureQueue(stack.client("sqs"), stack.outputs["FailureQueueUrl"])
    started = datetime.now(UTC) - timedelta(minutes=1)
    assert list(queue.messages(started, threading.Event())) == []
    queue.release()
    assert len(waiting(stack)) == 1


def test_more_messages_than_one_batch_are_all_released(stack: Deployed) -> None:
    send_failed(stack, *(envelope(stack, f"{number}") for number in range(25)))
    assert summary(ops(stack, "--dry-run", "--json"))["unreadable"] == 0
    assert len(waiting(stack)) == 25


def test_interrupted_it_stops_with_nothing_lost(stack: Deployed, tmp_path: Path) -> None:
    send_failed(stack, *(envelope(stack, f"{number}") for number in range(12)))
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(dict(stack.outputs)))
    endpoint = stack.client("sqs").meta.endpoint_url
    command = [sys.executable, "-m", "ops", "redrive", "--outputs", str(outputs)]
    process = subprocess.Popen(
        [*command, "--rate", "2", "--endpoint-url", endpoint, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def deleted() -> bool | None:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = stack.client("sqs").get_queue_attributes(
            QueueUrl=stack.outputs["FailureQueueUrl"], AttributeNames=names
        )
        return True if sum(int(n) for n in answer["Attributes"].values()) < 12 else None

    eventually(deleted, lambda: "event that left the queue")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    report = lines(output)[-1]
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


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a ``pulumi`` on the PATH that runs a line of shell and notes its arguments."""

    def install(line: str) -> Path:
        command = tmp_path / "pulumi"
        command.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n{line}\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        return tmp_path / "arguments"

    return install


def test_a_stack_is_found_through_pulumi(stack: Deployed, pulumi: Callable[[str], Path]) -> None:
    arguments = pulumi(f"echo '{json.dumps(dict(stack.outputs))}'")
    endpoint = stack.client("sqs").meta.endpoint_url
    result = CliRunner().invoke(main, ["redrive", "--stack", "dev", "--endpoint-url", endpoint])
    assert result.exit_code == 0
    assert arguments.read_text().split() == ["stack", "output", "--json", "--stack", "dev"]


def test_pulumis_own_error_is_shown(pulumi: Callable[[str], Path]) -> None:
    pulumi("echo \"error: no stack named 'nope' found\" >&2; exit 255")
    result = CliRunner().invoke(main, ["redrive", "--stack", "nope"])
    assert "no stack named 'nope' found" in result.output
    assert result.exit_code == 1


def test_without_pulumi_the_other_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    result = CliRunner().invoke(main, ["redrive", "--stack", "dev"])
    assert "no such command: 'pulumi'" in result.output
    assert "--outputs FILE" in result.output


@pytest.mark.parametrize(
    ("content", "message"), [("{", "must be JSON"), ("[]", "must be a JSON object")]
)
def test_a_file_that_holds_no_outputs_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "outputs.json").write_text(content)
    result = CliRunner().invoke(main, ["redrive", "--outputs", str(tmp_path / "outputs.json")])
    assert (
        f"outputs.json {message} (as `pulumi stack output --json` writes it), got" in result.output
    )


def test_a_queue_that_is_not_named_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["redrive", "--dry-run", "--region", "us-east-1"])
    assert result.exit_code == 2
    told = "missing FailureQueueUrl; pass --stack or --outputs, or pass --queue-url"
    assert told in " ".join(result.output.split())


def test_a_rate_too_slow_for_a_batch_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["redrive", "--rate", "0.1"]).exit_code == 2
