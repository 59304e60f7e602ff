"""Builds the policies of the roles that GitHub Actions assumes. Pure: returns dicts."""

import re
from dataclasses import dataclass
from typing import Any

from permissions import (
    ACCESS,
    BOUNDARY,
    BUCKETS,
    FUNCTIONS,
    KEYS,
    LOG_GROUPS,
    ON_EVERYTHING,
    ONLY_IF,
    QUEUES,
    ROLES,
    TABLE,
)
from pipeline import names
from pipeline.policy_document import policy

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
PROJECT = "file-metadata-pipeline"
BRANCH = "main"
FROM_BRANCH = "dev"
"""The stack that every push to the branch deploys; each other stack needs its environment."""
TEST_PREFIX = "e2e-"
PASSED_TO = ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
"""The services that a deployment passes roles to; an operator passes one to Batch Operations."""

Policy = dict[str, Any]
Statement = dict[str, Any]

_OWNER, _NAME, _ID = r"[A-Za-z0-9_-]+", r"[A-Za-z0-9._-]+", r"(@[0-9]+)?"
_REPOSITORY = re.compile(rf"{_OWNER}{_ID}/{_NAME}{_ID}")


@dataclass(frozen=True, kw_only=True)
class Where:
    """The account, region and partition of the pipeline's stacks."""

    account: str
    region: str
    partition: str
    """The second part of every ARN."""
    dns_suffix: str
    """The end of the names of the region's services, such as ``amazonaws.com``."""

    def filled(self, text: str, stack: str = "") -> str:
        """Return a text with its fields filled in."""
        return text.format(**vars(self), stack=stack)

    def arn(self, resources: str, stack: str = "") -> str:
        """Return the whole ARN of an ARN without ``arn:{partition}:``, its fields filled in."""
        return self.filled(f"arn:{{partition}}:{resources}", stack)


def provider_arn(where: Where) -> str:
    """Return the ARN of an account's OIDC provider for GitHub."""
    return where.arn(f"iam::{{account}}:oidc-provider/{ISSUER}")


def repository(name: str) -> str:
    """Check the repository's name, which must not contain a wildcard.

    The tokens of repositories since July 2026 have ids in their subject, so that a later owner of
    the same name cannot assume the roles:
    https://docs.github.com/en/actions/reference/security/oidc

    Raises:
        ValueError: the name is invalid.
    """
    if not _REPOSITORY.fullmatch(name):
        raise ValueError(f"repository must be owner/name or owner@id/name@id, got {name!r}")
    return name


def subjects_of_previews(repo: str) -> list[str]:
    """The subjects of jobs of pull requests, and of the main branch, for the drift check."""
    return [f"repo:{repo}:pull_request", f"repo:{repo}:ref:refs/heads/{BRANCH}"]


def subject_of_deployment(repo: str, stack: str) -> str:
    """The subject of jobs that deploy a stack: the main branch for dev, else the environment."""
    if stack == FROM_BRANCH:
        return f"repo:{repo}:ref:refs/heads/{BRANCH}"
    return f"repo:{repo}:environment:{stack}"


def trust(provider_arn: str, subjects: list[str]) -> Policy:
    """Let GitHub's jobs with these subjects, and no others, assume the role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_cond.html
    """
    return policy(
        {
            "Sid": "GitHubAssumesRole",
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subjects}},
        }
    )


def reads(where: Where, stack: str) -> Policy:
    """Allow what a preview reads of a stack."""
    statements = _statements(where, stack, writing=False)
    return policy(*statements, _environment_of_function(where))


def deploys(where: Where, stack: str) -> Policy:
    """Allow what a deployment of a stack reads, creates, updates and deletes.

    It gives roles permissions, but only to roles within the stack's boundary.
    """
    passed_to = {"StringEquals": {"iam:PassedToService": PASSED_TO}}
    return policy(
        *_statements(where, stack, writing=True),
        _environment_of_function(where),
        _allow("PassRoleToServices", "iam:PassRole", where.arn(ROLES), passed_to),
        *_key_through_services(where),
        # The provider sends only the changed tags, without those that identify the key.
        _allow("RetagKey", "kms:TagResource", where.arn(KEYS), _tagged(stack)),
        _leave_other_keys(where, stack),
    )


def boundary_name(stack: str) -> str:
    """Return the name of a stack's boundary, by which deployments must know it."""
    return BOUNDARY.rpartition("/")[2].format(stack=stack)


def boundary(
    where: Where,
    stack: str,
    key_arn: str = "",
    followed_bucket: str = "",
    followed_key_arn: str = "",
) -> Policy:
    """Limit what a stack's roles may do, whatever a deployment allows them.

    It allows everything that the pipeline's roles allow the functions and their invokers.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html

    Args:
        where: the stack's account and region.
        stack: its name.
        key_arn: the existing key that its ``kmsKeyArn`` names; empty for none.
        followed_bucket: somebody else's bucket that it follows; empty for none.
        followed_key_arn: the key of that bucket's objects; empty for none.
    """
    table = where.arn(TABLE, stack)
    use = ["kms:Decrypt", "kms:GenerateDataKey"]
    existing = [_allow("UseExistingKey", use, key_arn)] if key_arn else []
    buckets = [where.arn(BUCKETS)]
    if followed_bucket:
        buckets.append(f"arn:{where.partition}:s3:::{followed_bucket}")
    if followed_key_arn:
        via = _via(where, "s3")
        existing.append(_allow("DecryptFollowedObjects", "kms:Decrypt", followed_key_arn, via))
    return policy(
        _allow(
            "ReadObjects",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [f"{one}/*" for one in buckets],
        ),
        _allow(
            "ListBucket",
            ["s3:ListBucket", "s3:ListBucketVersions", "s3:PutInventoryConfiguration"],
            buckets,
        ),
        _allow(
            "UseRows",
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan", "dynamodb:UpdateItem"],
            table,
        ),
        _allow(
            "ReadStream",
            [
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
            ],
            f"{table}/stream/*",
        ),
        _allow("SendFailedEvents", "sqs:SendMessage", where.arn(QUEUES)),
        _allow("InvokeFunction", "lambda:InvokeFunction", where.arn(FUNCTIONS)),
        _allow(
            "Log",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            where.arn(f"{LOG_GROUPS}:*"),
        ),
        _allow("UseKey", use, where.arn(KEYS), _tagged(stack)),
        *existing,
        _allow("Trace", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
    )


def exercise(where: Where, stack: str) -> Policy:
    """Allow what the tests of a deployed stack do; they write only their own objects."""
    return policy(
        _allow(
            "UseObjects",
            ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:PutObject"],
            where.arn(f"{BUCKETS}/{TEST_PREFIX}*"),
        ),
        _allow(
            "ReadBucket", ["s3:GetBucketNotification", "s3:ListBucketVersions"], where.arn(BUCKETS)
        ),
        _allow(
            "ReadRows",
            ["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Scan"],
            where.arn(TABLE, stack),
        ),
        _allow(
            "Redrive",
            [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            where.arn(QUEUES),
        ),
        _allow("InvokeFunction", "lambda:InvokeFunction", where.arn(FUNCTIONS)),
        _allow("SeeAlarms", "cloudwatch:DescribeAlarms", "*"),
        # DynamoDB uses the table's key on behalf of the reader.
        _allow("ReadRowsUnderKey", "kms:Decrypt", where.arn(KEYS), _via(where, "dynamodb")),
    )


def state(where: Where, *, bucket: str, key_arn: str, stack: str, writing: bool) -> Policy:
    """Allow the use of a stack's state in a bucket.

    A preview takes no lock, so it writes nothing.

    Args:
        where: has the bucket's partition.
        bucket: its name.
        key_arn: the key of the secrets provider; empty for none.
        stack: the stack's name.
        writing: whether the state may be changed.
    """
    folder = f"arn:{where.partition}:s3:::{bucket}/.pulumi"
    files = [f"{folder}/*/{PROJECT}/{stack}.*", f"{folder}/*/{PROJECT}/{stack}/*"]
    statements = [
        _allow("FindState", "s3:ListBucket", f"arn:{where.partition}:s3:::{bucket}"),
        _allow("ReadState", "s3:GetObject", [f"{folder}/meta.yaml", *files]),
    ]
    if writing:
        statements.append(_allow("WriteState", ["s3:DeleteObject", "s3:PutObject"], files))
    if key_arn:
        actions = ["kms:Decrypt", "kms:Encrypt"] if writing else ["kms:Decrypt"]
        statements.append(_allow("UseSecrets", actions, key_arn))
    return policy(*statements)


def _statements(where: Where, stack: str, *, writing: bool) -> list[Statement]:
    """One statement for all actions of a service with the same resources and condition."""
    statements: dict[str, Statement] = {}
    for access in ACCESS.values():
        arns = [where.arn(one, stack) for one in access.on]
        for action in (*access.reads, *access.writes) if writing else access.reads:
            condition = {
                operator: {key: where.filled(value, stack) for key, value in wanted.items()}
                for operator, wanted in ONLY_IF.get(action, {}).items()
            }
            # Without a Sid, because a role's policies have at most 10,240 characters in total.
            statement = _allow("", [], ["*"] if action in ON_EVERYTHING else arns, condition)
            service = action.partition(":")[0]
            same = statements.setdefault(f"{service} {statement}", statement)
            same["Action"] = sorted({*same["Action"], action})
    return list(statements.values())


def _environment_of_function(where: Where) -> Statement:
    """Allow reading the function's environment, which contains only names of resources.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    """
    return _allow("SeeEnvironment", "kms:Decrypt", where.arn(KEYS), _via(where, "lambda"))


def _key_through_services(where: Where) -> list[Statement]:
    """Allow encrypting table and function with the key; DynamoDB and Lambda get grants for it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    """
    use = [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ]
    through = _via(where, "dynamodb", "lambda")
    for_service = through | {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        _allow("UseKeyThroughServices", use, where.arn(KEYS), through),
        _allow("GrantKeyToServices", "kms:CreateGrant", where.arn(KEYS), for_service),
    ]


def _leave_other_keys(where: Where, stack: str) -> Statement:
    """Deny tagging a key that has another alias, which would give the role access to that key.

    A new key has no alias yet.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
    """
    return {
        "Sid": "LeaveOtherKeys",
        "Effect": "Deny",
        "Action": ["kms:CreateAlias", "kms:TagResource"],
        "Resource": where.arn(KEYS),
        "Condition": {
            "ForAnyValue:StringNotEquals": {"kms:ResourceAliases": names.alias_name(stack)}
        },
    }


def _tagged(stack: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {f"aws:ResourceTag/{k}": v for k, v in names.tags(stack).items()}}


def _via(where: Where, *services: str) -> dict[str, dict[str, Any]]:
    through = [f"{service}.{where.region}.{where.dns_suffix}" for service in services]
    return {"StringEquals": {"kms:ViaService": through}}


def _allow(
    sid: str,
    action: str | list[str],
    resource: str | list[str],
    condition: dict[str, dict[str, Any]] | None = None,
) -> Statement:
    """A statement that allows actions; without a Sid if ``sid`` is empty."""
    named = {"Sid": sid} if sid else {}
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return named | statement | ({"Condition": condition} if condition else {})
