"""The audit as it is deployed: its own process and role, each of whose permissions it needs."""

from pathlib import Path

from support.audits import DeployedAudit, damage
from support.enforcing import Role, deploy_within_boundary, enforcing_emulator

NEEDED = (
    "s3:ListBucketVersions",
    "s3:GetObject",
    "dynamodb:Scan",
    "dynamodb:GetItem",
    "lambda:InvokeFunction",
)


def test_an_audit_works_under_its_own_role_and_needs_each_permission(tmp_path: Path) -> None:
    """It finds and repairs a row; without any one permission it says that it is incomplete."""
    with enforcing_emulator(tmp_path) as running:
        stack = deploy_within_boundary(running, "dev", environmentSuffix="audited", audit="repair")
        audit = DeployedAudit(stack)
        stack.configure(audit.name, AWS_CA_BUNDLE=str(running.certificate))
        role = Role.of(running, audit.name)
        stack.completed("damaged.txt", stack.put("damaged.txt"))
        damage(stack, changed=["damaged.txt"])
        for action in NEEDED:
            with role.without(action):
                [*_, ended], _ = audit.run()
            assert not ended["complete"], action
            assert "403" in ended["because"] or "AccessDenied" in ended["because"]
            assert ended["disagree"] == (1 if action == "lambda:InvokeFunction" else 0)
        [*_, ended], error = audit.run()
        assert ended.items() >= {"complete": True, "repaired": 1, "disagree": 0}.items(), error
        [*_, ended], _ = audit.run()
        assert ended.items() >= {"complete": True, "differing": 0, "compared": 1}.items()
