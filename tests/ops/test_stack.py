"""Where the operator's tool goes, and what it says when it cannot."""

import os
from typing import Any

import pytest
from click.testing import CliRunner

from ops.__main__ import main
from ops.stack import Stack
from support.faults import Fault, FaultProxy

TOPIC = "arn:aws:sns:eu-west-3:123456789012:alarms"


def region(stack: Stack) -> str:
    found: str = stack.s3.meta.region_name
    return found


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no region."""
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")


@pytest.mark.parametrize(
    ("outputs", "given", "environment", "expected"),
    [
        ({"AlarmTopicArn": TOPIC}, "eu-north-1", {"AWS_REGION": "us-west-2"}, "eu-north-1"),
        ({"AlarmTopicArn": TOPIC}, None, {"AWS_REGION": "us-west-2"}, "eu-west-3"),
        ({}, None, {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-east-2"}, "us-west-2"),
        ({}, None, {"AWS_DEFAULT_REGION": "us-east-2"}, "us-east-2"),
        ({"AlarmTopicArn": "no ARN"}, None, {"AWS_REGION": "us-west-2"}, "us-west-2"),
    ],
)
def test_the_region_is_the_given_one_else_the_stack_s_else_the_environment_s(
    nowhere: None,
    monkeypatch: pytest.MonkeyPatch,
    outputs: dict[str, str],
    given: str | None,
    environment: dict[str, str],
    expected: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert region(Stack(outputs, given)) == expected


COMMANDS: list[Any] = [["get", "any"], ["list"], ["redrive"], ["backfill"], ["verify"]]
WHERE = [
    "--bucket",
    "b",
    "--table",
    "t",
    "--function",
    "f",
    "--queue-url",
    "http://127.0.0.1:1/1/q",
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_without_a_region_a_line_says_so(nowhere: None, command: list[str]) -> None:
    assert not {"AWS_REGION", "AWS_DEFAULT_REGION"} & os.environ.keys()
    result = CliRunner().invoke(main, [*command, *WHERE])
    assert result.exit_code == 2
    assert "missing region; pass --region (or set AWS_REGION)" in result.output
    assert isinstance(result.exception, SystemExit)


def test_all_that_is_missing_is_named_at_once(nowhere: None) -> None:
    result = CliRunner().invoke(main, ["verify", "--table", "t"])
    assert result.exit_code == 2
    assert (
        "missing S3BucketName, LambdaFunctionName, region; pass --stack or --outputs, or pass"
        " --bucket and --function and --region (or set AWS_REGION)"
    ) in " ".join(result.output.split())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_what_aws_refuses_is_said_in_a_line(proxy: FaultProxy, command: list[str]) -> None:
    for operation in (
        "GetItem",
        "Scan",
        "GetQueueAttributes",
        "GetBucketNotificationConfiguration",
        "DescribeTable",
        "ListObjectsV2",
    ):
        proxy.fail(operation, Fault(status=403, code="AccessDenied"))
    result = CliRunner().invoke(main, [*command, *WHERE, "--endpoint-url", proxy.endpoint])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.output.count("\n") <= 3
