"""The component: the parts, put together."""

import pulumi
import pulumi_aws as aws

from pipeline.bucket import DataBucket, DataBucketArgs
from pipeline.failures import FailureQueue, FailureQueueArgs
from pipeline.notification import Notification, NotificationArgs
from pipeline.processor import Processor, ProcessorArgs
from pipeline.settings import Settings
from pipeline.table import MetadataTable, MetadataTableArgs


class FileMetadataPipeline(pulumi.ComponentResource):
    """One row an object key that equals the bucket's true state."""

    bucket_name: pulumi.Output[str]
    bucket_url: pulumi.Output[str]
    table_name: pulumi.Output[str]
    function_name: pulumi.Output[str]
    failure_queue_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare bucket, table, function, failure queue and the notification between them."""
        super().__init__("file-metadata:index:FileMetadataPipeline", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Children inherit it. A destroy without preview would otherwise take the guards, the
        # versioning and the parked events before the bucket itself refuses.
        kept = pulumi.ResourceOptions(parent=self, protect=args.protect_data)
        tags = {"Environment": args.environment_suffix, "Project": "DataPipeline"}
        identity = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self))

        bucket = DataBucket(
            f"{name}-bucket",
            DataBucketArgs(
                protect_data=args.protect_data,
                noncurrent_version_days=args.noncurrent_version_days,
                tags=tags,
            ),
            kept,
        )
        table = MetadataTable(
            f"{name}-table",
            MetadataTableArgs(
                environment_suffix=args.environment_suffix,
                protect_data=args.protect_data,
                tags=tags,
            ),
            kept,
        )
        failures = FailureQueue(f"{name}-failures", FailureQueueArgs(tags=tags), kept)
        processor = Processor(
            f"{name}-processor",
            ProcessorArgs(
                bucket_name=bucket.bucket_name,
                bucket_arn=bucket.bucket_arn,
                table_name=table.table_name,
                table_arn=table.table_arn,
                queue_arn=failures.queue_arn,
                memory_size=args.memory_size,
                timeout=args.timeout,
                log_retention_days=args.log_retention_days,
                log_level=args.log_level,
                tracing=args.tracing,
                reserved_concurrency=args.reserved_concurrency,
                tombstone_days=args.tombstone_days,
                tags=tags,
            ),
            child,
        )
        Notification(
            f"{name}-notification",
            NotificationArgs(
                bucket_name=bucket.bucket_name,
                bucket_arn=bucket.bucket_arn,
                account_id=identity.account_id,
                function_name=processor.function_name,
                function_arn=processor.function_arn,
                object_prefix=args.object_prefix,
                object_suffix=args.object_suffix,
                after=[bucket.ready, *processor.ready],
            ),
            child,
        )
        self.bucket_name = bucket.bucket_name
        self.bucket_url = bucket.bucket_url
        self.table_name = table.table_name
        self.function_name = processor.function_name
        self.failure_queue_url = failures.queue_url
        self.register_outputs(
            {
                "bucket_name": self.bucket_name,
                "bucket_url": self.bucket_url,
                "table_name": self.table_name,
                "function_name": self.function_name,
                "failure_queue_url": self.failure_queue_url,
            }
        )
