"""A deployed stack in an AWS account, or in an emulator that stands for one."""

import functools
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

import roles
from local.cloud import Cloud
from ops.__main__ import main
from ops.stack import file_outputs, stack_outputs
from support.deployment import OWN_ENVIRONMENT, REGION, deploy_to
from support.enforcing import enforcing_emulator
from support.github_example import in_aws
from support.journeys import Deployed

PREFIX = roles.TEST_PREFIX
PATIENCE_ON_AWS_SECONDS = 900
PAUSE_ON_AWS_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class Place:
    """A deployed stack, and what the tests may touch of it."""

    stack: Deployed
    prefix: str
    """How each key of this run starts."""
    maker: Callable[[str], Any]
    """Clients that make what a test needs beside the stack."""
    plain_http: Any
    """A client of S3 that speaks without TLS."""
    where: tuple[str, ...]
    """The options that tell the operator's tool about it."""

    def ops(self, command: str, *options: str, finds: bool = False) -> Result:
        """Run the operator's tool, to succeed; or to find something, which it need not."""
        done = CliRunner().invoke(main, [command, *self.where, *options])
        assert done.exit_code in ((0, 1) if finds else (0,)), done.output or done.exception
        return done

    def clean(self) -> None:
        """Remove what the tests made; the rows become tombstones, which expire."""
        self.stack.remove_objects(self.prefix)
        while self.stack.remove_failed(lambda event: self.prefix in json.dumps(event)):
            pass


def over_plain_http(client: Any) -> Any:
    """Have a client say so to an endpoint that can only be reached by TLS, as a proxy would."""

    def mark(request: Any, **_: Any) -> None:
        request.headers["X-Forwarded-Proto"] = "http"

    client.meta.events.register("before-send.s3", mark)
    return client


@dataclass(frozen=True, kw_only=True)
class Emulated:
    """An emulator that enforces IAM and speaks TLS, with the dev stack deployed."""

    outputs: Mapping[str, str]
    outputs_file: Path
    endpoint: str
    certificate: str
    keys: Mapping[str, str]
    """Credentials of the role that may do what the tests do, as environment variables."""
    root: Cloud

    def client(self, service: str) -> Any:
        """Make a client in that role's name."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            verify=self.certificate,
            aws_access_key_id=self.keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.keys["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.keys["AWS_SESSION_TOKEN"],
        )


@contextmanager
def emulated_account(folder: Path) -> Iterator[Emulated]:
    """Deploy the dev stack to an emulator, and make the role that tests it."""
    with enforcing_emulator(folder) as running:
        stack = deploy_to(running)
        outputs_file = folder / "outputs.json"
        outputs_file.write_text(json.dumps(stack.outputs))
        root = Cloud(running.endpoint, REGION, running.certificate)
        yield Emulated(
            outputs=stack.outputs,
            outputs_file=outputs_file,
            endpoint=running.endpoint,
            certificate=str(running.certificate),
            keys=keys_of_the_testing_role(root),
            root=root,
        )


def keys_of_the_testing_role(cloud: Cloud) -> dict[str, str]:
    account = cloud("sts").get_caller_identity()["Account"]
    trusted = {"AWS": f"arn:aws:iam::{account}:root"}
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    iam, name = cloud("iam"), "testing"
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]
    policy = roles.exercise(in_aws(account, REGION), "dev")
    # To AWS a batch is the same permission, to the emulator one of its own.
    [redrive] = [found for found in policy["Statement"] if found["Sid"] == "Redrive"]
    redrive["Action"].append("sqs:ChangeMessageVisibilityBatch")
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    keys = cloud("sts").assume_role(RoleArn=role["Arn"], RoleSessionName=name)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


@contextmanager
def on_aws(config: pytest.Config) -> Iterator[Place]:
    """A stack in the account of the user's own credentials, which are back for so long."""
    if "aws" not in config.option.markexpr.split():
        pytest.skip("on AWS only when asked for: -m aws --stack NAME")
    if not (config.option.stack or config.option.outputs):
        pytest.skip("on AWS only with --stack NAME or --outputs FILE")
    if hasattr(config, "workerinput"):
        pytest.skip("on AWS only in one process: leave -n out")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in config.stash[OWN_ENVIRONMENT].items():
            patch.setenv(name, value)
        if boto3.Session().get_credentials() is None:
            pytest.skip("on AWS only with credentials, as the AWS CLI takes them")
        if file := config.option.outputs:
            where, outputs = ("--outputs", str(file)), file_outputs(file)
        else:
            stack = config.option.stack
            where, outputs = ("--stack", stack), stack_outputs(stack)
        region = outputs["AlarmTopicArn"].split(":")[3]
        session = boto3.Session(region_name=region)
        place = Place(
            stack=Deployed(
                functools.cache(session.client),
                outputs,
                PATIENCE_ON_AWS_SECONDS,
                PAUSE_ON_AWS_SECONDS,
            ),
            prefix=f"{PREFIX}{secrets.token_hex(4)}/",
            maker=functools.cache(session.client),
            plain_http=over_plain_http(session.client("s3", use_ssl=False)),
            where=(*where, "--region", region),
        )
        try:
            yield place
        finally:
            place.clean()
