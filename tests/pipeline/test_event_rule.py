"""A stack that follows somebody else's bucket: what it declares, and nothing of the bucket."""

import json
from typing import Any

import pytest

import rules
from pipeline import Settings
from support.extractors import EXTRACTOR
from support.policy_stacks import as_declared, changed
from support.recorder import ACCOUNT, EVENTBRIDGE, REGION, REGIONS, Program, declare

PERMISSION = "aws:lambda/permission:Permission"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/theirs"


def pattern(**config: str) -> dict[str, Any]:
    program = declare("dev", EVENTBRIDGE | config)
    found: dict[str, Any] = json.loads(program.one("EventRule").inputs["eventPattern"])
    return found


def test_nothing_of_the_bucket_is_declared(bus: Program) -> None:
    assert [resource.type for resource in bus.resources if ":s3" in resource.type] == []


def test_all_else_is_declared_as_ever(bus: Program, prod: Program) -> None:
    """Beside the rule, its queue and its alarm, and without what brings notifications."""
    here = {one.name: one for one in bus.resources}
    for resource in prod.resources:
        if resource.type.startswith("aws:s3/") or resource.kind in {"DataBucket", "Notification"}:
            continue
        if resource.kind != "Permission":
            assert here[resource.name].inputs.keys() == resource.inputs.keys()
    new = here.keys() - {one.name for one in prod.resources}
    assert {here[name].kind for name in new} == {
        "EventRule",
        "EventTarget",
        "Permission",
        "QueuePolicy",
        "Queue",
        "MetricAlarm",
        "FailureQueue",
    }


def test_the_function_reads_that_bucket_and_no_other(bus: Program) -> None:
    found = bus.named("processor-permissions").statements()
    assert found["HeadObject"]["Resource"] == "arn:aws:s3:::somebody-elses/*"
    assert found["DistinguishMissingObject"]["Resource"] == "arn:aws:s3:::somebody-elses"
    variables = bus.named("processor-function").inputs["environment"]["variables"]
    assert variables["S3_BUCKET_NAME"] == bus.outputs["S3BucketName"] == "somebody-elses"
    assert variables["S3_BUCKET_ACCOUNT_ID"] == ACCOUNT


@pytest.mark.parametrize("partition", REGIONS)
def test_the_bucket_is_named_as_its_partition_names_it(partition: str) -> None:
    program = declare("dev", EVENTBRIDGE, region=REGIONS[partition])
    policy = program.named("processor-permissions").inputs["policy"]
    assert f"arn:{partition}:s3:::somebody-elses" in policy
    ends = ".com.cn" if partition == "aws-cn" else ".com"
    where = f"somebody-elses.s3.{REGIONS[partition]}.amazonaws{ends}"
    assert program.outputs["S3BucketURL"] == f"https://{where}"


def test_the_rule_takes_what_changes_the_bucket_s_keys() -> None:
    assert pattern() == {
        "source": ["aws.s3"],
        "account": [ACCOUNT],
        "detail-type": ["Object Created", "Object Deleted"],
        "detail": {"bucket": {"name": ["somebody-elses"]}},
    }


@pytest.mark.parametrize(
    ("config", "wildcard"),
    [
        ({"objectPrefix": "in/", "objectSuffix": ".csv"}, "in/*.csv"),
        ({"objectPrefix": "in/"}, "in/*"),
        ({"objectSuffix": ".csv"}, "*.csv"),
    ],
)
def test_prefix_and_suffix_are_one_wildcard(config: dict[str, str], wildcard: str) -> None:
    """A list of the two would mean either of them."""
    assert pattern(**config)["detail"]["object"] == {"key": [{"wildcard": wildcard}]}


def test_the_bucket_s_account_may_be_another() -> None:
    another = {"extractor": EXTRACTOR, "audit": "report", "bucketAccountId": "210987654321"}
    assert pattern(**another)["account"] == ["210987654321"]
    for function in declare("dev", EVENTBRIDGE | another).all("Function"):
        assert function.inputs["environment"]["variables"]["S3_BUCKET_ACCOUNT_ID"] == "210987654321"


def test_only_the_rule_may_invoke_the_function(bus: Program) -> None:
    assert bus.one("Permission").inputs == {
        "action": "lambda:InvokeFunction",
        "principal": "events.amazonaws.com",
        "sourceArn": bus.one("EventRule").arn,
        "function": bus.outputs["LambdaFunctionName"],
    }


def test_the_target_is_the_function_and_keeps_what_cannot_be_delivered(bus: Program) -> None:
    undelivered = bus.named("undelivered-events")
    assert bus.one("EventTarget").inputs == {
        "arn": bus.named("processor-function").arn,
        "rule": bus.one("EventRule").id,
        "deadLetterConfig": {"arn": undelivered.arn},
        "retryPolicy": {"maximumEventAgeInSeconds": 86400, "maximumRetryAttempts": 185},
    }
    assert bus.outputs["UndeliveredQueueUrl"].endswith(f"/{undelivered.id}")


def test_only_the_rule_may_send_to_its_queue(bus: Program) -> None:
    policy = bus.named("events-undelivered-policy")
    assert policy.inputs["queueUrl"] == bus.outputs["UndeliveredQueueUrl"]
    found = policy.statements()
    rule = {"aws:SourceArn": bus.one("EventRule").arn}
    assert found["RuleSendsUndelivered"]["Principal"] == {"Service": "events.amazonaws.com"}
    assert found["RuleSendsUndelivered"]["Condition"] == {"ArnEquals": rule}
    assert found["DenySendingToOthers"]["Condition"] == {"ArnNotEquals": rule}
    assert found["DenyPlainHttp"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    "earlier",
    [
        "events-permission",
        "events-undelivered-policy",
        "events-decrypt-objects",
        "processor-failure-path",
        "processor-permissions",
        "table-rows",
    ],
)
def test_all_is_in_place_before_the_first_event(earlier: str) -> None:
    program = declare("dev", EVENTBRIDGE | {"bucketKmsKeyArn": KEY})
    assert program.needs(program.one("EventTarget"), program.named(earlier))


@pytest.mark.parametrize("reader", ["events", "extractor"])
def test_the_objects_key_is_used_through_s3_alone(reader: str) -> None:
    program = declare("dev", EVENTBRIDGE | {"bucketKmsKeyArn": KEY, "extractor": EXTRACTOR})
    [statement] = program.named(f"{reader}-decrypt-objects").statements().values()
    assert (statement["Action"], statement["Resource"]) == ("kms:Decrypt", KEY)
    through_s3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": through_s3}


def test_the_stack_s_own_key_lets_the_rule_use_the_queue(bus: Program, prod: Program) -> None:
    sent = bus.one("Key").statements()["EventBridgeSendsToQueue"]
    assert sent["Principal"] == {"Service": "events.amazonaws.com"}
    assert sent["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert sent["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert "EventBridgeSendsToQueue" not in prod.one("Key").statements()
    assert bus.named("undelivered-events").inputs["kmsMasterKeyId"]


def test_rows_queues_and_the_rule_are_protected_and_nothing_else(bus: Program) -> None:
    """The rule, so that no other source or bucket takes over the rows."""
    protected = {one.kind for one in bus.resources if one.protect and one.custom}
    assert protected == {"Table", "Queue", "QueuePolicy", "EventRule"}


def test_the_dashboard_shows_undelivered_events(bus: Program, prod: Program) -> None:
    assert "undelivered events" in bus.one("Dashboard").inputs["dashboardBody"]
    assert "undelivered events" not in prod.one("Dashboard").inputs["dashboardBody"]


def test_the_policy_pack_has_nothing_to_say_but_of_a_permission_for_every_rule(
    bus: Program,
) -> None:
    stack = as_declared(bus)
    said = [one for resource in stack for rule in rules.RESOURCE_RULES for one in rule(resource)]
    assert said + [one for rule in rules.STACK_RULES for one in rule(stack)] == []
    open_to_all = changed(stack, PERMISSION, "sourceArn", None)
    [broken] = [one for r in open_to_all for one in rules.permission_names_the_account(r)]
    assert broken == "sourceArn must be the rule's ARN, got None"


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"bucket_name": ""}, "bucketName must be given where eventSource is eventbridge, got ''"),
        ({"access_log_bucket": "logs"}, "accessLogBucket must be left out where eventSource is"),
        ({"noncurrent_version_days": 7}, "noncurrentVersionDays must be left out where"),
        ({"event_source": "sqs"}, "eventSource must be one of notification, eventbridge, got"),
        (
            {"event_source": "notification", "bucket_account_id": ACCOUNT},
            "bucketAccountId must be left out where eventSource is notification",
        ),
        (
            {"event_source": "notification", "bucket_kms_key_arn": KEY},
            "bucketKmsKeyArn must be left out where eventSource is notification",
        ),
        ({"bucket_account_id": "12"}, "bucketAccountId must be an account's id, 12 digits"),
        ({"bucket_kms_key_arn": "alias/x"}, "bucketKmsKeyArn must be the ARN of a KMS key"),
    ],
)
def test_what_means_nothing_with_a_source_is_refused(values: dict[str, Any], rule: str) -> None:
    chosen = {"event_source": "eventbridge", "bucket_name": "somebody-elses"} | values
    with pytest.raises(ValueError, match=f"^{rule}"):
        Settings(environment_suffix="test", **chosen)
