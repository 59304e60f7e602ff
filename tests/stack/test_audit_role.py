"""The audit as it is deployed: its own process and role, each of whose permissions it needs."""

import json
from collections.abc import Iterator

import pytest

import roles
from local.cloud import Cloud
from support.audits import DeployedAudit, damage
from support.deployment import REGION, deploy_to
from support.enforcing import enforcing_emulator
from support.github_example import in_aws

NEEDED = (
    "s3:ListBucketVersions",
    "s3:GetObject",
    "dynamodb:Scan",
    "dynamodb:GetItem",
    "lambda:InvokeFunction",
)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedAudit]:
    """The audit of a stack that repairs, in an emulator that enforces IAM."""
    with enforcing_emulator(tmp_path_factory.mktemp("tls")) as running:
        cloud = Cloud(running.endpoint, REGION, running.certificate)
        where = in_aws(cloud("sts").get_caller_identity()["Account"], REGION)
        bound = cloud("iam").create_policy(
            PolicyName="boundary", PolicyDocument=json.dumps(roles.boundary(where, "audited"))
        )["Policy"]["Arn"]
        config = {"environmentSuffix": "audited", "permissionsBoundary": bound, "audit": "repair"}
        deployed = DeployedAudit(deploy_to(running, **config))
        assert running.certificate
        deployed.configure(AWS_CA_BUNDLE=running.certificate)
        yield deployed


def test_an_audit_works_under_its_own_role_and_needs_each_permission(audit: DeployedAudit) -> None:
    """It finds and repairs a row; without any one permission it says that it is incomplete."""
    stack, iam = audit.stack, audit.stack.client("iam")
    stack.completed("damaged.txt", stack.put("damaged.txt"))
    damage(stack, changed=["damaged.txt"])
    denied = {"RoleName": audit.function["Role"].rsplit("/", 1)[-1], "PolicyName": "denied"}
    for action in NEEDED:
        deny = {"Effect": "Deny", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
        iam.put_role_policy(**denied, PolicyDocument=document)
        [*_, ended], _ = audit.run()
        assert not ended["complete"], action
        assert "403" in ended["because"] or "AccessDenied" in ended["because"]
        assert ended["disagree"] == (1 if action == "lambda:InvokeFunction" else 0)
    iam.delete_role_policy(**denied)
    [*_, ended], error = audit.run()
    assert ended.items() >= {"complete": True, "repaired": 1, "disagree": 0}.items(), error
    [*_, ended], _ = audit.run()
    assert ended.items() >= {"complete": True, "differing": 0, "compared": 1}.items()
