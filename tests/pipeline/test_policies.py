"""The policies as plain documents: each grant exact, each refusal whole."""

from functools import partial
from typing import Any

import pytest

from pipeline import resource_policies, role_policies
from pipeline.policy_document import Policy

BUCKET = "arn:aws:s3:::files"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/rows"
STREAM = f"{TABLE}/stream/2026-01-01T00:00:00.000"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:failures"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"
LOG_GROUP = "arn:aws:logs:eu-west-1:123456789012:log-group:function"
ROLE = "arn:aws:iam::123456789012:role/function"

Statement = dict[str, Any]


process_files = partial(
    role_policies.process_files,
    bucket_arn=BUCKET,
    table_arn=TABLE,
    queue_arn=QUEUE,
    log_group_arn=LOG_GROUP,
    key_arn=None,
    tracing=False,
)
extract_files = partial(
    role_policies.extract_files,
    bucket_arn=BUCKET,
    table_arn=TABLE,
    stream_arn=STREAM,
    log_group_arn=LOG_GROUP,
    key_arn=None,
    tracing=False,
)
EVERY_POLICY = {
    "trust_lambda": role_policies.trust_lambda(),
    "process_files": process_files(),
    "process_files, traced": process_files(tracing=True),
    "process_files, with a key": process_files(key_arn=KEY),
    "extract_files": extract_files(tracing=True, key_arn=KEY),
    "bucket_requires_tls": resource_policies.bucket_requires_tls(BUCKET),
    "alarms_may_publish": resource_policies.alarms_may_publish(topic_arn="arn:t", account_id="1"),
    "trust_batch_operations": role_policies.trust_batch_operations(),
    "run_batch_jobs": role_policies.run_batch_jobs(bucket_arn=BUCKET, function_arn="arn:f"),
    "queue_takes_only_from": resource_policies.queue_takes_only_from(
        queue_arn=QUEUE, sender_arn=ROLE
    ),
}


def each(policy: Policy, effect: str) -> list[Statement]:
    return [found for found in policy["Statement"] if found["Effect"] == effect]


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def grants(policy: Policy) -> set[tuple[str, str]]:
    """Every pair of action and resource that a policy allows."""
    return {
        (action, resource)
        for statement in each(policy, "Allow")
        for action in as_list(statement["Action"])
        for resource in as_list(statement.get("Resource", "the role itself"))
    }


@pytest.mark.parametrize("name", EVERY_POLICY)
def test_no_policy_allows_a_wildcard_action(name: str) -> None:
    """Nor by exclusion, nor on every resource but for X-Ray."""
    policy = EVERY_POLICY[name]
    keys = {key for statement in each(policy, "Allow") for key in statement}
    assert keys <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert [action for action, _ in grants(policy) if "*" in action] == []
    everywhere = {action for action, resource in grants(policy) if resource == "*"}
    assert {action for action in everywhere if not action.startswith("xray:")} == set()


@pytest.mark.parametrize(
    ("policy", "service"),
    [("trust_lambda", "lambda"), ("trust_batch_operations", "batchoperations.s3")],
)
def test_only_its_service_may_assume_a_role(policy: str, service: str) -> None:
    [statement] = EVERY_POLICY[policy]["Statement"]
    assert statement == {
        "Sid": statement["Sid"],
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


def test_the_function_may_make_each_call_that_it_makes() -> None:
    """And no other."""
    assert grants(process_files()) == {
        ("s3:GetObject", f"{BUCKET}/*"),
        ("s3:ListBucket", BUCKET),
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:GetItem", TABLE),
        ("sqs:SendMessage", QUEUE),
        ("logs:CreateLogStream", f"{LOG_GROUP}:*"),
        ("logs:PutLogEvents", f"{LOG_GROUP}:*"),
    }


def test_a_key_adds_what_its_use_needs_and_no_more() -> None:
    with_key = grants(process_files(key_arn=KEY))
    added = with_key - grants(process_files())
    assert added == {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)}


def test_tracing_adds_what_x_ray_needs_and_no_more() -> None:
    added = grants(process_files(tracing=True)) - grants(process_files())
    assert added == {("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")}


def test_the_extractor_may_make_each_call_that_it_makes() -> None:
    """And no other: it neither puts nor gets rows."""
    assert grants(extract_files()) == {
        ("s3:GetObject", f"{BUCKET}/*"),
        ("s3:GetObjectVersion", f"{BUCKET}/*"),
        ("s3:ListBucket", BUCKET),
        ("dynamodb:UpdateItem", TABLE),
        ("dynamodb:GetRecords", STREAM),
        ("dynamodb:GetShardIterator", STREAM),
        ("dynamodb:DescribeStream", STREAM),
        ("dynamodb:ListStreams", f"{TABLE}/stream/*"),
        ("logs:CreateLogStream", f"{LOG_GROUP}:*"),
        ("logs:PutLogEvents", f"{LOG_GROUP}:*"),
    }


def test_a_key_and_tracing_add_what_the_extractor_needs_and_no_more() -> None:
    added = grants(extract_files(tracing=True, key_arn=KEY)) - grants(extract_files())
    assert added == {
        ("kms:Decrypt", KEY),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
    }


def test_a_job_may_list_the_bucket_and_invoke_the_function_and_no_more() -> None:
    function = "arn:aws:lambda:eu-west-1:123456789012:function:process"
    policy = role_policies.run_batch_jobs(bucket_arn=BUCKET, function_arn=function)
    assert grants(policy) == {
        ("s3:PutInventoryConfiguration", BUCKET),
        ("lambda:InvokeFunction", function),
    }


def test_the_bucket_refuses_an_unsafe_connection() -> None:
    """And lets nobody in."""
    refused = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [BUCKET, f"{BUCKET}/*"],
    }
    assert resource_policies.bucket_requires_tls(BUCKET)["Statement"] == [
        {
            **refused,
            "Sid": "DenyPlainHttp",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            **refused,
            "Sid": "DenyOldTls",
            "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        },
    ]
