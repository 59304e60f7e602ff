"""The tests on AWS run when they are asked for, and then with the user's own environment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import roles
from local import emulator as emulators
from support.deployment import OWN_ENVIRONMENT, cloud_of, deploy_to
from support.enforcing import account_of, enforcing_emulator, keys_of
from support.github_example import actions, in_aws
from support.journeys import Deployed
from support.places import PREFIX, on_aws
from support.recorder import ROOT

ON_AWS = "on AWS only "
WHERE = in_aws("123456789012", "eu-west-1")


@dataclass(frozen=True)
class Emulated:
    """An emulator that enforces IAM and speaks TLS, with the dev stack deployed."""

    emulator: emulators.Emulator
    stack: Deployed
    outputs_file: Path
    keys: dict[str, str]
    """Credentials of the role that may do what the tests do, as environment variables."""


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    folder = tmp_path_factory.mktemp("emulated")
    with enforcing_emulator(folder) as running:
        stack = deploy_to(running)
        outputs_file = folder / "outputs.json"
        outputs_file.write_text(json.dumps(stack.outputs))
        yield Emulated(running, stack, outputs_file, keys_of_the_testing_role(running))


def keys_of_the_testing_role(running: emulators.Emulator) -> dict[str, str]:
    where, iam = account_of(running), cloud_of(running)("iam")
    trusted = {"AWS": f"arn:aws:iam::{where.account}:root"}
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="testing", AssumeRolePolicyDocument=document)
    policy = roles.exercise(where, "dev")
    # To AWS a batch is the same permission, to the emulator one of its own.
    [redrive] = [found for found in policy["Statement"] if found["Sid"] == "Redrive"]
    redrive["Action"].append("sqs:ChangeMessageVisibilityBatch")
    document = json.dumps(policy)
    iam.put_role_policy(RoleName="testing", PolicyName="testing", PolicyDocument=document)
    return {name.upper(): value for name, value in keys_of(running, "testing").items()}


def run(emulated: Emulated, *options: str, **environment: str) -> list[str]:
    """Run the tests as a user does whose AWS is an emulator; return what they print."""
    own = {
        "AWS_ENDPOINT_URL": emulated.emulator.endpoint,
        "AWS_CA_BUNDLE": str(emulated.emulator.certificate),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        env=kept | own | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()


def test_nothing_runs_on_aws_by_accident(emulated: Emulated) -> None:
    """With the user's own credentials and the stack's outputs at hand."""
    test = "tests/stack/test_aws.py::test_every_alarm_rings_the_topic"
    printed = run(emulated, test, "--outputs", str(emulated.outputs_file), **emulated.keys)
    assert ON_AWS + "when asked for: -m aws --stack NAME" in "\n".join(printed)
    assert "1 skipped" in printed[-1]
    assert "passed" not in printed[-1]


@pytest.mark.parametrize(
    ("outputs", "worker", "reason"),
    [
        (False, False, "with --stack NAME or --outputs FILE"),
        (True, True, "in one process: leave -n out"),
        (True, False, "with credentials, as the AWS CLI takes them"),
    ],
    ids=["no stack", "workers", "no credentials"],
)
def test_what_is_missing_to_run_on_aws_is_named(
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    outputs: bool,
    worker: bool,
    reason: str,
) -> None:
    monkeypatch.setattr(pytestconfig.option, "markexpr", "aws")
    monkeypatch.setattr(pytestconfig.option, "stack", None)
    monkeypatch.setattr(pytestconfig.option, "outputs", tmp_path if outputs else None)
    monkeypatch.setattr(pytestconfig, "workerinput", {}, raising=False)
    nowhere = dict.fromkeys(("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"), os.devnull)
    own = nowhere | {"AWS_EC2_METADATA_DISABLED": "true"}
    monkeypatch.setitem(pytestconfig.stash, OWN_ENVIRONMENT, own)
    if not worker:
        monkeypatch.delattr(pytestconfig, "workerinput")
    with pytest.raises(pytest.skip.Exception, match=ON_AWS + reason), on_aws(pytestconfig):
        pass


def test_what_is_asked_for_runs_by_its_permissions_and_leaves_nothing_behind(
    emulated: Emulated, tmp_path: Path
) -> None:
    """With a stack's name: the outputs come from the Pulumi command, here one that knows them."""
    pulumi, calls = tmp_path / "pulumi", tmp_path / "calls.json"
    asked = "stack output --json --stack dev"
    pulumi.write_text(f'#!/bin/sh\n[ "$*" = "{asked}" ] && cat {emulated.outputs_file}\n')
    pulumi.chmod(0o755)
    options = ["-p", "support.calls_made", "tests/stack/test_aws.py", "-m", "aws", "--stack", "dev"]
    printed = run(
        emulated,
        *options,
        **emulated.keys,
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=str(ROOT / "tests"),
        CALLS_MADE=str(calls),
    )
    assert "5 passed" in printed[-1], "\n".join(printed)
    # Decrypting is DynamoDB's call, and only where there is a key.
    may = actions(roles.exercise(WHERE, "dev")) - {"kms:Decrypt"}
    # What compares two sources would make a bucket, and is skipped where it may not.
    assert set(json.loads(calls.read_text())) - {"s3:CreateBucket"} == may
    stack = emulated.stack
    left = stack.client("s3").list_object_versions(Bucket=stack.bucket, Prefix=PREFIX)
    assert not {"Versions", "DeleteMarkers"} & left.keys()
    queue = stack.outputs["FailureQueueUrl"]
    assert "Messages" not in stack.client("sqs").receive_message(QueueUrl=queue)


def test_failed_events_of_others_stay(deploy: Callable[..., Deployed]) -> None:
    stack = deploy(environmentSuffix="others")
    sqs, queue = stack.client("sqs"), stack.outputs["FailureQueueUrl"]
    ours, others = {"ours": True}, {"ours": False}
    for event in (others, ours):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"requestPayload": event}))
    stack.take_failed(ours)
    [left] = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(left["Body"])["requestPayload"] == others
