"""A bucket and EventBridge: whether it sends its events there, and which of them a rule takes."""

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ops.bucket import Scope
from ops.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KINDS = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}
"""The lists of a notification configuration, and what names the target in each."""
SWITCH = "EventBridgeConfiguration"
# A bucket's configuration is eventually consistent:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
PAUSES = (0.5, 1, 2, 4, 8)


class ChangedError(RuntimeError):
    """Somebody else changed the configuration at the same time."""


@dataclass(frozen=True)
class Notifications:
    """A bucket's notification configuration: it has one, and a write replaces all of it."""

    configuration: Any

    @classmethod
    def read(cls, s3: "S3Client", bucket: str) -> "Notifications":
        """Read it (``GetBucketNotificationConfiguration``)."""
        found: dict[str, Any] = dict(s3.get_bucket_notification_configuration(Bucket=bucket))
        del found["ResponseMetadata"]
        return cls(found)

    @property
    def on(self) -> bool:
        """Whether the bucket sends its events to EventBridge."""
        return SWITCH in self.configuration

    @property
    def targets(self) -> list[str]:
        """The ARNs of functions, queues and topics that are notified."""
        return [
            target[arn]
            for kind, arn in KINDS.items()
            for target in self.configuration.get(kind, [])
        ]

    @property
    def switched_on(self) -> "Notifications":
        """The same, with EventBridge on."""
        return Notifications({**self.configuration, SWITCH: {}})

    def is_as(self, other: "Notifications") -> bool:
        """Whether another says the same, in whatever order."""
        return bool(_in_order(self.configuration) == _in_order(other.configuration))


def switch_on(s3: "S3Client", bucket: str, found: Notifications) -> None:
    """Add EventBridge to a bucket's notification configuration, and leave all else as it is.

    S3 has no conditional write of it, so it is read right before and after:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html

    Args:
        s3: the client of S3.
        bucket: its name.
        found: what was read and shown before.

    Raises:
        ChangedError: it is not what was read before, or not what was written.
    """
    if not Notifications.read(s3, bucket).is_as(found):
        raise ChangedError("somebody changed it at the same time, and nothing was written")
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration=found.switched_on.configuration,
        # The targets were valid when their owner saved them; whether they still are is not ours.
        SkipDestinationValidation=True,
    )
    wanted = found.switched_on
    now = Notifications.read(s3, bucket)
    for pause in PAUSES:
        if now.is_as(wanted):
            break
        time.sleep(pause)
        now = Notifications.read(s3, bucket)
    if not now.is_as(wanted):
        raise ChangedError(
            "it is not what was written; compare what was there before"
            f" ({json.dumps(found.configuration)}) with what is there now"
            f" ({json.dumps(now.configuration)})"
        )


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(map(_in_order, value), key=lambda one: json.dumps(one, sort_keys=True))
    return value


def scope(stack: Stack) -> Scope:
    """The keys of which the function gets events, by the bucket's notification or by a rule.

    Raises:
        click.ClickException: there is neither. All keys would be a guess, by which a repair could
            hand the function every object of another bucket.
    """
    found = Scope.of_notification(stack.s3, stack.bucket, stack.function) or _of_rule(stack)
    if found is None:
        raise click.ClickException(
            f"bucket {stack.bucket!r} has no notification for the function {stack.function!r},"
            " and the function has no rule for the bucket; give the stack's own bucket and"
            " function, or run `pulumi up` to restore it"
        )
    return found


def _of_rule(stack: Stack) -> Scope | None:
    functions = stack.functions
    try:
        function = functions.get_function_configuration(FunctionName=stack.function)
    except functions.exceptions.ResourceNotFoundException:
        return None
    arn = function["FunctionArn"]
    pages = stack.events.get_paginator("list_rule_names_by_target").paginate(TargetArn=arn)
    for page in pages:
        for name in page["RuleNames"]:
            pattern = json.loads(stack.events.describe_rule(Name=name).get("EventPattern", "{}"))
            detail = pattern.get("detail", {})
            if stack.bucket in detail.get("bucket", {}).get("name", []):
                [key] = detail.get("object", {}).get("key", [{"wildcard": "*"}])
                prefix, _, suffix = key["wildcard"].partition("*")
                return Scope(prefix, suffix)
    return None
