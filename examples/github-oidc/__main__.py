"""GitHub's OIDC provider, and the roles of its jobs; outputs have the workflows' variable names."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pulumi
import pulumi_aws as aws

# For the pipeline's modules.
sys.path.append(str(Path(__file__).resolve().parent.parent.parent))

import roles

config = pulumi.Config()
repo = roles.repository(config.require("repository"))
stacks = config.require("stacks").split()
state_bucket = config.get("stateBucket", "")
state_key_arn = config.get("stateKeyArn", "")
existing = {
    "key_arn": config.get("existingKeyArn", ""),
    "followed_bucket": config.get("followedBucket", ""),
    "followed_key_arn": config.get("followedKeyArn", ""),
}
tags = {"Project": "DataPipeline"}

partition = aws.get_partition_output()
where = pulumi.Output.all(
    account=aws.get_caller_identity_output().account_id,
    region=aws.get_region_output().region,
    partition=partition.partition,
    dns_suffix=partition.dns_suffix,
).apply(lambda of: roles.Where(**of))


def role(
    purpose: str, subjects: list[str], **policies: Callable[[roles.Where], roles.Policy]
) -> pulumi.Output[str]:
    """Make a role that jobs with these subjects may assume, with these policies, by name."""
    # Not file-metadata-...: a deployment may change every role with that prefix.
    name = f"github-file-metadata-{purpose}"
    made = aws.iam.Role(
        name,
        assume_role_policy=pulumi.Output.json_dumps(
            provider_arn.apply(lambda arn: roles.trust(arn, subjects))
        ),
        tags=tags,
    )
    for policy, document in policies.items():
        aws.iam.RolePolicy(
            f"{name}-{policy}",
            role=made.name,
            policy=pulumi.Output.json_dumps(where.apply(document)),
        )
    return made.arn


def of_state(stack: str, *, writing: bool) -> dict[str, Callable[[roles.Where], roles.Policy]]:
    """Return the policy for the state, if the state is in a bucket."""
    if not state_bucket:
        return {}
    return {
        "state": partial(
            roles.state, bucket=state_bucket, key_arn=state_key_arn, stack=stack, writing=writing
        )
    }


if config.get_bool("existingProvider"):
    provider_arn = where.apply(roles.provider_arn)
else:
    provider_arn = aws.iam.OpenIdConnectProvider(
        "github",
        url=f"https://{roles.ISSUER}",
        client_id_lists=[roles.AUDIENCE],
        tags=tags,
    ).arn

for stack in stacks:
    # Deployments must name it, so it has no auto-name.
    boundary_name = roles.boundary_name(stack)
    boundary = aws.iam.Policy(
        boundary_name,
        name=boundary_name,
        description=f"Bounds the roles of the file metadata pipeline's stack {stack}",
        policy=pulumi.Output.json_dumps(
            where.apply(partial(roles.boundary, stack=stack, **existing))
        ),
        tags=tags,
    )
    pulumi.export(f"{stack}PermissionsBoundary", boundary.arn)
    variable = f"AWS_{stack.upper().replace('-', '_')}"
    subject = roles.subject_of_deployment(repo, stack)
    pulumi.export(
        f"{variable}_PREVIEW_ROLE",
        role(
            f"preview-{stack}",
            roles.subjects_of_previews(repo),
            reads=partial(roles.reads, stack=stack),
            **of_state(stack, writing=False),
        ),
    )
    pulumi.export(
        f"{variable}_DEPLOY_ROLE",
        role(
            f"deploy-{stack}",
            [subject],
            deploys=partial(roles.deploys, stack=stack),
            **of_state(stack, writing=True),
        ),
    )
    if stack == roles.FROM_BRANCH:
        pulumi.export(
            f"{variable}_TEST_ROLE",
            role(f"test-{stack}", [subject], exercise=partial(roles.exercise, stack=stack)),
        )
