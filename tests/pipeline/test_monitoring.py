"""Alarms and their topic: who may ring it, when it rings, what it says, and who is told."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ops.__main__ import main
from support.aws_metrics import AWS_METRICS
from support.extractors import EXTRACTOR
from support.journeys import Deployed
from support.pages import anchors
from support.recorder import ACCOUNT, EVENTBRIDGE, ROOT, Declared, Program, declare

MINUTES, DAYS = 60, 24 * 60 * 60
ALARMS = {
    "failed-events": (["ApproximateNumberOfMessagesVisible"], 0, 1 * MINUTES, 1),
    "oldest-failed-event": (["ApproximateAgeOfOldestMessage"], 7 * DAYS, 5 * MINUTES, 1),
    "function-errors": (["Errors"], 0, 5 * MINUTES, 3),
    "function-throttles": (["Throttles"], 0, 5 * MINUTES, 3),
    "event-age": (["AsyncEventAge"], 15 * MINUTES * 1000, 5 * MINUTES, 1),
    "delivery-failures": (["DestinationDeliveryFailures"], 0, 1 * MINUTES, 1),
    "duration-near-timeout": (["Duration"], 12_000, 5 * MINUTES, 1),
    "table-throttles": (["WriteThrottleEvents", "ReadThrottleEvents"], 0, 5 * MINUTES, 3),
    "table-errors": (["SystemErrors PutItem", "SystemErrors GetItem"], 0, 5 * MINUTES, 3),
}
"""Metrics, threshold in their own unit, seconds of a period, and how many in a row, by role."""
MORE_ALARMS = {
    "extraction-failures": (["Extractions"], 0, 15 * MINUTES, 1),
    "extractions-given-up": (["DroppedEventCount"], 0, 5 * MINUTES, 1),
    "extraction-age": (["IteratorAge"], 60 * MINUTES * 1000, 5 * MINUTES, 1),
    "extraction-errors": (["Errors", "Throttles"], 0, 5 * MINUTES, 3),
    "rows-disagree": (["AuditDisagreements"], 0, 1 * DAYS, 1),
    # An audit that is killed leaves no line.
    "audit-incomplete": (["AuditIncomplete", "Errors"], 0, 5 * MINUTES, 1),
    "audit-missing": (["AuditCompared"], 0, 1 * DAYS, 2),
    "undelivered-events": (
        ["ApproximateNumberOfMessagesVisible", "InvocationsFailedToBeSentToDlq"],
        0,
        1 * MINUTES,
        1,
    ),
}
"""Those of an extractor, of an audit and of a bucket of somebody else."""

each_alarm = pytest.mark.parametrize("role", [*ALARMS, *MORE_ALARMS])


@pytest.fixture(scope="module")
def everything() -> Program:
    """The stack that has every alarm."""
    return declare("dev", EVENTBRIDGE | {"extractor": EXTRACTOR, "audit": "report"})


def alarms(program: Program) -> dict[str, Declared]:
    prefix = "file-metadata-monitoring-"
    return {alarm.name.removeprefix(prefix): alarm for alarm in program.all("MetricAlarm")}


def metrics(alarm: Declared) -> Iterator[tuple[dict[str, Any], str]]:
    """Each metric that an alarm watches, and its statistic."""
    if "metricQueries" not in alarm.inputs:
        yield alarm.inputs, alarm.inputs["statistic"]
    for query in alarm.inputs.get("metricQueries", []):
        if "metric" in query:
            yield query["metric"], query["metric"]["stat"]


def test_only_this_accounts_alarms_may_publish(dev: Program) -> None:
    policy = dev.one("TopicPolicy")
    assert policy.inputs["arn"] == dev.one("Topic").arn == dev.outputs["AlarmTopicArn"]
    publish = {"Action": "sns:Publish", "Resource": dev.one("Topic").arn}
    assert policy.statements() == {
        "AlarmsPublish": publish
        | {
            "Sid": "AlarmsPublish",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
        "DenyPlainHttp": publish
        | {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    }


def test_all_that_can_go_wrong_has_an_alarm(dev: Program, everything: Program) -> None:
    assert alarms(dev).keys() == ALARMS.keys()
    assert alarms(everything).keys() == ALARMS.keys() | MORE_ALARMS.keys()


@each_alarm
def test_an_alarm_rings_the_topic(everything: Program, role: str) -> None:
    """And waits until it may publish.

    A new one sends nothing: it goes from INSUFFICIENT_DATA to OK at once, and would send that.
    An idle stack has no data. Only of audits there must be some, even if their metric is unknown.
    """
    alarm = alarms(everything)[role]
    topic = [everything.one("Topic").arn]
    assert everything.needs(alarm, everything.one("TopicPolicy"))
    missing = {"treatMissingData": "notBreaching"}
    if role == "audit-missing":
        missing = {"treatMissingData": "missing", "insufficientDataActions": topic}
    handling = {"alarmActions", "okActions", "insufficientDataActions", "treatMissingData"}
    assert {key: alarm.inputs[key] for key in handling & alarm.inputs.keys()} == {
        "alarmActions": topic,
        **missing,
    }


@each_alarm
def test_an_alarm_watches_metrics_of_this_stack_as_aws_publishes_them(
    everything: Program, role: str
) -> None:
    part = {"audit": "audit", "extraction": "extractor", "extractions": "extractor"}.get(
        role.partition("-")[0], "processor"
    )
    queue = "undelivered" if role == "undelivered-events" else "failures"
    ours = {
        "QueueName": everything.named(f"{queue}-events").id,
        "FunctionName": everything.named(f"{part}-function").id,
        "EventSourceMappingUUID": everything.named("extractor-stream").id,
        "Outcome": "failed",
        "RuleName": everything.one("EventRule").id,
        "TableName": everything.outputs["DynamoDBTableName"],
    }
    for metric, statistic in metrics(alarms(everything)[role]):
        dimensions = metric.get("dimensions", {})
        assert {k: v for k, v in dimensions.items() if k != "Operation"}.items() <= ours.items()
        if metric["namespace"] == "FileMetadata/dev":
            made = everything.log_metrics()[metric["metricName"]]
            assert dimensions.keys() == made.get("dimensions", {}).keys()
        else:
            known = AWS_METRICS[metric["namespace"], metric["metricName"]]
            assert frozenset(dimensions) in known.dimensions
            assert statistic in known.statistics


@each_alarm
def test_an_alarm_rings_when_it_should(everything: Program, role: str) -> None:
    """12 seconds are four fifths of the timeout, 15 seconds."""
    alarm = alarms(everything)[role]
    watched, threshold, seconds, in_a_row = (ALARMS | MORE_ALARMS)[role]
    found = [metric for metric, _ in metrics(alarm)]
    operations = [metric.get("dimensions", {}).get("Operation", "") for metric in found]
    names = [metric["metricName"] for metric in found]
    assert [" ".join(pair).strip() for pair in zip(names, operations, strict=True)] == watched
    assert alarm.inputs["comparisonOperator"] == "GreaterThanThreshold"
    assert alarm.inputs["threshold"] == threshold
    assert {metric["period"] for metric in found} == {seconds}
    assert alarm.inputs["evaluationPeriods"] == alarm.inputs["datapointsToAlarm"] == in_a_row


def test_the_alarm_for_duration_follows_the_timeout() -> None:
    slow = declare("dev", {"timeout": "900"})
    assert alarms(slow)["duration-near-timeout"].inputs["threshold"] == 720_000


@pytest.mark.parametrize("role", sorted({*ALARMS, *MORE_ALARMS} - {"audit-missing"}))
def test_an_alarm_of_several_metrics_watches_their_sum(everything: Program, role: str) -> None:
    """Those that report nothing count as zero, or one that reports would be lost.

    An alarm on DynamoDB does so for one metric, too, because missing data may leave it as it is:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    inputs = alarms(everything)[role].inputs
    if "metricQueries" not in inputs:
        assert inputs["namespace"] != "AWS/DynamoDB"
        return
    *watched, total = inputs["metricQueries"]
    assert total["returnData"]
    assert total["expression"] == " + ".join(f"FILL({query['id']}, 0)" for query in watched)


@each_alarm
def test_an_alarm_says_what_to_do_first_and_where_to_read_on(
    everything: Program, role: str
) -> None:
    """At most 1024 characters.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    description = alarms(everything)[role].inputs["alarmDescription"]
    assert re.fullmatch(rf"[A-Z].+\. First: .+\. More: docs/operations\.md#{role}", description)
    assert len(description) <= 1024
    assert role in anchors(ROOT / "docs" / "operations.md")


def test_what_an_alarm_tells_to_run_is_a_command(everything: Program) -> None:
    told = [
        (command, options)
        for alarm in alarms(everything).values()
        for command, options in re.findall(
            r"`python -m ops (\w+)((?: --[\w-]+)*)`", alarm.inputs["alarmDescription"]
        )
    ]
    assert told
    for command, options in told:
        known = {name for option in main.commands[command].params for name in option.opts}
        assert set(options.split()) <= known


def test_only_who_is_named_is_told_by_e_mail(dev: Program) -> None:
    assert dev.all("TopicSubscription") == []
    program = declare("dev", {"alarmEmail": "ops@example.com"})
    assert program.one("TopicSubscription").inputs == {
        "topic": program.one("Topic").arn,
        "protocol": "email",
        "endpoint": "ops@example.com",
    }


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="alarms", alarmEmail="ops@example.com")


def _alarms(stack: Deployed) -> list[dict[str, Any]]:
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    topic = stack.outputs["AlarmTopicArn"]
    return [one for page in pages for one in page["MetricAlarms"] if topic in one["AlarmActions"]]


def test_the_emulator_holds_every_alarm(stack: Deployed) -> None:
    topic = stack.outputs["AlarmTopicArn"]
    assert len(_alarms(stack)) == len(ALARMS)
    told = stack.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [one["Endpoint"] for one in told] == ["ops@example.com"]


@pytest.mark.parametrize(
    ("role", "quiet", "loud"),
    [
        ("failed-events", 0, 1),
        ("oldest-failed-event", 7 * DAYS, 7 * DAYS + 1),
        ("event-age", 900_000, 900_001),
        ("delivery-failures", 0, 1),
        ("duration-near-timeout", 12_000, 12_001),
    ],
)
def test_an_alarm_of_one_period_rings_in_the_emulator(
    stack: Deployed, role: str, quiet: float, loud: float
) -> None:
    """The emulator judges an alarm when a metric is put, and knows those of one metric only."""
    cloudwatch = stack.client("cloudwatch")

    def state() -> dict[str, Any]:
        [alarm] = [found for found in _alarms(stack) if f"-{role}-" in found["AlarmName"]]
        return alarm

    alarm = state()
    for value, expected in ((quiet, "OK"), (loud, "ALARM")):
        datum = {
            "MetricName": alarm["MetricName"],
            "Dimensions": alarm["Dimensions"],
            "Value": value,
        }
        cloudwatch.put_metric_data(Namespace=alarm["Namespace"], MetricData=[datum])
        assert state()["StateValue"] == expected
