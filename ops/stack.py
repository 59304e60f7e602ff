"""The pipeline that a command works on, and its AWS clients."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import ProfileNotFound

from ops.clients import session
from pipeline import outputs

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3control import S3ControlClient
    from mypy_boto3_sqs import SQSClient

FLAGS = {
    outputs.LAMBDA_FUNCTION_NAME: "--function",
    outputs.FAILURE_QUEUE_URL: "--queue-url",
    outputs.S3_BUCKET_NAME: "--bucket",
    outputs.DYNAMODB_TABLE_NAME: "--table",
    outputs.ALARM_TOPIC_ARN: "--alarm-topic",
}
"""The option that replaces each output that the commands read."""
NAMED_BY = {
    "Bucket": outputs.S3_BUCKET_NAME,
    "QueueUrl": outputs.FAILURE_QUEUE_URL,
    "TableName": outputs.DYNAMODB_TABLE_NAME,
}
"""For each parameter of AWS's calls, the output that gives its value."""
NO_SUCH_RESOURCE = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
}
WRITTEN_BY = "as `pulumi stack output --json` writes it"


@dataclass(frozen=True)
class Stack:
    """A deployed pipeline, by its outputs."""

    outputs: Mapping[str, str]
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    source: str = ""
    """Where the outputs come from; empty if only options give them."""

    def require(self, *names: str) -> None:
        """Check that these outputs, the region and the credentials are known.

        Raises:
            click.UsageError: some are missing; the message names all of them, and what to do. Or
                there is no such profile.
        """
        missing = [name for name in names if not self.outputs.get(name)]
        flags = [FLAGS[name] for name in missing]
        if not missing:
            ways = "pass "
        elif self.source:
            ways = f"{self.source} has no such output: export it and run `pulumi up`, or pass "
        else:
            ways = "pass --stack or --outputs, or pass "
        if not self._session.region_name:
            missing.append("region")
            flags.append("--region (or set AWS_REGION)")
        if not self._session.get_credentials():
            missing.append("AWS credentials")
            flags.append("--profile (or log in as for the AWS CLI)")
        if missing:
            raise click.UsageError(f"missing {', '.join(missing)}; {ways}{' and '.join(flags)}")

    @property
    def undelivered_queue(self) -> str:
        """The URL of the queue for undelivered events; empty without EventBridge."""
        return self.outputs.get(outputs.UNDELIVERED_QUEUE_URL, "")

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.outputs[outputs.S3_BUCKET_NAME]

    @property
    def table(self) -> str:
        """The table's name."""
        return self.outputs[outputs.DYNAMODB_TABLE_NAME]

    @property
    def function(self) -> str:
        """The function's name."""
        return self.outputs[outputs.LAMBDA_FUNCTION_NAME]

    @cached_property
    def s3(self) -> "S3Client":
        """The client of S3."""
        return self._session.client("s3", endpoint_url=self.endpoint_url)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The client of DynamoDB."""
        return self._session.client("dynamodb", endpoint_url=self.endpoint_url)

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """The client of CloudWatch."""
        return self._session.client("cloudwatch", endpoint_url=self.endpoint_url)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """The client of CloudWatch Logs."""
        return self._session.client("logs", endpoint_url=self.endpoint_url)

    @cached_property
    def s3control(self) -> "S3ControlClient":
        """The client of S3 Control."""
        return self._session.client("s3control", endpoint_url=self.endpoint_url)

    @cached_property
    def sqs(self) -> "SQSClient":
        """The client of SQS."""
        return self._session.client("sqs", endpoint_url=self.endpoint_url)

    @cached_property
    def events(self) -> Any:
        """The client of EventBridge."""
        return self._session.client("events", endpoint_url=self.endpoint_url)

    @cached_property
    def functions(self) -> "LambdaClient":
        """The client of Lambda."""
        return self._session.client("lambda", endpoint_url=self.endpoint_url)

    def alarms(self) -> "list[MetricAlarmTypeDef]":
        """Return the alarms that publish to the stack's topic, whichever stack's they are."""
        topic = self.outputs[outputs.ALARM_TOPIC_ARN]
        pages = self.cloudwatch.get_paginator("describe_alarms").paginate(ActionPrefix=topic)
        return [
            alarm
            for page in pages
            for alarm in page["MetricAlarms"]
            if topic in alarm.get("AlarmActions", [])
        ]

    @cached_property
    def _session(self) -> "boto3.Session":
        try:
            made: boto3.Session = session(profile=self.profile, region=self._region)
        except ProfileNotFound as err:
            raise click.UsageError(f"no such profile: {err.kwargs['profile']!r}") from err
        made.events.register("provide-client-params", self._keep_name)
        made.events.register("after-call", _name)
        return made

    def _keep_name(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        """Remember which resource a call names, and the option for it."""
        for parameter, output in NAMED_BY.items():
            name = params.get(parameter)
            if name and name == self.outputs.get(output):
                context["named"] = f"{FLAGS[output]} {name}"

    @property
    def _region(self) -> str | None:
        """The region of the option, otherwise of the stack, otherwise of ``AWS_REGION``.

        boto3 reads ``AWS_DEFAULT_REGION`` and the profile, but not ``AWS_REGION``, which version 2
        of the AWS CLI reads.
        """
        topic = str(self.outputs.get(outputs.ALARM_TOPIC_ARN, "")).split(":")
        own = topic[3] if len(topic) == 6 else None
        return self.region or own or os.environ.get("AWS_REGION")


def _name(parsed: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Name the resource in an error that says only that it does not exist."""
    error = parsed.get("Error", {})
    if error.get("Code") in NO_SUCH_RESOURCE and (named := context.get("named")):
        error["Message"] = f"{error.get('Message')}; check {named}, and the region"


def stack_outputs(stack: str) -> dict[str, str]:
    """Ask the Pulumi command for a stack's outputs.

    Raises:
        click.ClickException: the command is missing or failed.
        click.UsageError: an output is invalid.
    """
    command = ["pulumi", "stack", "output", "--json", "--stack", stack]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as err:
        raise click.ClickException(
            "no such command: 'pulumi', which --stack needs; install it, or pass --outputs FILE"
        ) from err
    except subprocess.CalledProcessError as err:
        raise click.ClickException(f"{' '.join(command)}: {err.stderr.strip()}") from err
    return _outputs(done.stdout, f"outputs of stack {stack}")


def file_outputs(path: Path) -> dict[str, str]:
    """Read a file that ``pulumi stack output --json`` wrote.

    Raises:
        click.UsageError: it holds something else.
    """
    # As bytes: PowerShell writes UTF-16, which JSON's parser detects.
    return _outputs(path.read_bytes(), str(path))


def _outputs(text: str | bytes, source: str) -> dict[str, str]:
    try:
        loaded = json.loads(text)
    except ValueError as err:
        raise click.UsageError(f"{source} must be JSON ({WRITTEN_BY}), got {err}") from err
    if not isinstance(loaded, dict):
        raise click.UsageError(
            f"{source} must be a JSON object ({WRITTEN_BY}), got {type(loaded).__name__}"
        )
    for name in outputs.OUTPUTS.keys() & loaded.keys():
        if not isinstance(loaded[name], str):
            raise click.UsageError(f"{name} in {source} must be text, got {loaded[name]!r:.200}")
    return loaded
