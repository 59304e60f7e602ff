"""Alarms and their topic: who may ring it, when it rings, what it says, and who is told."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from ops.__main__ import main
from support.aws_metrics import AWS_METRICS
from support.journeys import Deployed
from support.recorder import ACCOUNT, ROOT, Declared, Program, declare

TOPIC = "aws:sns/topic:Topic"
POLICY = "aws:sns/topicPolicy:TopicPolicy"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
ROLES = [
    "failed-events",
    "oldest-failed-event",
    "function-errors",
    "function-throttles",
    "event-age",
    "delivery-failures",
    "duration-near-timeout",
    "table-throttles",
    "table-errors",
]
OF_AN_EXTRACTOR = [
    "extraction-failures",
    "extractions-given-up",
    "extraction-age",
    "extraction-errors",
]
MINUTES, DAYS = 60, 24 * 60 * 60


@pytest.fixture
def of(role: str, dev: Program, extracting: Program) -> Program:
    """The stack that has the alarm."""
    return extracting if role in OF_AN_EXTRACTOR else dev


def alarms(program: Program) -> dict[str, Declared]:
    prefix = "file-metadata-monitoring-"
    return {alarm.name.removeprefix(prefix): alarm for alarm in program.all(ALARM)}


def metrics(alarm: Declared) -> Iterator[tuple[dict[str, Any], str]]:
    """Each metric that an alarm watches, and its statistic."""
    if "metricQueries" not in alarm.inputs:
        yield alarm.inputs, alarm.inputs["statistic"]
    for query in alarm.inputs.get("metricQueries", []):
        if "metric" in query:
            yield query["metric"], query["metric"]["stat"]


def named(program: Program, role: str) -> list[str]:
    return [metric["metricName"] for metric, _ in metrics(alarms(program)[role])]


def periods(alarm: Declared) -> set[int]:
    return {metric["period"] for metric, _ in metrics(alarm)}


def test_only_this_accounts_alarms_may_publish(dev: Program) -> None:
    statements = json.loads(dev.one(POLICY).inputs["policy"])["Statement"]
    [allowed] = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_nobody_may_publish_over_plain_http(dev: Program) -> None:
    statements = json.loads(dev.one(POLICY).inputs["policy"])["Statement"]
    [denied] = [statement for statement in statements if statement["Effect"] == "Deny"]
    assert denied["Principal"] == "*"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_policy_is_on_the_topic(dev: Program) -> None:
    policy = dev.one(POLICY)
    assert dev.one(TOPIC).name in policy.inputs["arn"]
    assert policy.inputs["arn"] in policy.inputs["policy"]


def test_all_that_can_go_wrong_has_an_alarm(dev: Program) -> None:
    assert sorted(alarms(dev)) == sorted(ROLES)


def test_all_that_can_go_wrong_with_an_extractor_has_an_alarm(extracting: Program) -> None:
    assert sorted(alarms(extracting)) == sorted(ROLES + OF_AN_EXTRACTOR)


@pytest.mark.parametrize("role", [*ROLES, *OF_AN_EXTRACTOR])
def test_an_alarm_rings_the_topic(of: Program, role: str) -> None:
    assert alarms(of)[role].inputs["alarmActions"] == [of.one(POLICY).inputs["arn"]]


@pytest.mark.parametrize("role", [*ROLES, *OF_AN_EXTRACTOR])
def test_a_new_alarm_sends_nothing(of: Program, role: str) -> None:
    """It goes from INSUFFICIENT_DATA to OK at once, and would send that for each alarm."""
    alarm = alarms(of)[role].inputs
    assert {"okActions", "insufficientDataActions"} & alarm.keys() == set()


@pytest.mark.parametrize("role", [*ROLES, *OF_AN_EXTRACTOR])
def test_an_idle_stack_rings_no_alarm(of: Program, role: str) -> None:
    assert alarms(of)[role].inputs["treatMissingData"] == "notBreaching"


@pytest.mark.parametrize("role", [*ROLES, *OF_AN_EXTRACTOR])
def test_an_alarm_waits_until_it_may_publish(of: Program, role: str) -> None:
    assert of.needs(alarms(of)[role], of.one(POLICY))


@pytest.mark.parametrize("role", [*ROLES, *OF_AN_EXTRACTOR])
def test_an_alarm_watches_metrics_as_aws_publishes_them(of: Program, role: str) -> None:
    for metric, statistic in metrics(alarms(of)[role]):
        if metric["namespace"].startswith("FileMetadata/"):  # from the log: `test_dashboard.py`
            continue
        known = AWS_METRICS[metric["namespace"], metric["metricName"]]
        assert frozenset(metric["dimensions"]) in known.dimensions
        assert statistic in known.statistics


@pytest.mark.parametrize("role", [*ROLES, *OF_AN_EXTRACTOR])
def test_an_alarm_watches_this_stack(of: Program, role: str) -> None:
    extractor = "file-metadata-extractor-function-1234567"
    function = extractor if role in OF_AN_EXTRACTOR else of.outputs["LambdaFunctionName"]
    ours = {
        "QueueName": f"{of.one('aws:sqs/queue:Queue').name}-1234567",
        "FunctionName": function,
        "EventSourceMappingUUID": "file-metadata-extractor-stream-1234567",
        "Outcome": "failed",
        "TableName": of.outputs["DynamoDBTableName"],
    }
    for metric, _ in metrics(alarms(of)[role]):
        dimensions = {k: v for k, v in metric["dimensions"].items() if k != "Operation"}
        assert dimensions
        assert dimensions.items() <= ours.items()


@pytest.mark.parametrize(
    ("role", "watched", "threshold", "seconds", "in_a_row"),
    [
        ("failed-events", ["ApproximateNumberOfMessagesVisible"], 0, 1 * MINUTES, 1),
        ("oldest-failed-event", ["ApproximateAgeOfOldestMessage"], 7 * DAYS, 5 * MINUTES, 1),
        ("function-errors", ["Errors"], 0, 5 * MINUTES, 3),
        ("function-throttles", ["Throttles"], 0, 5 * MINUTES, 3),
        ("event-age", ["AsyncEventAge"], 15 * MINUTES * 1000, 5 * MINUTES, 1),
        ("delivery-failures", ["DestinationDeliveryFailures"], 0, 1 * MINUTES, 1),
        ("duration-near-timeout", ["Duration"], 12_000, 5 * MINUTES, 1),
        ("table-throttles", ["WriteThrottleEvents", "ReadThrottleEvents"], 0, 5 * MINUTES, 3),
        ("table-errors", ["SystemErrors", "SystemErrors"], 0, 5 * MINUTES, 3),
        ("extraction-failures", ["Extractions"], 0, 15 * MINUTES, 1),
        ("extractions-given-up", ["DroppedEventCount"], 0, 5 * MINUTES, 1),
        ("extraction-age", ["IteratorAge"], 60 * MINUTES * 1000, 5 * MINUTES, 1),
        ("extraction-errors", ["Errors", "Throttles"], 0, 5 * MINUTES, 3),
    ],
)
def test_an_alarm_rings_when_it_should(
    of: Program, role: str, watched: list[str], threshold: float, seconds: int, in_a_row: int
) -> None:
    """The thresholds in the metrics' own units; 12 s are four fifths of the timeout, 15 s."""
    alarm = alarms(of)[role]
    assert named(of, role) == watched
    assert alarm.inputs["comparisonOperator"] == "GreaterThanThreshold"
    assert alarm.inputs["threshold"] == threshold
    assert periods(alarm) == {seconds}
    assert alarm.inputs["evaluationPeriods"] == alarm.inputs["datapointsToAlarm"] == in_a_row


def test_the_alarm_for_duration_follows_the_timeout() -> None:
    slow = declare("dev", {"timeout": "900"})
    assert alarms(slow)["duration-near-timeout"].inputs["threshold"] == 720_000


@pytest.mark.parametrize(
    ("role", "limit"),
    [
        ("oldest-failed-event", timedelta(days=7)),
        ("event-age", timedelta(minutes=15)),
        ("extraction-age", timedelta(hours=1)),
        ("duration-near-timeout", timedelta(seconds=12)),
    ],
)
def test_a_limit_of_time_is_in_the_metrics_own_unit(
    of: Program, role: str, limit: timedelta
) -> None:
    alarm = alarms(of)[role].inputs
    unit = AWS_METRICS[alarm["namespace"], alarm["metricName"]].unit
    assert alarm["threshold"] == limit / timedelta(**{unit.lower(): 1})


@pytest.mark.parametrize("role", ["table-throttles", "table-errors"])
def test_an_alarm_of_several_metrics_watches_their_sum(of: Program, role: str) -> None:
    """Those that report nothing count as zero, or one that reports would be lost."""
    queries = alarms(of)[role].inputs["metricQueries"]
    [total] = [query for query in queries if query.get("returnData")]
    assert total["expression"] == "FILL(m1, 0) + FILL(m2, 0)"
    assert [query["id"] for query in queries if "metric" in query] == ["m1", "m2"]


@pytest.mark.parametrize("role", [*ROLES, *OF_AN_EXTRACTOR])
def test_an_alarm_on_dynamodb_ends_when_dynamodb_falls_silent(of: Program, role: str) -> None:
    """Missing data may leave it as it is, so that each metric of it must be filled.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    alarm = alarms(of)[role]
    if not any(metric["namespace"] == "AWS/DynamoDB" for metric, _ in metrics(alarm)):
        return
    queries = alarm.inputs["metricQueries"]
    filled = re.findall(r"FILL\((\w+), 0\)", " ".join(q.get("expression", "") for q in queries))
    assert filled == [query["id"] for query in queries if "metric" in query]


def test_the_tables_own_errors_are_watched_for_both_calls(dev: Program) -> None:
    watched = metrics(alarms(dev)["table-errors"])
    assert {metric["dimensions"]["Operation"] for metric, _ in watched} == {"PutItem", "GetItem"}


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-") for text in headings}


@pytest.mark.parametrize("role", [*ROLES, *OF_AN_EXTRACTOR])
def test_an_alarm_names_a_part_of_the_runbook_that_is_there(of: Program, role: str) -> None:
    description = alarms(of)[role].inputs["alarmDescription"]
    page, anchor = re.findall(r"(docs/\S+\.md)#(\S+)", description)[0]
    assert anchor in anchors((ROOT / page).read_text(encoding="utf-8"))
    assert anchor == role


@pytest.mark.parametrize("role", [*ROLES, *OF_AN_EXTRACTOR])
def test_an_alarm_says_what_it_means_and_what_to_do_first(of: Program, role: str) -> None:
    """At most 1024 characters.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    description = alarms(of)[role].inputs["alarmDescription"]
    assert re.fullmatch(r"[A-Z].+\. First: .+\. More: \S+", description)
    assert len(description) <= 1024


def test_what_an_alarm_tells_to_run_is_a_command(extracting: Program) -> None:
    told = [
        (command, options)
        for alarm in alarms(extracting).values()
        for command, options in re.findall(
            r"`python -m ops (\w+)((?: --[\w-]+)*)`", alarm.inputs["alarmDescription"]
        )
    ]
    assert told
    for command, options in told:
        known = {name for option in main.commands[command].params for name in option.opts}
        assert set(options.split()) <= known


def test_who_is_named_is_told_by_e_mail() -> None:
    subscription = declare("dev", {"alarmEmail": "ops@example.com"}).one(SUBSCRIPTION)
    told = subscription.inputs["protocol"], subscription.inputs["endpoint"]
    assert told == ("email", "ops@example.com")


def test_nobody_is_told_unasked(dev: Program) -> None:
    assert dev.all(SUBSCRIPTION) == []


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="alarms", alarmEmail="ops@example.com")


def _alarms(stack: Deployed) -> list[dict[str, Any]]:
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    topic = stack.outputs["AlarmTopicArn"]
    return [one for page in pages for one in page["MetricAlarms"] if topic in one["AlarmActions"]]


def test_the_emulator_holds_every_alarm(stack: Deployed) -> None:
    topic = stack.outputs["AlarmTopicArn"]
    assert len(_alarms(stack)) == len(ROLES)
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
