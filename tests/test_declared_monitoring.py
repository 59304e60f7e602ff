"""The alarm and its topic: who may ring it, when it rings, and who is told."""

import json
from collections.abc import Callable

from journeys import Deployed
from recorder import ACCOUNT, Program, declare

TOPIC = "aws:sns/topic:Topic"
POLICY = "aws:sns/topicPolicy:TopicPolicy"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


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


def test_the_alarm_watches_the_failure_queue(dev: Program) -> None:
    queue = dev.one("aws:sqs/queue:Queue")
    assert dev.one(ALARM).inputs["dimensions"] == {"QueueName": f"{queue.name}-1234567"}


def test_the_alarm_rings_at_the_first_parked_event_and_when_all_is_well_again(
    dev: Program,
) -> None:
    """Metric and dimension as AWS names them.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    alarm, topic = dev.one(ALARM).inputs, dev.one(POLICY).inputs["arn"]
    assert (alarm["namespace"], alarm["metricName"]) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
    )
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("GreaterThanThreshold", 0)
    assert (alarm["alarmActions"], alarm["okActions"]) == ([topic], [topic])


def test_an_idle_queue_rings_no_alarm(dev: Program) -> None:
    assert dev.one(ALARM).inputs["treatMissingData"] == "notBreaching"


def test_the_alarm_waits_until_it_may_publish(dev: Program) -> None:
    assert dev.needs(dev.one(ALARM), dev.one(POLICY))


def test_the_alarm_says_what_to_do(dev: Program) -> None:
    assert "python -m ops redrive" in dev.one(ALARM).inputs["alarmDescription"]


def test_who_is_named_is_told_by_e_mail() -> None:
    subscription = declare("dev", {"alarmEmail": "ops@example.com"}).one(SUBSCRIPTION)
    told = subscription.inputs["protocol"], subscription.inputs["endpoint"]
    assert told == ("email", "ops@example.com")


def test_nobody_is_told_unasked(dev: Program) -> None:
    assert dev.all(SUBSCRIPTION) == []


def test_the_emulator_holds_the_alarm(deploy: Callable[..., Deployed]) -> None:
    stack = deploy(environmentSuffix="alarms", alarmEmail="ops@example.com")
    topic = stack.outputs["AlarmTopicArn"]
    alarms = stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert [topic] in [alarm["AlarmActions"] for alarm in alarms]
    told = stack.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [one["Endpoint"] for one in told] == ["ops@example.com"]
