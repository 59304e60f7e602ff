"""A stack that follows somebody else's bucket: what it declares, and nothing of the bucket."""

import json
from typing import Any

import pytest

import rules
from pipeline import Settings
from support.aws_metrics import AWS_METRICS
from support.policy_stacks import as_declared, changed
from support.recorder import ACCOUNT, EVENTBRIDGE, REGION, REGIONS, ROOT, Declared, Program, declare

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
PERMISSION = "aws:lambda/permission:Permission"
QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
UNDELIVERED = "file-metadata-undelivered-events"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/theirs"


def named(program: Program, name: str) -> Declared:
    [found] = [resource for resource in program.resources if resource.name == name]
    return found


def pattern(**config: str) -> dict[str, Any]:
    program = declare("dev", EVENTBRIDGE | config)
    found: dict[str, Any] = json.loads(program.one(RULE).inputs["eventPattern"])
    return found


def statements(resource: Declared) -> dict[str, dict[str, Any]]:
    return {one["Sid"]: one for one in json.loads(resource.inputs["policy"])["Statement"]}


def test_nothing_of_the_bucket_is_declared(bus: Program) -> None:
    assert [resource.type for resource in bus.resources if ":s3" in resource.type] == []


def test_all_else_is_declared_as_ever(bus: Program, prod: Program) -> None:
    """Beside the rule, its queue and its alarm, and without what brings notifications."""
    only_here = {"EventRule", "EventTarget", "Permission", "QueuePolicy", "Queue", "MetricAlarm"}
    for resource in prod.resources:
        kind = resource.type.rpartition(":")[2]
        if resource.type.startswith("aws:s3/") or kind in ("DataBucket", "Notification"):
            continue
        if kind != "Permission":
            assert named(bus, resource.name).inputs.keys() == resource.inputs.keys()
    new = {r.name for r in bus.resources} - {r.name for r in prod.resources}
    kinds = {named(bus, name).type.rpartition(":")[2] for name in new}
    assert kinds == only_here | {"FailureQueue"}


def test_the_function_reads_that_bucket_and_no_other(bus: Program) -> None:
    policy = named(bus, "file-metadata-processor-permissions")
    found = statements(policy)
    assert found["HeadObject"]["Resource"] == "arn:aws:s3:::somebody-elses/*"
    assert found["DistinguishMissingObject"]["Resource"] == "arn:aws:s3:::somebody-elses"
    variables = named(bus, "file-metadata-processor-function").inputs["environment"]["variables"]
    assert variables["S3_BUCKET_NAME"] == bus.outputs["S3BucketName"] == "somebody-elses"
    assert variables["S3_BUCKET_ACCOUNT_ID"] == ACCOUNT


@pytest.mark.parametrize("partition", REGIONS)
def test_the_bucket_is_named_as_its_partition_names_it(partition: str) -> None:
    program = declare("dev", EVENTBRIDGE, region=REGIONS[partition])
    policy = named(program, "file-metadata-processor-permissions").inputs["policy"]
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
    chosen = {"extractor": str(ROOT / "examples/extractors/csv_columns"), "audit": "report"}
    program = declare("dev", EVENTBRIDGE | chosen | {"bucketAccountId": "210987654321"})
    assert json.loads(program.one(RULE).inputs["eventPattern"])["account"] == ["210987654321"]
    for function in program.all("aws:lambda/function:Function"):
        assert function.inputs["environment"]["variables"]["S3_BUCKET_ACCOUNT_ID"] == "210987654321"


def test_only_the_rule_may_invoke_the_function(bus: Program) -> None:
    inputs = bus.one(PERMISSION).inputs
    assert inputs["principal"] == "events.amazonaws.com"
    assert (
        inputs["sourceArn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:{bus.one(RULE).name}-1234567"
    )
    assert inputs["function"] == bus.outputs["LambdaFunctionName"]


def test_the_target_is_the_function_and_keeps_what_cannot_be_delivered(bus: Program) -> None:
    inputs = bus.one(TARGET).inputs
    assert inputs["arn"].endswith(f":{bus.outputs['LambdaFunctionName']}")
    assert inputs["rule"] == f"{bus.one(RULE).name}-1234567"
    assert inputs["deadLetterConfig"]["arn"].endswith(f":{UNDELIVERED}-1234567")
    assert inputs["retryPolicy"] == {
        "maximumEventAgeInSeconds": 86400,
        "maximumRetryAttempts": 185,
    }
    assert bus.outputs["UndeliveredQueueUrl"].endswith(f"/{UNDELIVERED}-1234567")


def test_only_the_rule_may_send_to_its_queue(bus: Program) -> None:
    policy = named(bus, "file-metadata-events-undelivered-policy")
    assert policy.inputs["queueUrl"] == bus.outputs["UndeliveredQueueUrl"]
    found = statements(policy)
    arn = bus.one(PERMISSION).inputs["sourceArn"]
    allowed = found["RuleSendsUndelivered"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": arn}}
    assert found["DenySendingToOthers"]["Condition"] == {"ArnNotEquals": {"aws:SourceArn": arn}}
    assert found["DenyPlainHttp"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    "earlier",
    [
        "file-metadata-events-permission",
        "file-metadata-events-undelivered-policy",
        "file-metadata-events-decrypt-objects",
        "file-metadata-processor-failure-path",
        "file-metadata-processor-permissions",
        "file-metadata-table-rows",
    ],
)
def test_all_is_in_place_before_the_first_event(earlier: str) -> None:
    program = declare("dev", EVENTBRIDGE | {"bucketKmsKeyArn": KEY})
    assert program.needs(program.one(TARGET), named(program, earlier))


@pytest.mark.parametrize("reader", ["events", "extractor"])
def test_the_objects_key_is_used_through_s3_alone(reader: str) -> None:
    chosen = {"bucketKmsKeyArn": KEY, "extractor": str(ROOT / "examples/extractors/csv_columns")}
    program = declare("dev", EVENTBRIDGE | chosen)
    policy = named(program, f"file-metadata-{reader}-decrypt-objects")
    [statement] = statements(policy).values()
    assert (statement["Action"], statement["Resource"]) == ("kms:Decrypt", KEY)
    through_s3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": through_s3}


def test_the_stack_s_own_key_lets_the_rule_use_the_queue(bus: Program, prod: Program) -> None:
    key = "aws:kms/key:Key"
    sent = statements(bus.one(key))["EventBridgeSendsToQueue"]
    assert sent["Principal"] == {"Service": "events.amazonaws.com"}
    assert sent["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert sent["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert "EventBridgeSendsToQueue" not in statements(prod.one(key))
    assert named(bus, UNDELIVERED).inputs["kmsMasterKeyId"]


def test_rows_queues_and_the_rule_are_protected_and_nothing_else(bus: Program) -> None:
    """The rule, so that no other source or bucket takes over the rows."""
    protected = {resource.type for resource in bus.resources if resource.protect}
    custom = {kind for kind in protected if kind.startswith("aws:")}
    assert custom == {"aws:dynamodb/table:Table", QUEUE, QUEUE_POLICY, RULE}


def test_an_undelivered_event_rings(bus: Program) -> None:
    alarm = named(bus, "file-metadata-monitoring-undelivered-events").inputs
    watched = [query["metric"] for query in alarm["metricQueries"] if "metric" in query]
    assert [(one["metricName"], one["dimensions"]) for one in watched] == [
        ("ApproximateNumberOfMessagesVisible", {"QueueName": f"{UNDELIVERED}-1234567"}),
        ("InvocationsFailedToBeSentToDlq", {"RuleName": f"{bus.one(RULE).name}-1234567"}),
    ]
    for one in watched:
        known = AWS_METRICS[one["namespace"], one["metricName"]]
        assert frozenset(one["dimensions"]) in known.dimensions
        assert one["stat"] in known.statistics
    assert (alarm["threshold"], alarm["evaluationPeriods"]) == (0, 1)


def test_the_dashboard_shows_undelivered_events(bus: Program, prod: Program) -> None:
    board = "aws:cloudwatch/dashboard:Dashboard"
    assert "undelivered events" in bus.one(board).inputs["dashboardBody"]
    assert "undelivered events" not in prod.one(board).inputs["dashboardBody"]


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
