"""The audit as it is deployed: its own process and role, each of whose permissions it needs."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import roles
from local.cloud import Cloud
from support.deployment import REGION, deploy_to
from support.enforcing import enforcing_emulator
from support.github_example import in_aws
from support.journeys import Deployed, eventually

Statements = list[dict[str, Any]]
NEEDED = (
    "s3:ListBucketVersions",
    "s3:GetObject",
    "dynamodb:Scan",
    "dynamodb:GetItem",
    "lambda:InvokeFunction",
)


@dataclass
class Audited:
    """A stack that repairs, in an emulator that enforces IAM, and its audit's parts."""

    stack: Deployed
    function: str
    log_group: str
    role: str
    policies: dict[str, Statements]

    def allow(self, policies: dict[str, Statements]) -> None:
        for name, statements in policies.items():
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            self.stack.client("iam").put_role_policy(
                RoleName=self.role, PolicyName=name, PolicyDocument=document
            )

    def run(self) -> tuple[dict[str, Any], str]:
        """Audit once; the last line, and the error of the invocation."""
        before = len(self._ended())
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.function, Payload=b'{"graceSeconds": 0}'
        )
        error = json.load(answer["Payload"]) if "FunctionError" in answer else None
        lines = self._ended()[before:]
        return (lines[-1] if lines else {}), json.dumps(error)

    def _ended(self) -> list[dict[str, Any]]:
        logs = self.stack.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=self.log_group)
        texts = [event["message"] for page in pages for event in page["events"]]
        lines = [json.loads(text) for text in texts if text.startswith("{")]
        return [line for line in lines if line.get("audit") == "ended"]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with enforcing_emulator(tmp_path_factory.mktemp("tls")) as running:
        cloud = Cloud(running.endpoint, REGION, running.certificate)
        where = in_aws(cloud("sts").get_caller_identity()["Account"], REGION)
        bound = cloud("iam").create_policy(
            PolicyName="boundary", PolicyDocument=json.dumps(roles.boundary(where, "audited"))
        )["Policy"]["Arn"]
        config = {"environmentSuffix": "audited", "permissionsBoundary": bound, "audit": "repair"}
        stack = deploy_to(running, **config)
        functions, iam = stack.client("lambda"), stack.client("iam")
        [found] = [
            one
            for one in functions.list_functions()["Functions"]
            if "-audit-function" in one["FunctionName"]
        ]
        variables = found["Environment"]["Variables"] | {"AWS_CA_BUNDLE": running.certificate}
        functions.update_function_configuration(
            FunctionName=found["FunctionName"], Environment={"Variables": variables}
        )
        role = found["Role"].rsplit("/", 1)[-1]
        policies = {
            name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        }
        group = found["LoggingConfig"]["LogGroup"]
        yield Audited(stack, found["FunctionName"], group, role, policies)


def without(policies: dict[str, Statements], action: str) -> dict[str, Statements]:
    """Take one action out of a role's policies."""
    fewer: dict[str, Statements] = {}
    for name, statements in policies.items():
        fewer[name] = []
        for one in statements:
            actions = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
            if kept := [found for found in actions if found != action]:
                fewer[name].append(one | {"Action": kept})
    return {name: statements for name, statements in fewer.items() if statements}


def damage(stack: Deployed, key: str) -> None:
    stack.completed(key, stack.put(key))
    stack.client("dynamodb").update_item(
        TableName=stack.table,
        Key={"file_key": {"S": key}},
        UpdateExpression="SET etag = :etag",
        ExpressionAttributeValues={":etag": {"S": "another"}},
    )


def test_an_audit_works_under_its_own_role_and_needs_each_permission(audited: Audited) -> None:
    """It finds and repairs a row; without any one permission it says that it is incomplete."""
    damage(audited.stack, "damaged.txt")
    for action in NEEDED:
        fewer = without(audited.policies, action)
        assert fewer != audited.policies
        for name in audited.policies.keys() - fewer.keys():
            audited.stack.client("iam").delete_role_policy(RoleName=audited.role, PolicyName=name)
        audited.allow(fewer)
        ended, error = audited.run()
        assert not ended["complete"], (action, error)
        assert "403" in ended["because"] or "AccessDenied" in ended["because"]
        assert ended["disagree"] == (1 if action == "lambda:InvokeFunction" else 0)
    audited.allow(audited.policies)
    ended, error = audited.run()
    assert ended.items() >= {"complete": True, "repaired": 1, "disagree": 0}.items(), error
    ended, _ = audited.run()
    assert ended.items() >= {"complete": True, "differing": 0, "compared": 1}.items()


def test_an_audit_that_is_stopped_in_the_middle_leaves_no_line(audited: Audited) -> None:
    """What rings then is Lambda's own count of errors."""
    functions = audited.stack.client("lambda")
    name = {"FunctionName": audited.function}
    damage(audited.stack, "stopped.txt")
    functions.update_function_configuration(**name, Timeout=1)
    variables = functions.get_function_configuration(**name)["Environment"]["Variables"]
    # It takes a connection and never answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        elsewhere = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        functions.update_function_configuration(
            **name, Environment={"Variables": variables | elsewhere}
        )
        ended, error = audited.run()
    assert "imed out" in error
    assert ended == {}
    functions.update_function_configuration(
        **name, Timeout=900, Environment={"Variables": variables}
    )

    def repaired() -> bool | None:
        return audited.run()[0].get("disagree") == 0 or None

    eventually(repaired, lambda: "audit without a finding")
