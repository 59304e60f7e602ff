"""The link from bucket to function: a permission, and the bucket's one notification."""

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
    """The function is invoked for each object created, deleted or expired within the filter.

    A bucket has one notification configuration, and saving it replaces what was there:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
    """

    def __init__(
        self, name: str, args: NotificationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the permission, then the notification."""
        super().__init__("file-metadata:index:Notification", name, {}, opts)
        settings = args.shared.settings

        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=args.processor.function_name,
            principal="s3.amazonaws.com",
            source_arn=args.bucket.bucket_arn,
            # A bucket's ARN has no account in it: once deleted, its name is anyone's.
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
            # S3 calls Lambda to validate the target as it saves this, so the permission must
            # exist first; and no event may arrive before the function and its failure queue are
            # ready. Protected, so that no other source of events takes over the table's rows,
            # whose sequencers are of this one.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[permission, args.bucket.ready, *args.processor.ready],
                protect=settings.protect_data,
            ),
        )
        self.register_outputs({})
