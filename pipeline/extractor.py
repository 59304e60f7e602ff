"""The optional extractor: a function that reads the files, invoked by the table's stream."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import function as functions
from . import role_policies
from .bucket_reference import AnyBucket, decryption, owner
from .package import extractor_archive
from .shared import Shared
from .table import MetadataTable

ENTRY_POINT = "extract_file.lambda_handler"
# Invocations at once for each shard of the stream; records of one key stay in order:
# https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
AT_ONCE = 10
# The maximum age also discards records that were never tried, so it must be longer than a
# backfill's backlog. The retries limit how long one file delays those behind it, and must suffice
# for some seconds in which S3 answers each attempt with an error at once:
# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
MAXIMUM_RECORD_AGE_SECONDS = 6 * 60 * 60
RETRIES = 100
# A filter matches a record's fields. Only equality of a value works alike in every AWS service:
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
PENDING = {"dynamodb": {"NewImage": {"extraction": {"S": ["pending"]}}}}


@dataclass(frozen=True, kw_only=True)
class ExtractorArgs:
    """Arguments of the extractor: what it reads, and where it writes."""

    shared: Shared
    bucket: AnyBucket
    table: MetadataTable


class Extractor(pulumi.ComponentResource):
    """A Lambda function that reads each new version once, and writes what it found to the row."""

    function_name: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    mapping_id: pulumi.Output[str]
    """The event source mapping's id, the dimension of its metrics."""

    def __init__(
        self, name: str, args: ExtractorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("file-metadata:index:Extractor", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        shared = args.shared

        log_group = functions.log_group(name, shared, self._child)
        role = functions.role(f"{name}-role", role_policies.trust_lambda(), shared, self._child)
        permissions = [
            self._permissions(role, log_group),
            *decryption(f"{name}-decrypt-objects", role.name, shared, self._child),
        ]
        function = self._function(role, log_group, permissions)
        mapping = aws.lambda_.EventSourceMapping(
            f"{name}-stream",
            function_name=function.name,
            event_source_arn=args.table.stream_arn,
            # LATEST may miss records that are written while the mapping is being made:
            # https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
            starting_position="TRIM_HORIZON",
            # One file's failure or timeout must not affect another file.
            batch_size=1,
            parallelization_factor=AT_ONCE,
            filter_criteria={"filters": [{"pattern": json.dumps(PENDING)}]},
            maximum_record_age_in_seconds=MAXIMUM_RECORD_AGE_SECONDS,
            maximum_retry_attempts=RETRIES,
            metrics_config={"metrics": ["EventCount"]},
            tags=shared.tags,
            # Lambda checks that the role may read the stream when it saves this. The role can,
            # because the function depends on the role's permissions.
            opts=self._child,
        )
        self.function_name = function.name
        self.log_group_name = log_group.name
        self.mapping_id = mapping.uuid
        self.register_outputs(
            {
                "function_name": self.function_name,
                "log_group_name": self.log_group_name,
                "mapping_id": self.mapping_id,
            }
        )

    def _permissions(
        self, role: aws.iam.Role, log_group: aws.cloudwatch.LogGroup
    ) -> aws.iam.RolePolicy:
        args, tracing = self._args, self._args.shared.settings.tracing
        return aws.iam.RolePolicy(
            f"{self._name}-permissions",
            role=role.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(
                    bucket_arn=args.bucket.bucket_arn,
                    table_arn=args.table.table_arn,
                    stream_arn=args.table.stream_arn,
                    log_group_arn=log_group.arn,
                    key_arn=args.shared.key_arn,
                ).apply(lambda arns: role_policies.extract_files(**arns, tracing=tracing))
            ),
            opts=self._child,
        )

    def _function(
        self,
        role: aws.iam.Role,
        log_group: aws.cloudwatch.LogGroup,
        permissions: list[aws.iam.RolePolicy],
    ) -> aws.lambda_.Function:
        args, settings = self._args, self._args.shared.settings
        return aws.lambda_.Function(
            f"{self._name}-function",
            runtime=functions.RUNTIME,
            architectures=functions.ARCHITECTURES,
            code=extractor_archive(settings.extractor),
            handler=ENTRY_POINT,
            role=role.arn,
            memory_size=settings.extractor_memory_size,
            timeout=settings.extractor_timeout,
            ephemeral_storage={"size": settings.extractor_storage},
            kms_key_arn=args.shared.key_arn,
            tracing_config=functions.tracing(args.shared),
            logging_config=functions.json_logs(log_group.name, settings.log_level),
            environment={
                "variables": {
                    "DYNAMODB_TABLE_NAME": args.table.table_name,
                    "DYNAMODB_TABLE_ARN": args.table.table_arn,
                    "S3_BUCKET_NAME": args.bucket.bucket_name,
                    **owner(args.bucket),
                }
            },
            tags=args.shared.tags,
            # Without its permissions the function would fail its first records.
            opts=pulumi.ResourceOptions(parent=self, depends_on=permissions),
        )
