"""The example for GitHub, declared without any cloud, and how to read its policies."""

import functools
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import roles
from support.recorder import ACCOUNT, REGION, ROOT, Program, declare

EXAMPLE = ROOT / "examples" / "github-oidc"
REPOSITORY = "octo-org@65/metadata.pipeline@74"
ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ROLES = ["preview-dev", "preview-prod", "deploy-dev", "deploy-prod", "test-dev"]
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"

Statement = dict[str, Any]


def example_config(folder: Path, **config: str) -> Path:
    """Make the example a project with a stack of its own, named test."""
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(EXAMPLE / name, folder)
    values = {f"file-metadata-github:{key}": value for key, value in config.items()}
    (folder / "Pulumi.test.yaml").write_text(json.dumps({"config": values}))
    return folder


@functools.cache
def declared_example(region: str = REGION, **config: str) -> Program:
    """Declare it for the repository of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        project = example_config(Path(folder), repository=REPOSITORY, **config)
        return declare("test", project=project, region=region)


def example_with_state() -> Program:
    """Declare it with the state in a bucket."""
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
    return declared_example(stateBucket="our-state", stateKeyArn=key)


def in_aws(account: str, region: str) -> roles.Where:
    """Where an account is, of the partition ``aws``."""
    return roles.Where(account=account, region=region, partition="aws", dns_suffix="amazonaws.com")


def trust_of(role: str, program: Program | None = None) -> Statement:
    """Of the example with its defaults, unless another is given; so are those below."""
    name = f"github-file-metadata-{role}"
    [found] = [one for one in (program or declared_example()).all(ROLE) if one.name == name]
    [statement] = json.loads(found.inputs["assumeRolePolicy"])["Statement"]
    return statement


def policies_of(role: str, program: Program | None = None) -> list[roles.Policy]:
    start = f"github-file-metadata-{role}-"
    every = (program or declared_example()).all(ROLE_POLICY)
    return [json.loads(one.inputs["policy"]) for one in every if one.name.startswith(start)]


def boundary_of(stack: str, program: Program | None = None) -> roles.Policy:
    name = f"github-file-metadata-boundary-{stack}"
    [found] = [one for one in (program or declared_example()).all(POLICY) if one.name == name]
    return json.loads(found.inputs["policy"])


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def grants(*policies: roles.Policy) -> Iterator[tuple[str, str, Statement]]:
    """Every action with every resource that it is allowed on."""
    for policy in policies:
        for statement in policy["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield action, resource, statement


def actions(*policies: roles.Policy) -> set[str]:
    return {action for action, _, _ in grants(*policies)}
