"""The link from somebody else's bucket to the function: a rule of EventBridge's, and its target.

The bucket's owner switches EventBridge on once, and then anyone may add rules; nothing here changes
the bucket: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
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

# AWS's defaults, stated: they bound how long an undelivered event is tried.
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
    """Where an event goes that EventBridge cannot deliver."""


class EventRule(pulumi.ComponentResource):
    """The bucket's events within prefix and suffix invoke the function; undelivered ones wait."""

    rule_name: pulumi.Output[str]
    undelivered: FailureQueue

    def __init__(
        self, name: str, args: EventRuleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the rule, who may invoke the function and use the queue, and then the target."""
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
            # The rows are of one bucket and one source, whose sequencers alone can be compared: a
            # protected rule is neither deleted nor pointed at another bucket.
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
            # EventBridge does not retry an invocation that it may not make, and drops an event
            # that it may not send to the queue: no event may arrive before it may do both, and
            # before the function and its failure queue are ready.
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
        )
        self.rule_name = rule.name
        self.undelivered = args.undelivered
        self.register_outputs({"rule_name": self.rule_name})


def event_pattern(bucket: str, account: str, prefix: str, suffix: str) -> dict[str, Any]:
    """The pattern of a bucket's events that change what a key holds. Pure.

    A list of a prefix and a suffix would mean either; one wildcard means both. The settings' rule
    keeps characters with a meaning there, the asterisk and the backslash, out of both.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

    Args:
        bucket: its name.
        account: who owns it.
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
