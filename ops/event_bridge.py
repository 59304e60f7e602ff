"""Turns EventBridge on for a bucket."""

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KINDS = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}
"""The lists of a notification configuration, and the field of the target's ARN in each."""
SWITCH = "EventBridgeConfiguration"
# A bucket's configuration is eventually consistent:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
PAUSES = (0.5, 1, 2, 4, 8)


@dataclass(frozen=True)
class Notifications:
    """A bucket's notification configuration. A write replaces the whole configuration."""

    configuration: Any

    @classmethod
    def read(cls, s3: "S3Client", bucket: str) -> "Notifications":
        """Read a bucket's configuration (``GetBucketNotificationConfiguration``)."""
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

    def is_as(self, other: "Notifications") -> bool:
        """Whether both are the same, in any order."""
        return bool(_in_order(self.configuration) == _in_order(other.configuration))


def switch_on(s3: "S3Client", bucket: str, found: Notifications) -> None:
    """Add EventBridge to a bucket's notification configuration, and change nothing else.

    S3 has no conditional write for it, so it is read directly before and after the write:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html

    Args:
        s3: the client of S3.
        bucket: its name.
        found: the configuration that was read before.

    Raises:
        click.ClickException: somebody else changed the configuration at the same time.
    """
    if not Notifications.read(s3, bucket).is_as(found):
        raise click.ClickException(
            f"bucket {bucket!r}: somebody else changed its notification configuration; nothing was"
            " written"
        )
    wanted = Notifications({**found.configuration, SWITCH: {}})
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration=wanted.configuration,
        # The existing targets are their owner's: whether they are still valid is not checked here.
        SkipDestinationValidation=True,
    )
    for pause in (0, *PAUSES):
        time.sleep(pause)
        now = Notifications.read(s3, bucket)
        if now.is_as(wanted):
            return
    raise click.ClickException(
        f"bucket {bucket!r}: its notification configuration is not what was written; compare the"
        f" previous one ({json.dumps(found.configuration)}) with the current one"
        f" ({json.dumps(now.configuration)})"
    )


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(map(_in_order, value), key=lambda one: json.dumps(one, sort_keys=True))
    return value
