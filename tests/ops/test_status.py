"""``ops status``: each part of a pipeline says how it is, and what needs a person is a finding."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from local import emulator as emulators
from ops import rows
from ops import status as statuses
from support.deployment import deploy_to
from support.failure_queue import send_failed, waiting
from support.faults import Fault, fault_proxy
from support.journeys import Deployed
from support.tool import of, ops

FAILED = {"requestPayload": {"Records": []}}


@pytest.fixture(scope="module")
def own_emulator() -> Iterator[emulators.Emulator]:
    """One of its own: it judges an alarm by all that has the metric's name, whoever sent it."""
    with emulators.running() as running:
        yield running


@pytest.fixture(scope="module")
def deployed(own_emulator: emulators.Emulator) -> Deployed:
    return deploy_to(own_emulator, environmentSuffix="status")


@pytest.fixture
def stack(deployed: Deployed) -> Deployed:
    """A stack with no failed event, no row, and no alarm that rings."""
    dynamodb, table = deployed.client("dynamodb"), deployed.table
    for item in dynamodb.scan(TableName=table, ProjectionExpression="file_key")["Items"]:
        dynamodb.delete_item(TableName=table, Key=item)
    deployed.client("sqs").purge_queue(QueueUrl=deployed.outputs["FailureQueueUrl"])
    for name in alarms(deployed):
        ring(deployed, name, "OK")
    return deployed


def alarms(stack: Deployed) -> list[str]:
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    topic = stack.outputs["AlarmTopicArn"]
    return [a["AlarmName"] for p in pages for a in p["MetricAlarms"] if topic in a["AlarmActions"]]


def ring(stack: Deployed, name: str, state: str) -> None:
    stack.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


def shown(stack: Deployed, exits: int = 0) -> str:
    return ops("status", *of(stack), exits=exits).output


def facts(
    stack: Deployed, *options: str, endpoint: str = "", exits: int = 0
) -> dict[str, dict[str, Any]]:
    result = ops("status", *of(stack, endpoint), "--json", *options, exits=exits)
    found: dict[str, dict[str, Any]] = json.loads(result.stdout)
    return found


def log(stack: Deployed, *messages: str) -> None:
    """Write lines to the function's log group, as the runtime does."""
    functions, logs = stack.client("lambda"), stack.client("logs")
    found = functions.get_function_configuration(FunctionName=stack.function)
    where = {
        "logGroupName": found["LoggingConfig"]["LogGroup"],
        "logStreamName": f"stream-{time.monotonic_ns()}",
    }
    logs.create_log_stream(**where)
    now = int(time.time() * 1000)
    logs.put_log_events(
        **where, logEvents=[{"timestamp": now, "message": text} for text in messages]
    )


def test_a_pipeline_at_rest_is_fine(stack: Deployed) -> None:
    assert f"{stack.function}: Active" in shown(stack)


def test_a_failed_event_is_a_finding_with_its_age_and_what_to_do(stack: Deployed) -> None:
    send_failed(stack, FAILED, FAILED)
    output = shown(stack, exits=1)
    assert "2 failed, oldest 0:00:0" in output
    assert "redrive --dry-run" in output


def test_the_age_is_cloudwatchs_where_it_has_one(stack: Deployed) -> None:
    send_failed(stack, FAILED)
    name = stack.outputs["FailureQueueUrl"].rpartition("/")[2]
    now = datetime.now(UTC)
    for minutes, age in ((5, 100), (1, 400), (30, 9999)):
        stack.client("cloudwatch").put_metric_data(
            Namespace="AWS/SQS",
            MetricData=[
                {
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{"Name": "QueueName", "Value": name}],
                    "Timestamp": now - timedelta(minutes=minutes),
                    "Value": age,
                }
            ],
        )
    assert facts(stack, exits=1)["queue"]["oldestSeconds"] == 400


def test_status_leaves_the_failed_events_to_others(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses, "_oldest_by_metric", lambda *_: None)
    send_failed(stack, FAILED)
    shown(stack, exits=1)
    assert len(waiting(stack)) == 1


def test_an_alarm_that_rings_is_a_finding_with_its_description(stack: Deployed) -> None:
    [name, *_] = alarms(stack)
    ring(stack, name, "ALARM")
    assert name in shown(stack, exits=1)
    found = facts(stack, exits=1)["alarms"]
    assert [alarm["name"] for alarm in found["inAlarm"]] == [name]
    assert found["inAlarm"][0]["description"]
    assert found["total"] == len(alarms(stack))


def test_a_topic_without_alarms_is_a_finding(stack: Deployed) -> None:
    other = f"{stack.outputs['AlarmTopicArn']}-other"
    output = ops("status", *of(stack), "--alarm-topic", other, exits=1).output
    assert f"no alarm publishes to {other}: check --alarm-topic, or run `pulumi up`" in output


def test_an_alarm_of_another_pipeline_is_not_shown(
    stack: Deployed, own_emulator: emulators.Emulator
) -> None:
    other = deploy_to(own_emulator, environmentSuffix="status-other")
    for name in alarms(other):
        ring(other, name, "ALARM")
    shown(stack)


def test_the_newest_errors_of_the_last_hour_are_shown(stack: Deployed) -> None:
    failed = {
        "level": "ERROR",
        "message": "failed",
        "file_key": "bad\nkey",
        "errorType": "ClientError",
        "errorMessage": "access denied",
    }
    fine = ({"level": "INFO", "message": "completed"}, {"time": "", "type": "platform.start"})
    log(stack, "no JSON", "[1]", *map(json.dumps, fine))
    log(stack, *(json.dumps(failed | {"errorMessage": f"denied {n}"}) for n in range(8)))
    found = facts(stack)["errors"]
    assert found["lastHour"] == 8
    assert [error["error"] for error in found["newest"]] == [
        f"ClientError: denied {n}" for n in range(3, 8)
    ]
    assert {error["key"] for error in found["newest"]} == {"bad\nkey"}
    assert r"'bad\nkey': 'ClientError: denied 7'" in shown(stack)
    # The emulator takes any pattern.
    assert statuses.ERRORS == '{ $.level = "ERROR" || $.level = "CRITICAL" }'


def write(stack: Deployed, key: str, lag: float, status: str = "completed") -> None:
    event = datetime(2026, 3, 14, tzinfo=UTC)
    stack.client("dynamodb").put_item(
        TableName=stack.table,
        Item={
            "file_key": {"S": key},
            "processing_status": {"S": status},
            "event_time": {"S": event.isoformat()},
            "processed_at": {"S": (event + timedelta(milliseconds=lag)).isoformat()},
        },
    )


def test_rows_are_counted_by_status_and_lag_is_shown(stack: Deployed) -> None:
    for number, lag in enumerate((100, 200, 900)):
        write(stack, f"row {number}", lag)
    write(stack, "row 3", 300, "deleted")
    found = facts(stack)["rows"]
    assert found["counts"] == {"completed": 3, "deleted": 1}
    assert found["exact"]
    assert (found["lagMedianMs"], found["lagMostMs"]) == (250, 900)
    assert "3 completed, 1 deleted (exact)" in shown(stack)


def test_of_many_rows_a_sample_is_read_and_said_to_be_one(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses, "SAMPLE_ROWS", 100)
    monkeypatch.setattr(rows, "PAGE", 50)
    for number in range(250):
        write(stack, f"many {number}", 1)
    sampled, exact = (facts(stack, *options)["rows"] for options in ((), ("--exact",)))
    assert not sampled["exact"]
    assert 100 <= sampled["read"] < exact["read"]
    assert sampled["about"] >= 250
    assert "sampled" in shown(stack)
    assert exact["exact"]
    assert exact["counts"]["completed"] >= 250


def test_a_part_that_does_not_answer_hides_no_other(
    stack: Deployed, own_emulator: emulators.Emulator
) -> None:
    with fault_proxy(own_emulator.endpoint) as proxy:
        proxy.fail("DescribeAlarms", Fault(status=403, code="AccessDenied"))
        found = facts(stack, endpoint=proxy.endpoint, exits=1)
    assert found["alarms"]["problem"].startswith("unknown: ")
    assert "AccessDenied" in found["alarms"]["problem"]
    assert found["function"]["state"] == "Active"
    assert found["queue"]["depth"] == 0


def test_a_function_that_is_not_active_is_a_finding(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = stack.client("lambda").get_function_configuration(FunctionName=stack.function)
    broken = answer | {"State": "Inactive", "StateReason": "the key is gone"}

    functions = SimpleNamespace(get_function_configuration=lambda **_: broken)
    monkeypatch.setattr("ops.stack.Stack.functions", functions)
    output = shown(stack, exits=1)
    assert "Inactive" in output
    assert "the key is gone" in output
