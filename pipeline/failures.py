"""The failure queue: where an event waits after its last retry."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .shared import Shared

RETENTION_SECONDS = 14 * 24 * 60 * 60


class FailureQueue(pulumi.ComponentResource):
    """An encrypted queue that keeps events as long as SQS can, 14 days."""

    queue_url: pulumi.Output[str]
    queue_arn: pulumi.Output[str]
    queue_name: pulumi.Output[str]

    def __init__(self, name: str, args: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("file-metadata:index:FailureQueue", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        queue = aws.sqs.Queue(
            f"{name}-events",
            message_retention_seconds=RETENTION_SECONDS,
            # SQS accepts only one of these two.
            sqs_managed_sse_enabled=True if args.key_arn is None else None,
            kms_master_key_id=args.key_arn,
            tags=args.tags,
            opts=child,
        )
        self.queue_url = queue.url
        self.queue_arn = queue.arn
        self.queue_name = queue.name
        self.register_outputs(
            {
                "queue_url": self.queue_url,
                "queue_arn": self.queue_arn,
                "queue_name": self.queue_name,
            }
        )


@dataclass(frozen=True, kw_only=True)
class FailureQueueGuardArgs:
    """Which queue, and who may send to it."""

    queue: FailureQueue
    sender_arn: pulumi.Input[str]
    """The role that Lambda uses to send failed events; the role is made after the queue."""


class FailureQueueGuard(pulumi.ComponentResource):
    """The queue's policy: TLS only, and events from one role only."""

    def __init__(
        self, name: str, args: FailureQueueGuardArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("file-metadata:index:FailureQueueGuard", name, {}, opts)
        aws.sqs.QueuePolicy(
            f"{name}-policy",
            queue_url=args.queue.queue_url,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(queue_arn=args.queue.queue_arn, sender_arn=args.sender_arn).apply(
                    lambda arns: resource_policies.queue_takes_only_from(**arns)
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
