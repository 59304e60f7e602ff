"""The link from bucket to function: a permission, and the bucket's one notification."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
EVENTS = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*")


@dataclass(frozen=True, kw_only=True)
class NotificationArgs:
    """Which bucket notifies which function, of which keys."""

    bucket_name: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]
    account_id: pulumi.Input[str]
    """The account that owns the bucket."""
    function_name: pulumi.Input[str]
    function_arn: pulumi.Input[str]
    object_prefix: str
    """Notify only of keys that start so; empty for all."""
    object_suffix: str
    """Notify only of keys that end so; empty for all."""
    after: Sequence[pulumi.Resource]
    """What must be in place before the first event may arrive."""


class Notification(pulumi.ComponentResource):
    """Every change of every key goes to the function.

    A bucket has one notification configuration, and saving it replaces what was there:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
    """

    def __init__(
        self, name: str, args: NotificationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the permission, then the notification."""
        super().__init__("file-metadata:index:Notification", name, {}, opts)

        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=args.function_name,
            principal="s3.amazonaws.com",
            source_arn=args.bucket_arn,
            # A bucket's ARN has no account in it: once deleted, its name is anyone's.
            source_account=args.account_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.s3.BucketNotification(
            f"{name}-events",
            bucket=args.bucket_name,
            lambda_functions=[
                {
                    "lambda_function_arn": args.function_arn,
                    "events": EVENTS,
                    "filter_prefix": args.object_prefix or None,
                    "filter_suffix": args.object_suffix or None,
                }
            ],
            # S3 calls Lambda to validate the target as it saves this, so the permission must
            # exist first; and no event may arrive before the function and its failure queue are
            # ready.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission, *args.after]),
        )
        self.register_outputs({})
