"""A deployed stack in an AWS account."""

import functools
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

import roles
from ops.__main__ import main
from ops.stack import file_outputs, stack_outputs
from support.deployment import OWN_ENVIRONMENT
from support.journeys import Deployed

PREFIX = roles.TEST_PREFIX


@dataclass(frozen=True, kw_only=True)
class Place:
    """A deployed stack, and what the tests may touch of it."""

    stack: Deployed
    prefix: str
    """How each key of this run starts."""
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
            stack=Deployed(functools.cache(session.client), outputs, patience=900, pause=2),
            prefix=f"{PREFIX}{secrets.token_hex(4)}/",
            plain_http=over_plain_http(session.client("s3", use_ssl=False)),
            where=(*where, "--region", region),
        )
        try:
            yield place
        finally:
            place.clean()
