"""The component, which declares all parts."""

import re

import pulumi

from . import names
from .audit import Audit, AuditArgs
from .batch_operations import BatchOperations, BatchOperationsArgs
from .bucket import DataBucket
from .bucket_reference import AnyBucket, BucketReference
from .encryption import EncryptionKey, EncryptionKeyArgs
from .event_rule import EventRule, EventRuleArgs
from .extractor import Extractor, ExtractorArgs
from .failures import FailureQueue, FailureQueueGuard, FailureQueueGuardArgs
from .function import log_group_prefix
from .monitoring import Monitoring, MonitoringArgs
from .notification import Notification, NotificationArgs
from .outputs import OUTPUTS
from .place import Place
from .processor import Processor, ProcessorArgs
from .rules import EVENTBRIDGE, OFF
from .settings import Settings
from .shared import Shared, Tags
from .table import MetadataTable

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
    table_stream_arn: pulumi.Output[str]
    """Empty without ``stream`` or ``extractor``."""
    undelivered_queue_url: pulumi.Output[str]
    """Empty without an ``event_source`` of ``eventbridge``."""

    def __init__(
        self, name: str, args: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare bucket, table, function, failure queue and the source of events.

        Raises:
            ValueError: the name is invalid, or so long that AWS would refuse a resource's name,
                maybe in the middle of an update. The function's name is the longest: it has 64
                characters with ``-processor-function-`` and Pulumi's seven random digits.
        """
        if re.fullmatch(NAME, name) is None:
            raise ValueError(
                f"name must be 1-37 characters of a-z, 0-9 and -, the first not -, got {name!r}"
            )
        super().__init__("file-metadata:index:FileMetadataPipeline", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Children inherit `protect`. A destroy without preview would otherwise delete the bucket's
        # settings and the failed events before the bucket itself refuses.
        kept = pulumi.ResourceOptions(parent=self, protect=args.protect_data)
        shared = self._shared(name, args, child)

        bucket: AnyBucket
        if args.event_source == EVENTBRIDGE:
            bucket = BucketReference.of(shared)
        else:
            bucket = DataBucket(f"{name}-bucket", shared, kept)
        table = MetadataTable(f"{name}-table", shared, kept)
        failures = FailureQueue(f"{name}-failures", shared, kept)
        processor = Processor(
            f"{name}-processor",
            ProcessorArgs(shared=shared, bucket=bucket, table=table, failures=failures),
            child,
        )
        FailureQueueGuard(
            f"{name}-failures-guard",
            FailureQueueGuardArgs(queue=failures, sender_arn=processor.role_arn),
            kept,
        )
        rule = None
        if isinstance(bucket, BucketReference):
            undelivered = FailureQueue(f"{name}-undelivered", shared, kept)
            rule = EventRule(
                f"{name}-events",
                EventRuleArgs(
                    shared=shared, bucket=bucket, processor=processor, undelivered=undelivered
                ),
                child,
            )
        else:
            Notification(
                f"{name}-notification",
                NotificationArgs(shared=shared, bucket=bucket, processor=processor),
                child,
            )
        extractor = None
        if args.extractor:
            extractor_args = ExtractorArgs(shared=shared, bucket=bucket, table=table)
            extractor = Extractor(f"{name}-extractor", extractor_args, child)
        audit = None
        if args.audit != OFF:
            audit_args = AuditArgs(shared=shared, bucket=bucket, table=table, processor=processor)
            audit = Audit(f"{name}-audit", audit_args, child)
        monitoring = Monitoring(
            f"{name}-monitoring",
            MonitoringArgs(
                shared=shared,
                bucket=bucket,
                table=table,
                failures=failures,
                processor=processor,
                extractor=extractor,
                audit=audit,
                rule=rule,
            ),
            child,
        )
        self.batch_operations_role_arn = pulumi.Output.from_input("")
        if args.batch_operations:
            batch = BatchOperationsArgs(shared=shared, bucket=bucket, processor=processor)
            self.batch_operations_role_arn = BatchOperations(f"{name}-batch", batch, child).role_arn
        self.undelivered_queue_url = (
            rule.undelivered.queue_url if rule else pulumi.Output.from_input("")
        )
        self.bucket_name = bucket.bucket_name
        self.bucket_url = bucket.bucket_url
        self.table_name = table.table_name
        self.table_stream_arn = table.stream_arn
        self.function_name = processor.function_name
        self.failure_queue_url = failures.queue_url
        self.dashboard_url = monitoring.dashboard_url
        self.alarm_topic_arn = monitoring.topic_arn
        self.register_outputs(
            {output.attribute: getattr(self, output.attribute) for output in OUTPUTS.values()}
        )

    def export(self) -> None:
        """Export the stack's outputs, under the names that `ops` reads."""
        for name, output in OUTPUTS.items():
            pulumi.export(name, getattr(self, output.attribute))

    def _shared(self, name: str, args: Settings, opts: pulumi.ResourceOptions) -> Shared:
        place, tags = Place.of(self), _tags(args)
        key_arn: pulumi.Input[str] | None = args.kms_key_arn or None
        if args.customer_managed_key:
            # Not protected: otherwise Pulumi refuses to remove it from the stack, which retains it.
            key_args = EncryptionKeyArgs(
                environment_suffix=args.environment_suffix,
                place=place,
                # The key is made first, so only the prefixes of the log groups' names are known.
                log_group_prefixes=[log_group_prefix(one) for one in function_names(name, args)],
                event_bridge=args.event_source == EVENTBRIDGE,
                tags=tags,
            )
            key_arn = EncryptionKey(f"{name}-encryption", key_args, opts).key_arn
        return Shared(settings=args, place=place, tags=tags, key_arn=key_arn)


def _tags(args: Settings) -> Tags:
    fixed = names.tags(args.environment_suffix)
    if isinstance(args.tags, dict):
        return {**args.tags, **fixed}
    return pulumi.Output.all(args.tags).apply(lambda given: {**given[0], **fixed})


def function_names(name: str, args: Settings) -> list[str]:
    """The logical names of the pipeline's components that have a function."""
    return [
        f"{name}-processor",
        *([f"{name}-extractor"] if args.extractor else []),
        *([f"{name}-audit"] if args.audit != OFF else []),
    ]
