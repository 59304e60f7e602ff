"""Every policy document that a stack declares passes a policy linter, but for named exceptions."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from support.extractors import EXTRACTOR
from support.linter import lint
from support.recorder import ACCOUNT, EVENTBRIDGE, Program, declare

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
KEY = "aws:kms/key:Key"
OBJECTS_KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/theirs"
STACKS = {
    "dev": ("dev", {}),
    "prod": ("prod", {}),
    "traced": ("dev", {"tracing": "true"}),
    "audited": ("dev", {"audit": "repair", "tracing": "true"}),
    "batch": ("dev", {"batchOperations": "true"}),
    "extracting": ("dev", {"extractor": EXTRACTOR}),
    "eventbridge": ("prod", EVENTBRIDGE | {"bucketKmsKeyArn": OBJECTS_KEY}),
}
# The recorder writes every ARN alike; these are AWS's forms of those that differ.
REAL_ARNS = {
    r"arn:aws:s3:[^:]+:\d+:": "arn:aws:s3:::",
    r"(arn:aws:dynamodb:[^:]+:\d+:)": r"\1table/",
    r"(arn:aws:kms:[^:]+:\d+:)": r"\1key/",
    r"(arn:aws:lambda:[^:]+:\d+:)": r"\1function:",
    r"arn:aws:cloudwatch:([^:]+:\d+:)": r"arn:aws:logs:\1log-group:",
}

Policy = dict[str, Any]


@dataclass(frozen=True)
class Document:
    """A policy as a resource declares it."""

    type: str
    field: str
    policy: Policy


@dataclass(frozen=True)
class Allowed:
    """A finding that is none."""

    type: str
    issue: str
    detail: str
    """What the finding's own detail has in it."""
    reason: str

    def covers(self, document: Document, finding: tuple[str, str]) -> bool:
        issue, detail = finding
        return (self.type, self.issue) == (document.type, issue) and self.detail in detail


EXCEPTIONS = [
    Allowed(
        BUCKET_POLICY,
        "MISMATCHED_TYPE",
        "s3:TlsVersion requires a value of type Numeric but given ['1.2']",
        "the linter's numbers are whole ones; AWS's own example compares with 1.2",
    ),
    Allowed(
        BUCKET_POLICY,
        "UNKNOWN_CONDITION_FOR_ACTION",
        "Unknown condition s3:TlsVersion for action s3:",
        "a denial of s3:* takes in a few actions on which the linter lists no condition at all",
    ),
    Allowed(
        ROLE_POLICY,
        "RESOURCE_MISMATCH",
        "dynamodb:ListStreams",
        "the linter's list knows no resource for it; AWS's own example has the table's streams",
    ),
    Allowed(
        KEY,
        "RESOURCE_STAR",
        "kms:",
        "in a key policy, * is the key itself",
    ),
    Allowed(
        KEY,
        "UNKNOWN_CONDITION_FOR_ACTION",
        "Unknown condition kms:EncryptionContext:aws:logs:arn for action kms:DescribeKey",
        "AWS's own policy for log groups has it so; without a context it grants nothing",
    ),
    Allowed(
        KEY,
        "MISMATCHED_TYPE",
        "ArnLike requires a value of type Arn but given String",
        "the context is a text that holds an ARN; AWS's own policy compares it so",
    ),
]


def policies_in(value: Any) -> Iterator[Policy]:
    """Find every policy in a resource's input: a document, or its text, at any depth."""
    if isinstance(value, str) and '"Statement"' in value:
        value = json.loads(value)
    if isinstance(value, dict) and "Statement" in value:
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from policies_in(part)


def documents(program: Program) -> list[Document]:
    return [
        Document(resource.type, field, as_aws_writes_arns(policy))
        for resource in program.resources
        for field, value in resource.inputs.items()
        for policy in policies_in(value)
    ]


def as_aws_writes_arns(policy: Policy) -> Policy:
    text = json.dumps(policy)
    for form, real in REAL_ARNS.items():
        text = re.sub(form, real, text)
    written: Policy = json.loads(text)
    return written


def findings(document: Document) -> list[tuple[str, str]]:
    """Lint a policy; each finding's issue and detail."""
    policy = document.policy
    if document.field == "assumeRolePolicy":
        # The linter knows no trust policies, which name no resource: the role itself is it.
        role = {"Resource": f"arn:aws:iam::{ACCOUNT}:role/any"}
        policy = policy | {"Statement": [role | found for found in policy["Statement"]]}
    return lint(json.dumps(policy))


@pytest.fixture(scope="module")
def declared() -> dict[str, list[Document]]:
    """Every policy document, by stack."""
    return {name: documents(declare(*stack)) for name, stack in STACKS.items()}


@pytest.mark.parametrize("stack", STACKS)
def test_every_policy_of_a_stack_passes_the_linter(
    declared: dict[str, list[Document]], stack: str
) -> None:
    found = {
        (document.type, document.field, *finding)
        for document in declared[stack]
        for finding in findings(document)
        if not any(allowed.covers(document, finding) for allowed in EXCEPTIONS)
    }
    assert found == set()


def test_the_lint_reads_the_policies_of_all_that_have_one(
    declared: dict[str, list[Document]],
) -> None:
    types = {ROLE, ROLE_POLICY, BUCKET_POLICY, QUEUE_POLICY, TOPIC_POLICY, KEY}
    assert types <= {document.type for document in declared["prod"]}


@pytest.mark.parametrize("allowed", EXCEPTIONS, ids=lambda found: f"{found.type} {found.issue}")
def test_every_exception_is_still_needed(
    declared: dict[str, list[Document]], allowed: Allowed
) -> None:
    assert any(
        allowed.covers(document, finding)
        for of_stack in declared.values()
        for document in of_stack
        for finding in findings(document)
    )


@pytest.mark.parametrize("stack", STACKS)
def test_an_action_that_does_not_exist_is_found_in_every_policy(
    declared: dict[str, list[Document]], stack: str
) -> None:
    missed = []
    for document in declared[stack]:
        first, *others = document.policy["Statement"]
        policy = document.policy | {"Statement": [first | {"Action": "s3:GetFile"}, *others]}
        found = findings(replace(document, policy=policy))
        if "UNKNOWN_ACTION" not in {issue for issue, _ in found}:
            missed.append((document.type, document.field))
    assert missed == []
