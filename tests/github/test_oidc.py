"""The roles that GitHub Actions takes on: who may, and that their documents are sound."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import roles
from local import engine
from local.cloud import Cloud
from local.resources import CloudMocks
from support.github_example import (
    POLICY,
    PROVIDER,
    REPOSITORY,
    ROLE,
    ROLES,
    actions,
    boundary_of,
    declared_example,
    example_config,
    example_with_state,
    grants,
    policies_of,
    trust_of,
)
from support.linter import lint
from support.recorder import ACCOUNT, REGIONS

# The linter's findings that are none, and why: issue, part of the detail.
ALLOWED = {
    ("RESOURCE_STAR", "['cloudwatch:DescribeAlarms']"): "AWS answers in part if given one alarm",
    ("RESOURCE_STAR", "EventSourceMapping"): "AWS makes up their ids; the condition says whose",
    ("UNKNOWN_FEDERATION_SOURCE", "github"): "it knows SAML and a few others",
    ("MISMATCHED_TYPE_BUT_USABLE", "StringEquals requires a value of type String but given Arn"): (
        "as in AWS's own examples of iam:PermissionsBoundary"
    ),
    ("UNKNOWN_CONDITION_FOR_ACTION", "kms:ResourceAliases"): "a key's, for all that is done to it",
    ("UNKNOWN_CONDITION_FOR_ACTION", "token.actions.githubusercontent.com:"): "GitHub's own keys",
    ("RESOURCE_POLICY_PRIVILEGE_ESCALATION", "but does allow s3:PutBucketPolicy"): "it is declared",
    (
        "RESOURCE_POLICY_PRIVILEGE_ESCALATION",
        "but does allow s3:PutLifecycleConfiguration",
    ): "it is declared",
}


@pytest.mark.parametrize(
    ("role", "subjects"),
    [
        ("preview-dev", ["pull_request", "ref:refs/heads/main"]),
        ("preview-prod", ["pull_request", "ref:refs/heads/main"]),
        ("deploy-dev", ["ref:refs/heads/main"]),
        ("test-dev", ["ref:refs/heads/main"]),
        ("deploy-prod", ["environment:prod"]),
    ],
)
def test_only_these_jobs_of_this_repository_may_assume_the_role(
    role: str, subjects: list[str]
) -> None:
    statement = trust_of(role)
    issuer = "token.actions.githubusercontent.com"
    assert statement["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": [f"repo:{REPOSITORY}:{subject}" for subject in subjects],
        }
    }
    assert statement["Principal"].keys() == {"Federated"}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"


def test_there_is_a_role_for_each_output_and_no_other() -> None:
    example = declared_example()
    outputs = {
        "AWS_DEV_PREVIEW_ROLE": "preview-dev",
        "AWS_PROD_PREVIEW_ROLE": "preview-prod",
        "AWS_DEV_DEPLOY_ROLE": "deploy-dev",
        "AWS_DEV_TEST_ROLE": "test-dev",
        "AWS_PROD_DEPLOY_ROLE": "deploy-prod",
    }
    boundaries = {"devPermissionsBoundary", "prodPermissionsBoundary"}
    assert example.outputs.keys() - boundaries == outputs.keys()
    for output, role in outputs.items():
        assert f"github-file-metadata-{role}-" in example.outputs[output]
    assert len(example.all(ROLE)) == len(outputs)


@pytest.mark.parametrize(
    "name", ["octo-org", "octo-org/*", "octo-org/name:ref", "*/name", "octo-org/na me", ""]
)
def test_a_name_that_would_let_others_in_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="repository must be owner/name"):
        roles.repository(name)


@pytest.mark.parametrize("name", ["octo-org/name", "octo@1/name@2", "Corp_emu/.github"])
def test_a_repository_is_named_as_the_token_names_it(name: str) -> None:
    assert roles.repository(name) == name


def test_the_provider_gives_tokens_for_aws_alone() -> None:
    provider = declared_example().one(PROVIDER)
    assert provider.inputs["url"] == "https://token.actions.githubusercontent.com"
    assert provider.inputs["clientIdLists"] == ["sts.amazonaws.com"]


def test_an_account_with_one_stack_has_the_roles_of_that_one() -> None:
    of_prod = {"AWS_PROD_PREVIEW_ROLE", "AWS_PROD_DEPLOY_ROLE", "prodPermissionsBoundary"}
    assert declared_example(stacks="prod").outputs.keys() == of_prod


def test_a_provider_that_is_there_is_used() -> None:
    program = declared_example(existingProvider="true")
    assert program.all(PROVIDER) == []
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    assert trust_of("preview-prod", program)["Principal"] == {"Federated": arn}


@pytest.mark.parametrize("role", ROLES)
def test_no_action_is_a_pattern(role: str) -> None:
    assert [action for action in actions(*policies_of(role)) if "*" in action] == []


def test_a_deployment_cannot_change_the_roles_of_github() -> None:
    names = [f"{role.name}-1234567" for role in declared_example().all(ROLE)]
    reached = [
        (name, resource)
        for stack in ("dev", "prod")
        for action, resource, _ in grants(*policies_of(f"deploy-{stack}"))
        if action.startswith("iam:")
        for name in names
        if fnmatchcase(f"arn:aws:iam::{ACCOUNT}:role/{name}", resource)
    ]
    assert reached == []


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("preview-prod", {"s3:ListBucket", "s3:GetObject", "kms:Decrypt"}),
        (
            "deploy-dev",
            {
                "s3:ListBucket",
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "kms:Decrypt",
                "kms:Encrypt",
            },
        ),
        ("test-dev", set()),
    ],
)
def test_the_state_is_written_by_deployments_alone(role: str, expected: set[str]) -> None:
    without = policies_of(role)
    added = [policy for policy in policies_of(role, example_with_state()) if policy not in without]
    assert actions(*added) == expected


@pytest.mark.parametrize(
    ("file", "allowed"),
    [
        ("stacks/file-metadata-pipeline/dev.json", True),
        ("stacks/file-metadata-pipeline/dev.json.bak", True),
        ("locks/organization/file-metadata-pipeline/dev/1234.json", True),
        ("history/file-metadata-pipeline/dev/dev-1.history.json", True),
        ("stacks/file-metadata-pipeline/prod.json", False),
        ("stacks/file-metadata-github/dev.json", False),
        ("meta.yaml", False),
    ],
)
def test_a_deployment_writes_the_state_of_its_own_stack(file: str, allowed: bool) -> None:
    patterns = [
        resource
        for action, resource, _ in grants(*policies_of("deploy-dev", example_with_state()))
        if action == "s3:PutObject"
    ]
    arn = f"arn:aws:s3:::our-state/.pulumi/{file}"
    assert any(fnmatchcase(arn, pattern) for pattern in patterns) == allowed


@pytest.mark.parametrize("role", ROLES)
def test_the_policies_of_a_role_fit_into_it(role: str) -> None:
    """10,240 characters for all inline policies of a role, white space not counted.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    texts = [json.dumps(policy) for policy in policies_of(role, example_with_state())]
    assert sum(len("".join(text.split())) for text in texts) <= 10_240


def linted(role: str) -> list[tuple[str, str]]:
    """Findings in a role's policies and in its trust, which the linter wants to name a resource."""
    trusted = trust_of(role) | {"Resource": f"arn:aws:iam::{ACCOUNT}:role/any"}
    trust = {"Version": "2012-10-17", "Statement": [trusted]}
    documents = (trust, *policies_of(role, example_with_state()))
    return [found for document in documents for found in lint(json.dumps(document))]


def test_every_policy_passes_the_linter_and_every_exception_is_still_needed() -> None:
    found = {finding for role in ROLES for finding in linted(role)}
    pairs = [
        (allowed, finding)
        for allowed in ALLOWED
        for finding in found
        if allowed[0] == finding[0] and allowed[1] in finding[1]
    ]
    assert {finding for _, finding in pairs} == found
    assert {allowed for allowed, _ in pairs} == ALLOWED.keys()


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_boundary_passes_the_linter(stack: str) -> None:
    found = lint(json.dumps(boundary_of(stack)))
    # AWS's own example has it so, which the linter's list does not:
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html
    assert [detail for _, detail in found] == [
        "[{'action': 'dynamodb:ListStreams', 'required_format': '*'}]"
    ]


@pytest.mark.parametrize("partition", REGIONS)
@pytest.mark.parametrize("existing", ["true", "false"])
def test_every_arn_is_of_the_partition_that_the_account_is_in(
    partition: str, existing: str
) -> None:
    program = declared_example(
        REGIONS[partition], stateBucket="our-state", existingProvider=existing
    )
    written = " ".join(str(resource.inputs) for resource in program.resources)
    assert set(re.findall(r"\barn:([^:]*):", written)) == {partition}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_deployment_gives_permissions_only_within_the_stacks_boundary(stack: str) -> None:
    name = f"github-file-metadata-boundary-{stack}"
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
    assert name in [one.inputs["name"] for one in declared_example().all(POLICY)]
    giving = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
    found = grants(*policies_of(f"deploy-{stack}"))
    conditions = {action: of.get("Condition") for action, _, of in found if action in giving}
    within = {"StringEquals": {"iam:PermissionsBoundary": arn}}
    assert conditions == dict.fromkeys(giving, within)


def test_a_deployment_takes_no_boundary_away_and_attaches_no_policy() -> None:
    every = {
        action
        for role in ROLES
        for action in actions(*policies_of(role))
        if action.startswith("iam:")
    }
    others = {action for action in every if "Boundary" in action or "Attach" in action}
    assert others == {"iam:PutRolePermissionsBoundary", "iam:ListAttachedRolePolicies"}
    assert not {action for action in every if "PolicyVersion" in action}


def test_the_example_runs_on_the_emulator(tmp_path: Path, cloud: Cloud) -> None:
    folder = example_config(tmp_path, repository=REPOSITORY)
    values = engine.stack_config(folder, "test")
    outputs = engine.run(folder, "test", values, CloudMocks(cloud))
    iam = cloud("iam")
    name = outputs["AWS_PROD_DEPLOY_ROLE"].rpartition("/")[2]
    [statement] = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    provider = statement["Principal"]["Federated"]
    made = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    assert made["ClientIDList"] == ["sts.amazonaws.com"]
    assert len(iam.list_role_policies(RoleName=name)["PolicyNames"]) == 1
