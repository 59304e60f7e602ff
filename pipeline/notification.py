"""Connects the bucket to the function: a permission, and the notification configuration."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .bucket import DataBucket
from .processor import Processor
from .shared import Shared

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
EVENTS = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*")


@dataclass(frozen=True, kw_only=True)
class NotificationArgs:
    """Which bucket notifies which function."""

    shared: Shared
    bucket: DataBucket
    processor: Processor


class Notification(pulumi.ComponentResource):
    """Invokes the function for each object that is created, deleted or expires within the filter.

    A bucket has one notification configuration, and saving it replaces the whole configuration:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
    """

    def __init__(
        self, name: str, args: NotificationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("file-metadata:index:Notification", name, {}, opts)
        settings = args.shared.settings

        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=args.processor.function_name,
            principal="s3.amazonaws.com",
            source_arn=args.bucket.bucket_arn,
            # A bucket's ARN contains no account, and anybody may take a deleted bucket's name.
            source_account=args.shared.place.account_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.s3.BucketNotification(
            f"{name}-events",
            bucket=args.bucket.bucket_name,
            lambda_functions=[
                {
                    "lambda_function_arn": args.processor.function_arn,
                    "events": EVENTS,
                    "filter_prefix": settings.object_prefix or None,
                    "filter_suffix": settings.object_suffix or None,
                }
            ],
            # S3 calls Lambda to validate the target when it saves this, so the permission must
            # exist first. The function and its failure queue must be ready before the first
            # event. Protected, because sequencers of another source of events cannot be compared
            # with those in the rows.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[permission, args.bucket.ready, *args.processor.ready],
                protect=settings.protect_data,
            ),
        )
        self.register_outputs({})
