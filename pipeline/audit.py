"""The optional audit: a function that compares the bucket with the table, and its schedule."""

from dataclasses import dataclass
from datetime import datetime

import pulumi
import pulumi_aws as aws

from . import function as functions
from . import role_policies
from .bucket_reference import AnyBucket, owner
from .package import audit_archive
from .processor import Processor
from .rules import REPAIR
from .shared import Shared
from .table import MetadataTable

ENTRY_POINT = "auditor.run_audit.lambda_handler"
# One vCPU: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MEMORY_MB = 1769
STORAGE_MB = 2048
TIMEOUT_SECONDS = 900
# With this limit and at most 12 invocations, an audit ends before the next one begins.
MAXIMUM_EVENT_AGE_SECONDS = 60 * 60
DAILY, FLEXIBLE_MINUTES = "cron(0 3 * * ? *)", 60


@dataclass(frozen=True, kw_only=True)
class AuditArgs:
    """Arguments of the audit: what it compares, and the function that repairs."""

    shared: Shared
    bucket: AnyBucket
    table: MetadataTable
    processor: Processor


class Audit(pulumi.ComponentResource):
    """A Lambda function that EventBridge Scheduler invokes once a day.

    One audit runs at a time: each invocation starts the next at its end, and the last one ends
    before the next day's audit. Reserved concurrency would ensure that too, but an account may have
    none to reserve.
    """

    function_name: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    created: pulumi.Output[int]
    """Seconds since 1970."""

    def __init__(
        self, name: str, args: AuditArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("file-metadata:index:Audit", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)

        log_group = functions.log_group(name, args.shared, self._child)
        role = functions.role(
            f"{name}-role", role_policies.trust_lambda(), args.shared, self._child
        )
        permissions = self._permissions(role, log_group)
        function = self._function(role, log_group, permissions)
        # A separate policy, because the function's name, an auto-name, is known only now.
        successor = self._may_invoke("continuation", role, function)
        once = aws.lambda_.FunctionEventInvokeConfig(
            f"{name}-once",
            function_name=function.name,
            # No retries: the next audit starts tomorrow.
            maximum_retry_attempts=0,
            maximum_event_age_in_seconds=MAXIMUM_EVENT_AGE_SECONDS,
            opts=self._child,
        )
        self._schedule(function, [successor, once])
        self.function_name = function.name
        self.log_group_name = log_group.name
        # Only the role has an output with its time of creation, and no setting replaces it.
        self.created = role.create_date.apply(_seconds)
        self.register_outputs(
            {
                "function_name": self.function_name,
                "log_group_name": self.log_group_name,
                "created": self.created,
            }
        )

    def _permissions(
        self, role: aws.iam.Role, log_group: aws.cloudwatch.LogGroup
    ) -> aws.iam.RolePolicy:
        args, settings = self._args, self._args.shared.settings
        repairs = args.processor.function_arn if settings.audit == REPAIR else None
        return aws.iam.RolePolicy(
            f"{self._name}-permissions",
            role=role.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(
                    bucket_arn=args.bucket.bucket_arn,
                    table_arn=args.table.table_arn,
                    repairing_arn=repairs,
                    log_group_arn=log_group.arn,
                    key_arn=args.shared.key_arn,
                ).apply(lambda arns: role_policies.audit(**arns, tracing=settings.tracing))
            ),
            opts=self._child,
        )

    def _may_invoke(
        self, kind: str, role: aws.iam.Role, function: aws.lambda_.Function
    ) -> aws.iam.RolePolicy:
        return aws.iam.RolePolicy(
            f"{self._name}-{kind}",
            role=role.name,
            policy=pulumi.Output.json_dumps(function.arn.apply(role_policies.invoke_audit)),
            opts=self._child,
        )

    def _function(
        self,
        role: aws.iam.Role,
        log_group: aws.cloudwatch.LogGroup,
        permissions: aws.iam.RolePolicy,
    ) -> aws.lambda_.Function:
        args, settings = self._args, self._args.shared.settings
        return aws.lambda_.Function(
            f"{self._name}-function",
            runtime=functions.RUNTIME,
            architectures=functions.ARCHITECTURES,
            code=audit_archive(),
            handler=ENTRY_POINT,
            role=role.arn,
            memory_size=MEMORY_MB,
            timeout=TIMEOUT_SECONDS,
            ephemeral_storage={"size": STORAGE_MB},
            kms_key_arn=args.shared.key_arn,
            tracing_config=functions.tracing(args.shared),
            # Its metrics come from its last log line, which has the level INFO.
            logging_config=functions.json_logs(log_group.name, "INFO"),
            environment={
                "variables": {
                    "AUDIT": settings.audit,
                    "DYNAMODB_TABLE_NAME": args.table.table_name,
                    "OBJECT_PREFIX": settings.object_prefix,
                    "OBJECT_SUFFIX": settings.object_suffix,
                    "PROCESSOR_NAME": args.processor.function_name,
                    "S3_BUCKET_ACCOUNT_ID": args.shared.place.account_id,
                    "S3_BUCKET_NAME": args.bucket.bucket_name,
                    **owner(args.bucket),
                }
            },
            tags=args.shared.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permissions]),
        )

    def _schedule(self, function: aws.lambda_.Function, ready: list[pulumi.Resource]) -> None:
        """Invoke the function every day, asynchronously.

        https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
        """
        trust = self._args.shared.place.account_id.apply(role_policies.trust_scheduler)
        scheduler = functions.role(f"{self._name}-scheduler", trust, self._args.shared, self._child)
        may_invoke = self._may_invoke("start", scheduler, function)
        aws.scheduler.Schedule(
            f"{self._name}-daily",
            schedule_expression=DAILY,
            flexible_time_window={
                "mode": "FLEXIBLE",
                "maximum_window_in_minutes": FLEXIBLE_MINUTES,
            },
            target={
                "arn": function.arn,
                "role_arn": scheduler.arn,
                "input": "{}",
                "retry_policy": {"maximum_retry_attempts": 0},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[may_invoke, *ready]),
        )


def _seconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())
