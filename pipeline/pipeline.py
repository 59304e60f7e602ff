"""The component: the parts, put together."""

import re

import pulumi

from . import names
from .batch_operations import BatchOperations, BatchOperationsArgs
from .bucket import DataBucket, DataBucketArgs
from .encryption import EncryptionKey, EncryptionKeyArgs
from .failures import (
    FailureQueue,
    FailureQueueArgs,
    FailureQueueGuard,
    FailureQueueGuardArgs,
)
from .monitoring import Monitoring, MonitoringArgs
from .notification import Notification, NotificationArgs
from .outputs import OUTPUTS
from .place import Place
from .processor import Processor, ProcessorArgs, log_group_prefix
from .settings import Settings
from .table import MetadataTable, MetadataTableArgs

NAME = r"[a-z0-9][a-z0-9-]{0,36}"


class FileMetadataPipeline(pulumi.ComponentResource):
    """One up-to-date row for each object key of a bucket."""

    bucket_name: pulumi.Output[str]
    bucket_url: pulumi.Output[str]
    table_name: pulumi.Output[str]
    function_name: pulumi.Output[str]
    failure_queue_url: pulumi.Output[str]
    dashboard_url: pulumi.Output[str]
    alarm_topic_arn: pulumi.Output[str]
    batch_operations_role_arn: pulumi.Output[str]
    """Empty without ``batch_operations``."""

    def __init__(
        self, name: str, args: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare bucket, table, function, failure queue and the notification between them.

        Raises:
            ValueError: the name would make another that AWS refuses, maybe in the middle of an
                update. The longest is the function's: 64 characters with its role and Pulumi's
                random end.
        """
        if re.fullmatch(NAME, name) is None:
            raise ValueError(
                f"name must be 1-37 characters of a-z, 0-9 and -, the first not -, got {name!r}"
            )
        super().__init__("file-metadata:index:FileMetadataPipeline", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Children inherit it. A destroy without preview would otherwise delete the bucket's
        # settings and the failed events before the bucket itself refuses.
        kept = pulumi.ResourceOptions(parent=self, protect=args.protect_data)
        tags = names.tags(args.environment_suffix)
        place = Place.of(self)
        # Not `kept`: Pulumi would refuse to take the key out of the stack, though it retains it.
        key_arn = self._key(name, args, tags, place, child)

        bucket = DataBucket(
            f"{name}-bucket",
            DataBucketArgs(
                bucket_name=args.bucket_name,
                protect_data=args.protect_data,
                noncurrent_version_days=args.noncurrent_version_days,
                key_arn=key_arn,
                access_log_bucket=args.access_log_bucket,
                tags=tags,
            ),
            kept,
        )
        table = MetadataTable(
            f"{name}-table",
            MetadataTableArgs(
                environment_suffix=args.environment_suffix,
                protect_data=args.protect_data,
                key_arn=key_arn,
                tags=tags,
            ),
            kept,
        )
        failures = FailureQueue(
            f"{name}-failures", FailureQueueArgs(key_arn=key_arn, tags=tags), kept
        )
        processor = Processor(
            processor_name(name),
            ProcessorArgs(
                bucket_name=bucket.bucket_name,
                bucket_arn=bucket.bucket_arn,
                table_name=table.table_name,
                table_arn=table.table_arn,
                queue_arn=failures.queue_arn,
                key_arn=key_arn,
                memory_size=args.memory_size,
                timeout=args.timeout,
                log_retention_days=args.log_retention_days,
                log_level=args.log_level,
                tracing=args.tracing,
                reserved_concurrency=args.reserved_concurrency,
                tombstone_days=args.tombstone_days,
                permissions_boundary=args.permissions_boundary,
                tags=tags,
            ),
            child,
        )
        FailureQueueGuard(
            f"{name}-failures-guard",
            FailureQueueGuardArgs(
                queue_url=failures.queue_url,
                queue_arn=failures.queue_arn,
                sender_arn=processor.role_arn,
            ),
            kept,
        )
        Notification(
            f"{name}-notification",
            NotificationArgs(
                bucket_name=bucket.bucket_name,
                bucket_arn=bucket.bucket_arn,
                account_id=place.account_id,
                function_name=processor.function_name,
                function_arn=processor.function_arn,
                object_prefix=args.object_prefix,
                object_suffix=args.object_suffix,
                after=[bucket.ready, *processor.ready],
            ),
            child,
        )
        monitoring = Monitoring(
            f"{name}-monitoring",
            MonitoringArgs(
                environment_suffix=args.environment_suffix,
                place=place,
                bucket_name=bucket.bucket_name,
                queue_name=failures.queue_name,
                table_name=table.table_name,
                function_name=processor.function_name,
                log_group_name=processor.log_group_name,
                timeout=args.timeout,
                key_arn=key_arn,
                alarm_email=args.alarm_email,
                tags=tags,
            ),
            child,
        )
        self.batch_operations_role_arn = pulumi.Output.from_input("")
        if args.batch_operations:
            batch = BatchOperations(
                f"{name}-batch",
                BatchOperationsArgs(
                    bucket_arn=bucket.bucket_arn,
                    function_arn=processor.function_arn,
                    permissions_boundary=args.permissions_boundary,
                    tags=tags,
                ),
                child,
            )
            self.batch_operations_role_arn = batch.role_arn
        self.bucket_name = bucket.bucket_name
        self.bucket_url = bucket.bucket_url
        self.table_name = table.table_name
        self.function_name = processor.function_name
        self.failure_queue_url = failures.queue_url
        self.dashboard_url = monitoring.dashboard_url
        self.alarm_topic_arn = monitoring.topic_arn
        self.register_outputs(
            {output.attribute: getattr(self, output.attribute) for output in OUTPUTS.values()}
        )

    def export(self) -> None:
        """Export the outputs of the stack, under the names by which `ops` knows them."""
        for name, output in OUTPUTS.items():
            pulumi.export(name, getattr(self, output.attribute))

    def _key(
        self,
        name: str,
        args: Settings,
        tags: dict[str, str],
        place: Place,
        opts: pulumi.ResourceOptions,
    ) -> pulumi.Output[str] | None:
        if not args.customer_managed_key:
            return None
        key = EncryptionKey(
            f"{name}-encryption",
            EncryptionKeyArgs(
                environment_suffix=args.environment_suffix,
                place=place,
                # The key comes before the log group, whose name has a random end.
                log_group_prefix=log_group_prefix(processor_name(name)),
                tags=tags,
            ),
            opts,
        )
        return key.key_arn


def processor_name(name: str) -> str:
    """The logical name of a pipeline's processor."""
    return f"{name}-processor"
