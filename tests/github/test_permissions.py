"""What GitHub's roles may do, held to the types that the program declares."""

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from declared import TAGGED
from permissions import ACCESS, ON_EVERYTHING
from pipeline import role_policies
from support.extractors import EXTRACTOR
from support.github_example import (
    ROLES,
    actions,
    boundary_of,
    declared_example,
    grants,
    policies_of,
)
from support.linter import parliament
from support.recorder import ACCOUNT, EVENTBRIDGE, REGIONS, Program, declare

# Every type that the program can declare, by way of its configuration.
STACKS = {
    "dev": ("dev", {"batchOperations": "true", "accessLogBucket": "logs", "extractor": EXTRACTOR}),
    "prod": ("prod", {"alarmEmail": "a@example.com", "batchOperations": "true"}),
}
# By which input a type has its own name, where Pulumi does not make one up.
NAME_INPUTS = ("name", "bucket", "dashboardName")
NAMED = re.compile(
    r".*:(Bucket|Table|Function|LogGroup|Role|Queue|Topic|MetricAlarm|Dashboard|Schedule)"
)
NAMED_TYPES = [kind for kind in ACCESS if NAMED.fullmatch(kind)]
DATA = {
    "s3:GetObject",
    "s3:GetObjectVersion",
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "sqs:ReceiveMessage",
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
    "lambda:InvokeFunction",
}


def conditions(action: str, role: str, program: Program | None = None) -> list[Any]:
    """On which conditions a role may call an action, a statement each."""
    found = grants(*policies_of(role, program))
    return [statement["Condition"] for allowed, _, statement in found if allowed == action]


def access_level(action: str) -> str:
    service, _, name = action.partition(":")
    [level] = {
        privilege["access_level"]
        for of_service in parliament.iam_definition
        if of_service["prefix"] == service
        for privilege in of_service["privileges"]
        if privilege["privilege"] == name
    }
    return level


def test_every_type_that_the_program_declares_has_permissions() -> None:
    """A new type without its calls in permissions.py, or one that is gone, is red."""
    stacks = [*STACKS.values(), ("dev", EVENTBRIDGE)]
    types = {one.type for stack in stacks for one in declare(*stack).resources if one.custom}
    assert types == ACCESS.keys()


@pytest.mark.parametrize("kind", ACCESS)
def test_a_type_can_be_read_made_and_unmade(kind: str) -> None:
    access = ACCESS[kind]
    verbs = {action.partition(":")[2] for action in access.writes}
    assert access.reads
    assert any(verb.startswith(("Create", "Put", "Set", "Add", "Subscribe")) for verb in verbs)
    # What has no deletion of its own is set back by the same call that sets it.
    undoing = ("Delete", "Remove", "Unsubscribe", "Schedule", "Put", "Set")
    assert any(verb.startswith(undoing) for verb in verbs)
    tagging = {verb for verb in verbs if verb.startswith(("Tag", "Untag"))}
    assert len(tagging) == (2 if kind in TAGGED else 0)


@pytest.mark.parametrize("stack", STACKS)
def test_a_deployment_may_make_each_call_for_each_type(stack: str) -> None:
    granted = actions(*policies_of(f"deploy-{stack}"))
    needed = {action for access in ACCESS.values() for action in (*access.reads, *access.writes)}
    assert needed - granted == set()


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", NAMED_TYPES)
def test_the_names_of_the_program_are_within_reach(stack: str, kind: str) -> None:
    """Each resource's own name matches an ARN on which the deployment may create its type."""
    create = ACCESS[kind].writes[0]
    tails = {
        resource.rpartition("/")[2].rpartition(":")[2]
        for action, resource, _ in grants(*policies_of(f"deploy-{stack}"))
        if action == create
    }
    for one in declare(*STACKS[stack]).all(kind):
        name = next((one.inputs[key] for key in NAME_INPUTS if one.inputs.get(key)), None)
        name = name or f"{one.name}-1234567"
        assert any(fnmatchcase(name, tail) for tail in tails), (name, tails)


def test_a_preview_may_read_each_resource_and_write_none() -> None:
    granted = actions(*policies_of("preview-prod"))
    needed = {action for access in ACCESS.values() for action in access.reads}
    assert granted == needed | {"kms:Decrypt"}
    assert {access_level(action) for action in needed} <= {"Read", "List"}


@pytest.mark.parametrize(
    ("role", "partition", "service"),
    [
        ("preview-prod", "aws", "lambda.eu-west-1.amazonaws.com"),
        ("preview-prod", "aws-cn", "lambda.cn-north-1.amazonaws.com.cn"),
        ("test-dev", "aws", "dynamodb.eu-west-1.amazonaws.com"),
    ],
)
def test_a_role_decrypts_through_one_service_alone(role: str, partition: str, service: str) -> None:
    found = conditions("kms:Decrypt", role, declared_example(REGIONS[partition]))
    assert found == [{"StringEquals": {"kms:ViaService": [service]}}]


@pytest.mark.parametrize("role", ["preview-dev", "preview-prod", "deploy-dev", "deploy-prod"])
def test_no_file_row_or_message_is_read(role: str) -> None:
    assert actions(*policies_of(role)) & DATA == set()


def test_the_tests_touch_objects_of_their_own() -> None:
    found = grants(*policies_of("test-dev"))
    touched = {resource for action, resource, _ in found if "Object" in action}
    assert touched == {"arn:aws:s3:::file-metadata-*/e2e-*"}


def test_table_and_function_are_put_under_the_key_through_their_services() -> None:
    """See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html."""
    services = ["dynamodb.eu-west-1.amazonaws.com", "lambda.eu-west-1.amazonaws.com"]
    through = {"StringEquals": {"kms:ViaService": services}}
    found = grants(*policies_of("deploy-prod"))
    assert {action for action, _, of in found if of.get("Condition") == through} == {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    }


def test_the_boundary_holds_all_that_the_pipeline_grants() -> None:
    at = f"eu-west-1:{ACCOUNT}"
    bucket = "arn:aws:s3:::file-metadata-bucket-objects-1234567"
    table = f"arn:aws:dynamodb:{at}:table/file-metadata-table-dev"
    function = f"arn:aws:lambda:{at}:function:file-metadata-processor-function-1234567"

    def of(part: str) -> dict[str, Any]:
        return {
            "bucket_arn": bucket,
            "table_arn": table,
            "log_group_arn": f"arn:aws:logs:{at}:log-group:file-metadata-{part}-logs-1234567",
            "key_arn": f"arn:aws:kms:{at}:key/1",
            "tracing": True,
        }

    queue = f"arn:aws:sqs:{at}:file-metadata-failures-events-1234567"
    stream = f"{table}/stream/2026-01-01T00:00:00.000"
    granted = [
        role_policies.process_files(queue_arn=queue, **of("processor")),
        role_policies.extract_files(stream_arn=stream, **of("extractor")),
        role_policies.run_batch_jobs(bucket_arn=bucket, function_arn=function),
        role_policies.audit(repairing_arn=function, **of("audit")),
        role_policies.invoke_audit(function),
    ]
    within = [(action, on) for action, on, _ in grants(boundary_of("dev"))]
    beyond = [
        (action, resource)
        for action, resource, _ in grants(*granted)
        if not any(action == one and fnmatchcase(resource, on) for one, on in within)
    ]
    assert beyond == []
    assert {action for action, _ in within} == actions(*granted)


@pytest.mark.parametrize("role", ROLES)
def test_only_what_has_no_resource_is_allowed_on_everything(role: str) -> None:
    found = grants(*policies_of(role))
    assert {action for action, resource, _ in found if resource == "*"} <= ON_EVERYTHING


@pytest.mark.parametrize(("stack", "other"), [("dev", "prod"), ("prod", "dev")])
def test_what_has_a_stacks_name_is_that_stacks(stack: str, other: str) -> None:
    found = {resource for _, resource, _ in grants(*policies_of(f"deploy-{stack}"))}
    services = {resource.split(":")[2] for resource in found if resource.endswith(f"-{stack}")}
    assert services == {"dynamodb", "cloudwatch", "kms"}
    assert [resource for resource in found if resource.endswith(f"-{other}")] == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_role_is_passed_to_lambda_and_to_the_scheduler_alone(stack: str) -> None:
    [(resource, condition)] = [
        (resource, statement["Condition"])
        for action, resource, statement in grants(*policies_of(f"deploy-{stack}"))
        if action == "iam:PassRole"
    ]
    assert resource == f"arn:aws:iam::{ACCOUNT}:role/file-metadata-*"
    services = ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
    assert condition == {"StringEquals": {"iam:PassedToService": services}}


@pytest.mark.parametrize(
    ("action", "tags_of"),
    [
        ("kms:CreateKey", ["Request"]),
        ("kms:PutKeyPolicy", ["Resource"]),
        ("kms:UntagResource", ["Resource"]),
        # The provider sends the tags that are new or changed, without those that we know it by.
        ("kms:TagResource", ["Request", "Resource"]),
    ],
)
def test_only_a_key_with_the_stacks_tags_is_made_or_changed(
    action: str, tags_of: list[str]
) -> None:
    tags = declare(*STACKS["prod"]).one("aws:kms/key:Key").inputs["tags"]
    assert conditions(action, "deploy-prod") == [
        {"StringEquals": {f"aws:{one}Tag/{key}": value for key, value in tags.items()}}
        for one in tags_of
    ]


def test_the_boundary_holds_an_existing_key_if_there_is_one() -> None:
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/existing"
    used = [
        (action, statement.get("Condition"))
        for action, resource, statement in grants(
            boundary_of("dev", declared_example(existingKeyArn=key))
        )
        if resource == key
    ]
    assert used == [("kms:Decrypt", None), ("kms:GenerateDataKey", None)]


def test_the_boundary_holds_a_followed_bucket_and_its_key_if_there_are_any() -> None:
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/theirs"
    example = declared_example(followedBucket="theirs", followedKeyArn=key)
    used = {
        (action, resource): statement.get("Condition")
        for action, resource, statement in grants(boundary_of("dev", example))
        if "theirs" in resource
    }
    through_s3 = {"StringEquals": {"kms:ViaService": ["s3.eu-west-1.amazonaws.com"]}}
    assert used == {
        ("s3:GetObject", "arn:aws:s3:::theirs/*"): None,
        ("s3:GetObjectVersion", "arn:aws:s3:::theirs/*"): None,
        ("s3:ListBucket", "arn:aws:s3:::theirs"): None,
        ("s3:ListBucketVersions", "arn:aws:s3:::theirs"): None,
        ("s3:PutInventoryConfiguration", "arn:aws:s3:::theirs"): None,
        ("kms:Decrypt", key): through_s3,
    }


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_delete_a_key(role: str) -> None:
    assert actions(*policies_of(role)) & {"kms:ScheduleKeyDeletion", "kms:DisableKey"} == set()


def test_no_key_with_another_alias_is_taken_by_tagging_it() -> None:
    [denied] = [
        statement
        for policy in policies_of("deploy-prod")
        for statement in policy["Statement"]
        if statement["Effect"] == "Deny"
    ]
    alias = declare(*STACKS["prod"]).one("aws:kms/alias:Alias").inputs["name"]
    assert denied["Condition"] == {"ForAnyValue:StringNotEquals": {"kms:ResourceAliases": alias}}
    assert "kms:TagResource" in denied["Action"]
    assert fnmatchcase(f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1", denied["Resource"])
