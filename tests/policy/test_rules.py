"""The policy pack's rules, over what the program declares and over broken declarations."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import rules
from declared import (
    BUCKET,
    BUCKET_POLICY,
    ENCRYPTION,
    FUNCTION,
    KEY,
    LOG_GROUP,
    NOTIFICATION,
    OWNERSHIP,
    PERMISSION,
    PROTECTIONS,
    PUBLIC_ACCESS,
    QUEUE,
    QUEUE_POLICY,
    ROLE,
    TABLE,
    TAGGED,
    TOPIC,
    TOPIC_POLICY,
    UNKNOWN,
    VERSIONING,
    Resource,
    is_production,
)
from support.policy_stacks import ROLE_POLICY, URN, Stack, allowing, as_declared, broken, changed
from support.recorder import Program, accepts_tags

ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/files"
EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": TABLE_ARN}
ORG = {"aws:PrincipalOrgID": "o-1234"}


def with_first_statement(stack: Stack, kind: str, **elements: Any) -> Stack:
    """The same stack with other elements in the statement that denies plain HTTP, alone."""
    [text] = [resource.props["policy"] for resource in stack if resource.type == kind]
    document = json.loads(text)
    [deny] = [s for s in document["Statement"] if s["Sid"] == "DenyPlainHttp"]
    document["Statement"] = [deny | elements]
    return changed(stack, kind, "policy", json.dumps(document))


@pytest.fixture
def in_dev(dev: Program) -> Stack:
    return as_declared(dev)


@pytest.fixture
def in_prod(prod: Program) -> Stack:
    return as_declared(prod)


def test_nothing_is_wrong_with_dev(in_dev: Stack) -> None:
    assert broken(in_dev) == {}


def test_nothing_is_wrong_with_prod(in_prod: Stack) -> None:
    assert broken(in_prod) == {}


def test_nothing_is_wrong_with_an_extractor(extracting: Program) -> None:
    assert broken(as_declared(extracting)) == {}


FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
ALGORITHM = "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm"
HABITS: list[tuple[str, str, str, Any, str]] = [
    *(
        ("public_access_is_blocked", PUBLIC_ACCESS, flag, value, f"{flag} must be true, got ")
        for flag in FLAGS
        for value in (False, None)
    ),
    *(
        ("bucket_keeps_versions", VERSIONING, "versioningConfiguration", value, "status must be ")
        for value in ({"status": "Suspended"}, {}, None)
    ),
    ("bucket_is_encrypted", ENCRYPTION, "rules", None, "rules must have at least 1 rule, got"),
    ("bucket_is_encrypted", ENCRYPTION, "rules", [], "rules must have at least 1 rule, got []"),
    ("bucket_is_encrypted", ENCRYPTION, ALGORITHM, "none", "must be one of AES256, aws:kms"),
    ("bucket_owner_owns_objects", OWNERSHIP, "rule", {"objectOwnership": "ObjectWriter"}, "got"),
    ("bucket_owner_owns_objects", OWNERSHIP, "rule", None, "rule.objectOwnership must be"),
    ("queue_is_encrypted", QUEUE, "sqsManagedSseEnabled", False, "must be true, got False"),
    ("queue_is_encrypted", QUEUE, "sqsManagedSseEnabled", None, "must be true, got None"),
    ("topic_is_encrypted_in_production", TOPIC, "kmsMasterKeyId", "alias/aws/sns", "own, got"),
    ("table_can_be_restored", TABLE, "pointInTimeRecovery", None, "enabled must be true"),
    ("table_can_be_restored", TABLE, "pointInTimeRecovery.enabled", False, "got False"),
    ("logs_have_retention", LOG_GROUP, "retentionInDays", None, "must be 1 day or more, got None"),
    ("logs_have_retention", LOG_GROUP, "retentionInDays", 0.0, "must be 1 day or more, got 0.0"),
    ("permission_names_the_account", PERMISSION, "sourceAccount", None, "12 digits, got None"),
    ("permission_names_the_account", PERMISSION, "principal", "*", "principal must be a service"),
    ("plain_http_is_denied", BUCKET_POLICY, "policy", "", "policy must deny everybody every call"),
    ("actions_are_named", ROLE_POLICY, "policy", "{", "policy must be a policy document in JSON"),
]


@pytest.mark.parametrize(("rule", "kind", "path", "value", "message"), HABITS)
def test_a_guard_that_is_off_is_the_only_thing_said(
    in_dev: Stack, rule: str, kind: str, path: str, value: Any, message: str
) -> None:
    found = broken(changed(in_dev, kind, path, value))
    assert found.keys() == {rule}
    assert all(message in said for said in found[rule])


@pytest.mark.parametrize(
    ("rule", "kind", "path", "value"),
    [
        ("production_table_refuses_deletion", TABLE, "deletionProtectionEnabled", False),
        ("production_table_refuses_deletion", TABLE, "deletionProtectionEnabled", None),
        ("production_bucket_refuses_deletion", BUCKET, "forceDestroy", True),
        ("topic_is_encrypted_in_production", TOPIC, "kmsMasterKeyId", None),
        ("queue_is_encrypted", QUEUE, "kmsMasterKeyId", None),
        ("table_has_a_kms_key_in_production", TABLE, "serverSideEncryption", {"enabled": False}),
        ("table_has_a_kms_key_in_production", TABLE, "serverSideEncryption", None),
        ("key_rotates", KEY, "enableKeyRotation", False),
        ("key_rotates", KEY, "enableKeyRotation", None),
    ],
)
def test_in_prod_a_guard_that_is_off_is_the_only_thing_said(
    in_prod: Stack, rule: str, kind: str, path: str, value: Any
) -> None:
    assert broken(changed(in_prod, kind, path, value)).keys() == {rule}


@pytest.mark.parametrize("kind", [BUCKET, TABLE])
def test_prod_data_must_be_protected(in_prod: Stack, kind: str) -> None:
    bare = [replace(r, protect=r.protect and r.type != kind) for r in in_prod]
    assert broken(bare) == {"production_data_is_protected": ["protect must be true, got False"]}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("prod", True),
        ("production", True),
        ("eu-prod-2", True),
        ("PROD", True),
        ("blue/Production", True),
        ("product", False),
        ("reproduction", False),
        ("preprod", False),
        ("", False),
        (UNKNOWN, False),
    ],
)
def test_production_is_a_word_of_the_environment_s_tag(environment: Any, expected: bool) -> None:
    table = Resource(type=TABLE, urn=URN, props={"tags": {"Environment": environment}})
    assert is_production(table) is expected


@pytest.mark.parametrize(
    ("stack", "expected"), [("prod", True), ("eu-prod", True), ("dev", False), ("product", False)]
)
def test_production_is_a_word_of_the_stack_s_name(stack: str, expected: bool) -> None:
    table = Resource(type=TABLE, urn=URN.replace(":dev:", f":{stack}:"), props={})
    assert is_production(table) is expected


@pytest.mark.parametrize("tag", ["Environment", "Project"])
@pytest.mark.parametrize("kind", sorted(TAGGED))
def test_each_tag_is_required_of_each_kind(
    extracting: Program, bus: Program, kind: str, tag: str
) -> None:
    here = any(one.type == kind for one in extracting.resources)
    stack = as_declared(extracting if here else bus)
    found = broken(changed(stack, kind, f"tags.{tag}", None))
    assert found.keys() == {"tags_name_environment_and_project"}
    assert set(found["tags_name_environment_and_project"]) == {
        f"tags.{tag} must be a name, got None"
    }


def test_all_that_takes_tags_is_known_to_take_them(
    dev: Program, extracting: Program, bus: Program
) -> None:
    declared = [*dev.resources, *extracting.resources, *bus.resources]
    assert {found.type for found in declared if accepts_tags(found)} == TAGGED


@pytest.mark.parametrize("kind", [BUCKET_POLICY, QUEUE_POLICY, TOPIC_POLICY])
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
    in_dev: Stack, kind: str, elements: dict[str, Any]
) -> None:
    found = broken(with_first_statement(in_dev, kind, **elements))
    assert "plain_http_is_denied" in found


@pytest.mark.parametrize("kept", [0, 1])
def test_plain_http_is_denied_on_bucket_and_objects(in_dev: Stack, kept: int) -> None:
    [policy] = [resource for resource in in_dev if resource.type == BUCKET_POLICY]
    resources = json.loads(policy.props["policy"])["Statement"][0]["Resource"]
    found = broken(with_first_statement(in_dev, BUCKET_POLICY, Resource=resources[kept]))
    assert found.keys() == {"plain_http_is_denied"}


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        (ROLE_POLICY, {"Action": "*", "Resource": TABLE_ARN}),
        (ROLE_POLICY, {"Action": "dynamodb:*", "Resource": TABLE_ARN}),
        (ROLE_POLICY, {"Action": ["dynamodb:GetItem", "dynamodb:Put*"], "Resource": TABLE_ARN}),
        (ROLE_POLICY, {"Action": "dynamodb:?etItem", "Resource": TABLE_ARN}),
        (ROLE_POLICY, {"NotAction": "iam:PassRole", "Resource": TABLE_ARN}),
        (KEY, {"Principal": {"Service": "s3.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}),
        (KEY, {"Principal": {"AWS": "123456789012"}, "Action": "kms:*", "Resource": "*"}),
        (QUEUE_POLICY, {"Principal": {"AWS": "1"}, "Action": "sqs:*", "Resource": TABLE_ARN}),
    ],
)
def test_no_wildcard_action_is_allowed(
    in_prod: Stack, kind: str, statement: dict[str, Any]
) -> None:
    assert broken(allowing(in_prod, kind, statement)).keys() == {"actions_are_named"}


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
def test_no_wildcard_resource_is_allowed(in_dev: Stack, statement: dict[str, Any]) -> None:
    found = broken(allowing(in_dev, ROLE_POLICY, statement))
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
def test_nothing_is_granted_to_strangers(in_dev: Stack, elements: dict[str, Any]) -> None:
    statement = {key: value for key, value in (EVERYBODY | elements).items() if value}
    found = broken(allowing(in_dev, QUEUE_POLICY, statement))
    assert found.keys() == {"principals_are_named"}


def test_the_role_is_for_nobody_else(in_dev: Stack) -> None:
    trust = {"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    found = broken(allowing(in_dev, ROLE, trust, "assumeRolePolicy"))
    assert found.keys() == {"principals_are_named"}


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"},
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"},
        {"Action": "logs:PutLogEvents", "Resource": "arn:aws:logs:eu-west-1:1:log-group:ours:*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {**EVERYBODY, "Condition": {"StringEquals": ORG}},
        {**EVERYBODY, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}},
    ],
)
def test_what_has_a_reason_is_allowed(in_dev: Stack, statement: dict[str, Any]) -> None:
    assert broken(allowing(in_dev, ROLE_POLICY, statement)) == {}


@pytest.mark.parametrize(
    "added",
    [
        Resource(type=ATTACHMENT, urn=URN, props={"policyArn": "arn:aws:iam::aws:policy/ReadOnly"}),
        Resource(
            type=ROLE,
            urn=URN,
            props={
                "managedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
                "tags": {"Environment": "dev", "Project": "DataPipeline"},
            },
        ),
    ],
)
def test_no_policy_of_aws_s_own_is_attached(in_dev: Stack, added: Resource) -> None:
    assert broken([*in_dev, added]).keys() == {"attached_policies_are_customer_managed"}


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        ("aws:iam/policy:Policy", {"policy": {"Statement": {"Action": "s3:*"}}}),
        (ROLE, {"inlinePolicies": [{"policy": {"Statement": {"Action": "s3:*"}}}]}),
        (QUEUE, {"policy": {"Statement": {"Action": "s3:*"}}}),
        ("aws:kms/keyPolicy:KeyPolicy", {"policy": {"Statement": {"Action": "kms:*"}}}),
    ],
)
def test_a_document_is_read_wherever_it_stands(
    kind: str, props: dict[str, Any], in_dev: Stack
) -> None:
    text = json.loads(json.dumps(props).replace('{"Action"', '{"Effect": "Allow", "Action"'))
    found = broken([Resource(type=kind, urn=URN, props=text)])
    assert "actions_are_named" in found


@pytest.mark.parametrize("kind", PROTECTIONS)
def test_each_guard_must_be_there(in_dev: Stack, kind: str) -> None:
    found = broken([resource for resource in in_dev if resource.type != kind])
    assert found == {"protections_are_declared": [f"{kind} must be declared for it, got none"]}


@pytest.mark.parametrize("kind", [BUCKET, QUEUE, TOPIC])
def test_another_s_guard_guards_nothing(in_dev: Stack, kind: str) -> None:
    [original] = [resource for resource in in_dev if resource.type == kind]
    found = rules.protections_are_declared([*in_dev, replace(original, urn=URN)])
    assert {urn for urn, _ in found} == {URN}
    assert len(found) == [guarded for guarded, _ in PROTECTIONS.values()].count(kind)


def test_a_guard_may_know_its_bucket_by_name_alone() -> None:
    bucket = Resource(type=BUCKET, urn=URN, props={"bucket": "files"})
    guards = [
        Resource(type=kind, urn=f"{URN}-{kind}", props={by: "files"})
        for kind, (guarded, by) in PROTECTIONS.items()
        if guarded == BUCKET
    ]
    assert rules.protections_are_declared([bucket, *guards]) == []


def test_a_bucket_has_one_notification(in_dev: Stack) -> None:
    [first] = [resource for resource in in_dev if resource.type == NOTIFICATION]
    found = rules.bucket_has_one_notification([*in_dev, replace(first, urn=URN)])
    assert found == [(URN, "bucket must have 1 BucketNotification, got another")]


def test_another_bucket_may_have_a_notification_too(in_dev: Stack) -> None:
    other = Resource(type=NOTIFICATION, urn=URN, props={"bucket": "elsewhere"})
    assert broken([*in_dev, other]) == {}


@pytest.mark.parametrize("rule", [*rules.RESOURCE_RULES, *rules.STACK_RULES])
def test_a_rule_has_nothing_to_say_of_other_things(rule: Callable[[Any], Any]) -> None:
    function = Resource(
        type=FUNCTION, urn=URN, props={"tags": {"Environment": "dev", "Project": "DataPipeline"}}
    )
    assert rule([function] if rule in rules.STACK_RULES else function) == []
