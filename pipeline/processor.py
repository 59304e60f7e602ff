"""The function that writes the table: its log group, role, code and failure destination."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import function as functions
from . import role_policies
from .bucket_reference import AnyBucket, owner
from .failures import FailureQueue
from .package import handler_archive
from .shared import Shared
from .table import MetadataTable

ENTRY_POINT = "process_file.lambda_handler"
RETRIES = 2
MAXIMUM_EVENT_AGE_SECONDS = 6 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class ProcessorArgs:
    """Arguments of the function."""

    shared: Shared
    bucket: AnyBucket
    table: MetadataTable
    failures: FailureQueue
    """Where events go after their last retry."""


class Processor(pulumi.ComponentResource):
    """A Lambda function with the permissions that its code uses; failed events go to a queue."""

    function_name: pulumi.Output[str]
    function_arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    role_name: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    ready: list[pulumi.Resource]
    """What must be in place before the first event may arrive."""

    def __init__(
        self, name: str, args: ProcessorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("file-metadata:index:Processor", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        shared, settings = args.shared, args.shared.settings

        log_group = functions.log_group(name, shared, child)
        role = functions.role(f"{name}-role", role_policies.trust_lambda(), shared, child)
        policy = aws.iam.RolePolicy(
            f"{name}-permissions",
            role=role.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(
                    bucket_arn=args.bucket.bucket_arn,
                    table_arn=args.table.table_arn,
                    queue_arn=args.failures.queue_arn,
                    log_group_arn=log_group.arn,
                    key_arn=shared.key_arn,
                ).apply(lambda arns: role_policies.process_files(**arns, tracing=settings.tracing))
            ),
            opts=child,
        )
        function = aws.lambda_.Function(
            f"{name}-function",
            runtime=functions.RUNTIME,
            architectures=functions.ARCHITECTURES,
            code=handler_archive(),
            handler=ENTRY_POINT,
            role=role.arn,
            memory_size=settings.memory_size,
            timeout=settings.timeout,
            reserved_concurrent_executions=settings.reserved_concurrency,
            kms_key_arn=shared.key_arn,
            tracing_config=functions.tracing(shared),
            logging_config=functions.json_logs(log_group.name, settings.log_level),
            environment={"variables": _variables(args)},
            tags=shared.tags,
            # Without its permissions the function would fail its first events.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        failure_path = aws.lambda_.FunctionEventInvokeConfig(
            f"{name}-failure-path",
            function_name=function.name,
            maximum_retry_attempts=RETRIES,
            maximum_event_age_in_seconds=MAXIMUM_EVENT_AGE_SECONDS,
            destination_config={"on_failure": {"destination": args.failures.queue_arn}},
            # Lambda checks that the role may send to the destination when it saves this.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.function_name = function.name
        self.function_arn = function.arn
        self.role_arn = role.arn
        self.role_name = role.name
        self.log_group_name = log_group.name
        self.ready = [failure_path]
        self.register_outputs(
            {
                "function_name": self.function_name,
                "function_arn": self.function_arn,
                "role_arn": self.role_arn,
                "log_group_name": self.log_group_name,
            }
        )


def _variables(args: ProcessorArgs) -> dict[str, pulumi.Input[str]]:
    settings = args.shared.settings
    return {
        "DYNAMODB_TABLE_NAME": args.table.table_name,
        "DYNAMODB_TABLE_ARN": args.table.table_arn,
        "S3_BUCKET_NAME": args.bucket.bucket_name,
        "TOMBSTONE_DAYS": str(settings.tombstone_days),
        # Rows of new versions are then pending, until the extractor has read the version.
        **({"EXTRACTION": "on"} if settings.extractor else {}),
        **owner(args.bucket),
    }
