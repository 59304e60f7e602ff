"""Somebody else's bucket, which the demo follows, with a notification that its owner has set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.cloud import Cloud
from local.rules.s3 import location
from pipeline.rules import EVENTBRIDGE
from pipeline.settings import KEYS, PROJECT

BUCKET = "somebody-elses-files"
QUEUE = "somebody-elses-queue"
NOT_OURS = ("accessLogBucket", "noncurrentVersionDays")
"""The keys that apply only to the stack's own bucket."""


def following(config: Mapping[str, str]) -> dict[str, str]:
    """Return a stack's configuration, changed so that it follows that bucket."""
    chosen = {"eventSource": EVENTBRIDGE, "bucketName": BUCKET}
    chosen |= {key: json.dumps(KEYS[key].default) for key in NOT_OURS if KEYS[key].default}
    left_out = {f"{PROJECT}:{key}" for key in NOT_OURS}
    kept = {key: value for key, value in config.items() if key not in left_out}
    return kept | {f"{PROJECT}:{key}": value for key, value in chosen.items()}


@dataclass
class Owner:
    """The owner of the bucket."""

    cloud: Cloud
    before: dict[str, Any] = field(default_factory=dict)
    """The bucket's notification configuration before anybody followed it."""

    def make(self) -> None:
        """Make the bucket, which notifies a queue and EventBridge."""
        s3, sqs = self.cloud("s3"), self.cloud("sqs")
        url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        s3.create_bucket(Bucket=BUCKET, **location(self.cloud.region))
        target = {"QueueArn": found["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET,
            NotificationConfiguration={
                "QueueConfigurations": [target],
                "EventBridgeConfiguration": {},
            },
        )
        self.before = self._configuration()

    def problem(self) -> str | None:
        """Say how the configuration differs from what it was; None if it does not."""
        now = self._configuration()
        return None if now == self.before else f"{BUCKET} must notify {self.before}, got {now}"

    def _configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cloud("s3").get_bucket_notification_configuration(
            Bucket=BUCKET
        )
        del found["ResponseMetadata"]
        return found
