"""Connects somebody else's bucket to the function: an EventBridge rule and its target.

The bucket's owner turns EventBridge on once. Nothing here changes the bucket:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .bucket_reference import BucketReference, decryption
from .failures import FailureQueue
from .processor import Processor
from .shared import Shared

# AWS's defaults: how long and how often EventBridge retries an event.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
RETRY_SECONDS = 24 * 60 * 60
RETRIES = 185


@dataclass(frozen=True, kw_only=True)
class EventRuleArgs:
    """Which bucket's events go to which function."""

    shared: Shared
    bucket: BucketReference
    processor: Processor
    undelivered: FailureQueue
    """The queue for events that EventBridge cannot deliver."""


class EventRule(pulumi.ComponentResource):
    """Invokes the function for the bucket's events within prefix and suffix.

    Events that EventBridge cannot deliver go to a queue.
    """

    rule_name: pulumi.Output[str]
    undelivered: FailureQueue

    def __init__(
        self, name: str, args: EventRuleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("file-metadata:index:EventRule", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings = args.shared.settings

        rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            description=f"Changes of objects in {settings.bucket_name}",
            event_pattern=pulumi.Output.json_dumps(
                args.bucket.account_id.apply(
                    lambda account: event_pattern(
                        settings.bucket_name,
                        account,
                        settings.object_prefix,
                        settings.object_suffix,
                    )
                )
            ),
            tags=args.shared.tags,
            # All rows must come from one bucket and one source, because other sequencers cannot be
            # compared. So a protected rule cannot be deleted, or changed to another bucket.
            opts=pulumi.ResourceOptions(
                parent=self, protect=settings.protect_data, replace_on_changes=["description"]
            ),
        )
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=args.processor.function_name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            opts=child,
        )
        queue_policy = aws.sqs.QueuePolicy(
            f"{name}-undelivered-policy",
            queue_url=args.undelivered.queue_url,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(queue_arn=args.undelivered.queue_arn, rule_arn=rule.arn).apply(
                    lambda arns: resource_policies.queue_takes_only_from_rule(**arns)
                )
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=settings.protect_data),
        )
        decrypts = decryption(
            f"{name}-decrypt-objects", args.processor.role_name, args.shared, child
        )
        ready = [permission, queue_policy, *decrypts, *args.processor.ready]
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            arn=args.processor.function_arn,
            dead_letter_config={"arn": args.undelivered.queue_arn},
            retry_policy={
                "maximum_event_age_in_seconds": RETRY_SECONDS,
                "maximum_retry_attempts": RETRIES,
            },
            # Without permission, EventBridge does not retry an invocation, and drops an event that
            # it cannot send to the queue. So both permissions, the function and its failure queue
            # must be ready before the first event.
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
        )
        self.rule_name = rule.name
        self.undelivered = args.undelivered
        self.register_outputs({"rule_name": self.rule_name})


def event_pattern(bucket: str, account: str, prefix: str, suffix: str) -> dict[str, Any]:
    """The pattern for creations and deletions of a bucket's objects. Pure.

    A list of a prefix and a suffix would match either; one wildcard matches both. Neither contains
    an asterisk or a backslash, which are special in a wildcard: `Settings` refuses them.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

    Args:
        bucket: its name.
        account: its owner's account.
        prefix: how the keys start; empty for all.
        suffix: how they end; empty for all.
    """
    detail: dict[str, Any] = {"bucket": {"name": [bucket]}}
    if prefix or suffix:
        detail["object"] = {"key": [{"wildcard": f"{prefix}*{suffix}"}]}
    return {
        "source": ["aws.s3"],
        "account": [account],
        "detail-type": ["Object Created", "Object Deleted"],
        "detail": detail,
    }
