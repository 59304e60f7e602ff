"""Where the operator's tool goes, and what it says when it cannot."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from local.emulator import Emulator
from ops.stack import Stack
from support.faults import Fault, FaultProxy
from support.tool import ops

TOPIC = "arn:aws:sns:eu-west-3:123456789012:alarms"


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
    assert Stack(outputs, given).s3.meta.region_name == expected


COMMANDS = [("get", "any"), ("list",), ("redrive",), ("backfill",), ("verify",)]
BUCKET_AND_FUNCTION = ("--bucket", "b", "--function", "f")
WHERE = (*BUCKET_AND_FUNCTION, "--table", "t", "--queue-url", "http://127.0.0.1:1/1/q")
by_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])


def told(*words: str) -> str:
    """What a command says of wrong usage, in a line."""
    return " ".join(ops(*words, exits=2).output.split())


@by_command
def test_without_a_region_a_line_says_so(nowhere: None, command: tuple[str, ...]) -> None:
    assert not {"AWS_REGION", "AWS_DEFAULT_REGION"} & os.environ.keys()
    assert "missing region; pass --region (or set AWS_REGION)" in told(*command, *WHERE)


def test_all_that_is_missing_is_named_at_once(nowhere: None) -> None:
    assert (
        "missing S3BucketName, LambdaFunctionName, region; pass --stack or --outputs, or pass"
        " --bucket and --function and --region (or set AWS_REGION)"
    ) in told("verify", "--table", "t")


@pytest.mark.parametrize(
    ("words", "missing", "option"),
    [
        (("get", "any"), "DynamoDBTableName", "--table"),
        (("list",), "DynamoDBTableName", "--table"),
        (("verify", *BUCKET_AND_FUNCTION), "DynamoDBTableName", "--table"),
        (("backfill", *BUCKET_AND_FUNCTION), "DynamoDBTableName", "--table"),
        (("redrive", "--dry-run"), "FailureQueueUrl", "--queue-url"),
    ],
)
def test_what_is_missing_is_named_with_its_option(
    words: tuple[str, ...], missing: str, option: str
) -> None:
    assert f"missing {missing}; pass --stack or --outputs, or pass {option}" in told(*words)


@by_command
def test_what_aws_refuses_is_said_in_a_line(proxy: FaultProxy, command: tuple[str, ...]) -> None:
    for operation in (
        "GetItem",
        "Scan",
        "GetQueueAttributes",
        "GetBucketNotificationConfiguration",
        "DescribeTable",
        "ListObjectsV2",
    ):
        proxy.fail(operation, Fault(status=403, code="AccessDenied"))
    result = ops(*command, *WHERE, "--endpoint-url", proxy.endpoint, exits=1)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.output.count("\n") <= 3


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a ``pulumi`` on the PATH that runs a line of shell and notes its arguments."""

    def install(line: str) -> Path:
        command = tmp_path / "pulumi"
        command.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n{line}\n')
        command.chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        return tmp_path / "arguments"

    return install


def test_a_stack_is_found_through_pulumi(pulumi: Callable[[str], Path]) -> None:
    arguments = pulumi("""echo '{"S3BucketName": "b", "LambdaFunctionName": "f"}'""")
    assert "missing DynamoDBTableName; stack 'dev' has no" in told("verify", "--stack", "dev")
    assert arguments.read_text().split() == ["stack", "output", "--json", "--stack", "dev"]


def test_pulumis_own_error_is_shown(pulumi: Callable[[str], Path]) -> None:
    pulumi("echo \"error: no stack named 'nope' found\" >&2; exit 255")
    result = ops("redrive", "--stack", "nope", exits=1)
    assert "no stack named 'nope' found" in result.output


def test_without_pulumi_the_other_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    result = ops("redrive", "--stack", "dev", exits=1)
    assert "no such command: 'pulumi'" in result.output
    assert "--outputs FILE" in result.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "outputs.json must be JSON (as `pulumi stack output --json` writes it), got"),
        (
            b"\xff\xfe{",
            "outputs.json must be JSON (as `pulumi stack output --json` writes it), got",
        ),
        (b"[]", "must be a JSON object (as `pulumi stack output --json` writes it), got list"),
        (b'{"S3BucketName": 7}', "outputs.json must be text, got 7"),
    ],
)
def test_a_file_that_holds_no_outputs_is_named(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "outputs.json"
    file.write_bytes(content)
    assert message in told("redrive", "--outputs", str(file))


def test_outputs_are_read_as_powershell_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    file.write_text('{"S3BucketName": "b", "LambdaFunctionName": "f"}', encoding="utf-16")
    assert "missing DynamoDBTableName; " in told("verify", "--outputs", str(file))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("list", "--endpoint-url", "localhost"), "with http:// or https://, got 'localhost'"),
        (("list", "--endpoint-url", "http://["), "with http:// or https://, got 'http://['"),
        (("list", "--profile", "nope"), "no such profile: 'nope'"),
        (("backfill", "--state", "no/where"), "must be in a folder that exists, got 'no/where'"),
    ],
)
def test_an_option_that_leads_nowhere_is_refused(words: tuple[str, ...], message: str) -> None:
    assert message in told(*words, *WHERE)


def test_a_profile_of_the_environment_that_does_not_exist_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    assert "no such profile: 'nope'" in told("list", *WHERE)


def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    line = "missing AWS credentials; pass --profile (or log in as for the AWS CLI)"
    assert line in told("list", *WHERE)


@pytest.mark.parametrize(
    ("command", "checked"),
    [
        ("list", "--table t"),
        ("verify", "--bucket b"),
        ("redrive", "--queue-url http://127.0.0.1:1/1/q"),
    ],
)
def test_a_resource_that_does_not_exist_is_named(
    emulator: Emulator, command: str, checked: str
) -> None:
    output = ops(command, *WHERE, "--endpoint-url", emulator.endpoint, exits=1).output
    assert f"; check {checked}, and the region" in " ".join(output.split())


def test_a_queue_that_no_option_names_is_not_said_to_be_an_option_s(
    tmp_path: Path, emulator: Emulator
) -> None:
    file, undelivered = tmp_path / "outputs.json", "http://127.0.0.1:1/1/undelivered"
    file.write_text(json.dumps({"UndeliveredQueueUrl": undelivered}))
    where = (*WHERE, "--alarm-topic", TOPIC, "--endpoint-url", emulator.endpoint)
    output = ops("status", "--outputs", str(file), *where, exits=1).output
    assert "check --queue-url http://127.0.0.1:1/1/q, " in output
    assert undelivered not in output


def test_outputs_without_the_table_are_named(tmp_path: Path) -> None:
    """Those of a stack that was never deployed, say."""
    file = tmp_path / "outputs.json"
    file.write_text("{}")
    said = told("list", "--outputs", str(file))
    assert "missing DynamoDBTableName; " in said
    assert "has no such output: export it and run `pulumi up`, or pass --table" in said
