"""The policy pack's rules, over what the program declares and over broken declarations."""

import json
from dataclasses import replace
from typing import Any

import pytest

import aws
import rules
from declared import PROTECTIONS, TAGGED, UNKNOWN, Resource, is_production
from support.policy_stacks import (
    AWS_POLICY,
    BROKEN_IN_DEV,
    BROKEN_IN_PROD,
    ROLE_POLICY,
    URN,
    Stack,
    allowing,
    as_declared,
    broken,
    changed,
    shown,
)
from support.recorder import Program, accepts_tags

ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ROLE_ARN = "arn:aws:iam::123456789012:role/reader"
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/files"
EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": TABLE_ARN}
WILDCARD = {"Statement": {"Effect": "Allow", "Action": "s3:*"}}
ORG = {"aws:PrincipalOrgID": "o-1234"}


def with_first_statement(stack: Stack, kind: str, **elements: Any) -> Stack:
    """The same stack with other elements in the statement that denies plain HTTP, alone."""
    [text] = [resource.props["policy"] for resource in stack if resource.type == kind]
    document = json.loads(text)
    [deny] = [s for s in document["Statement"] if s["Sid"] == "DenyPlainHttp"]
    document["Statement"] = [deny | elements]
    return changed(stack, kind, "policy", json.dumps(document))


@pytest.mark.parametrize(
    ("name", "rule", "kind", "path", "value", "message"),
    [("dev", *row) for row in BROKEN_IN_DEV] + [("prod", *row) for row in BROKEN_IN_PROD],
)
def test_a_guard_that_is_off_is_the_only_thing_said(
    name: str, rule: str, kind: str, path: str, value: Any, message: str
) -> None:
    found = broken(changed(shown(name), kind, path, value))
    assert found.keys() == {rule}
    assert all(message in said and " must " in said and ", got " in said for said in found[rule])


@pytest.mark.parametrize("kind", [aws.BUCKET, aws.TABLE])
def test_prod_data_must_be_protected(kind: str) -> None:
    bare = [replace(r, protect=r.protect and r.type != kind) for r in shown("prod")]
    assert broken(bare) == {"production_data_is_protected": ["protect must be true, got False"]}


@pytest.mark.parametrize(
    ("stack", "environment", "expected"),
    [
        ("dev", "prod", True),
        ("dev", "production", True),
        ("dev", "eu-prod-2", True),
        ("dev", "PROD", True),
        ("dev", "blue/Production", True),
        ("dev", "product", False),
        ("dev", "reproduction", False),
        ("dev", "preprod", False),
        ("dev", "", False),
        ("dev", UNKNOWN, False),
        ("dev", None, False),
        ("prod", None, True),
        ("eu-prod", None, True),
        ("product", None, False),
    ],
)
def test_production_is_a_word_of_the_stack_s_name_or_of_the_environment_s_tag(
    stack: str, environment: Any, expected: bool
) -> None:
    urn = URN.replace(":dev:", f":{stack}:")
    table = Resource(type=aws.TABLE, urn=urn, props={"tags": {"Environment": environment}})
    assert is_production(table) is expected


@pytest.mark.parametrize("tag", ["Environment", "Project"])
@pytest.mark.parametrize("kind", sorted(TAGGED))
def test_each_tag_is_required_of_each_kind(
    extracting: Program, bus: Program, kind: str, tag: str
) -> None:
    every = [*as_declared(extracting), *as_declared(bus)]
    [(rule, said)] = broken(changed(every, kind, f"tags.{tag}", None)).items()
    assert rule == "tags_name_environment_and_project"
    assert set(said) == {f"tags.{tag} must be a name, got None"}


def test_all_that_takes_tags_is_known_to_take_them(
    dev: Program, extracting: Program, bus: Program
) -> None:
    declared = [*dev.resources, *extracting.resources, *bus.resources]
    assert {found.type for found in declared if accepts_tags(found)} == TAGGED


@pytest.mark.parametrize("kind", [aws.BUCKET_POLICY, aws.QUEUE_POLICY, aws.TOPIC_POLICY])
@pytest.mark.parametrize(
    "elements",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Action": "s3:GetObject"},
        {"Resource": "arn:aws:s3:::another"},
        {"Condition": {}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": ORG}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}},
        {"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}},
        {"Condition": "junk"},
    ],
)
def test_plain_http_is_denied_to_everybody_for_everything_on_no_other_condition(
    kind: str, elements: dict[str, Any]
) -> None:
    found = broken(with_first_statement(shown("dev"), kind, **elements))
    assert "plain_http_is_denied" in found


@pytest.mark.parametrize("kept", [0, 1])
def test_plain_http_is_denied_on_bucket_and_objects(kept: int) -> None:
    [policy] = [resource for resource in shown("dev") if resource.type == aws.BUCKET_POLICY]
    resources = json.loads(policy.props["policy"])["Statement"][0]["Resource"]
    found = broken(with_first_statement(shown("dev"), aws.BUCKET_POLICY, Resource=resources[kept]))
    assert found.keys() == {"plain_http_is_denied"}


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        (ROLE_POLICY, {"Action": "*", "Resource": TABLE_ARN}),
        (ROLE_POLICY, {"Action": "dynamodb:*", "Resource": TABLE_ARN}),
        (ROLE_POLICY, {"Action": ["dynamodb:GetItem", "dynamodb:Put*"], "Resource": TABLE_ARN}),
        (ROLE_POLICY, {"Action": "dynamodb:?etItem", "Resource": TABLE_ARN}),
        (ROLE_POLICY, {"NotAction": "iam:PassRole", "Resource": TABLE_ARN}),
        (
            aws.KEY,
            {"Principal": {"Service": "s3.amazonaws.com"}, "Action": "kms:*", "Resource": "*"},
        ),
        (aws.KEY, {"Principal": {"AWS": "123456789012"}, "Action": "kms:*", "Resource": "*"}),
        (aws.QUEUE_POLICY, {"Principal": {"AWS": "1"}, "Action": "sqs:*", "Resource": TABLE_ARN}),
    ],
)
def test_no_wildcard_action_is_allowed(kind: str, statement: dict[str, Any]) -> None:
    assert broken(allowing(shown("prod"), kind, statement)).keys() == {"actions_are_named"}


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "dynamodb:Scan", "Resource": "*"},
        {"Action": "dynamodb:Scan", "Resource": [TABLE_ARN, "*"]},
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::*"},
        {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:123456789012:*"},
        {"Action": "dynamodb:Scan", "NotResource": TABLE_ARN},
        {"Action": ["xray:PutTraceSegments", "xray:GetTraceSummaries"], "Resource": "*"},
    ],
)
def test_no_wildcard_resource_is_allowed(statement: dict[str, Any]) -> None:
    found = broken(allowing(shown("dev"), ROLE_POLICY, statement))
    assert found.keys() == {"resources_are_named"}


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["123456789012", "*"]}},
        {"Principal": None, "NotPrincipal": {"AWS": "123456789012"}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"StringNotEquals": ORG}},
        {"Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}},
        {"Condition": {"StringEqualsIfExists": ORG}},
        {"Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}},
    ],
)
def test_nothing_is_granted_to_strangers(elements: dict[str, Any]) -> None:
    statement = {key: value for key, value in (EVERYBODY | elements).items() if value}
    found = broken(allowing(shown("dev"), aws.QUEUE_POLICY, statement))
    assert found.keys() == {"principals_are_named"}


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"},
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"},
        {"Action": "logs:PutLogEvents", "Resource": "arn:aws:logs:eu-west-1:1:log-group:ours:*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {**EVERYBODY, "Condition": {"StringEquals": ORG}},
        {**EVERYBODY, "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE_ARN}}},
        {**EVERYBODY, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}},
    ],
)
def test_what_has_a_reason_is_allowed(statement: dict[str, Any]) -> None:
    assert broken(allowing(shown("dev"), ROLE_POLICY, statement)) == {}


def test_logs_may_be_kept_for_one_day() -> None:
    assert broken(changed(shown("dev"), aws.LOG_GROUP, "retentionInDays", 1.0)) == {}


def test_no_policy_of_aws_s_own_is_attached() -> None:
    attached = Resource(type=ATTACHMENT, urn=URN, props={"policyArn": AWS_POLICY})
    assert broken([attached]).keys() == {"attached_policies_are_customer_managed"}


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        ("aws:iam/policy:Policy", {"policy": WILDCARD}),
        (aws.ROLE, {"inlinePolicies": [{"policy": WILDCARD}]}),
        (aws.QUEUE, {"policy": WILDCARD}),
        (aws.KEY_POLICY, {"policy": WILDCARD}),
    ],
)
def test_a_document_is_read_wherever_it_stands(kind: str, props: dict[str, Any]) -> None:
    assert "actions_are_named" in broken([Resource(type=kind, urn=URN, props=props)])


@pytest.mark.parametrize("kind", PROTECTIONS)
def test_each_guard_must_be_there(kind: str) -> None:
    found = broken([resource for resource in shown("dev") if resource.type != kind])
    assert found == {"protections_are_declared": [f"{kind} must be declared for it, got none"]}


@pytest.mark.parametrize("kind", [aws.BUCKET, aws.QUEUE, aws.TOPIC])
def test_another_s_guard_guards_nothing(kind: str) -> None:
    [original] = [resource for resource in shown("dev") if resource.type == kind]
    found = rules.protections_are_declared([*shown("dev"), replace(original, urn=URN)])
    assert {urn for urn, _ in found} == {URN}
    assert len(found) == [guarded for guarded, _ in PROTECTIONS.values()].count(kind)


def test_a_guard_may_know_its_bucket_by_name_alone() -> None:
    bucket = Resource(type=aws.BUCKET, urn=URN, props={"bucket": "files"})
    guards = [
        Resource(type=kind, urn=f"{URN}-{kind}", props={by: "files"})
        for kind, (guarded, by) in PROTECTIONS.items()
        if guarded == aws.BUCKET
    ]
    assert rules.protections_are_declared([bucket, *guards]) == []


def test_a_bucket_has_one_notification() -> None:
    [first] = [resource for resource in shown("dev") if resource.type == aws.NOTIFICATION]
    found = rules.bucket_has_one_notification([*shown("dev"), replace(first, urn=URN)])
    assert found == [(URN, "bucket must have 1 BucketNotification, got another")]


def test_another_bucket_may_have_a_notification_too() -> None:
    other = Resource(type=aws.NOTIFICATION, urn=URN, props={"bucket": "elsewhere"})
    assert broken([*shown("dev"), other]) == {}
