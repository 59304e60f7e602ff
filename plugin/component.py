"""The component as other languages see it: the SDK reads the schema off these two classes.

https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/
"""

from typing import TypedDict

import pulumi

import pipeline
from pipeline import Settings


class FileMetadataPipelineArgs(TypedDict, total=False):
    """What one environment chooses; `Settings` holds the rules.

    All are plain values: the component decides by them what to make, so that a typed language
    refuses an output there before anything runs.
    """

    environment_suffix: str
    """Ends the table's name and tags every resource, 1-32 of a-z 0-9 -; the stack's name if empty"""
    protect_data: bool
    """Deletion protection, Pulumi protect, and no forceDestroy (true by default)"""
    memory_size: int
    """The function's memory, 128-10240 MB; CPU follows it (256 by default)"""
    timeout: int
    """Longest that one invocation may run, 15-900 seconds (15 by default)"""
    log_retention_days: int
    """Days that log events are kept, one of the periods that CloudWatch Logs accepts (90 by default)"""
    tracing: bool
    """Trace invocations with AWS X-Ray (false by default)"""
    reserved_concurrency: int
    """Invocations at once, 1 or more; -1 draws on the account's unreserved pool (-1 by default)"""
    object_prefix: str
    """Announce only keys that start so, at most 1024 of A-Z a-z 0-9 ! _ . ' ( ) / -; all keys if empty"""
    object_suffix: str
    """Announce only keys that end so, at most 1024 of A-Z a-z 0-9 ! _ . ' ( ) / -; all keys if empty"""
    tombstone_days: int
    """Days that a deleted key's tombstone stays in the table, 1-365 (30 by default)"""
    noncurrent_version_days: int
    """Days that overwritten and deleted versions stay in the bucket, 1-3650 (90 by default)"""
    log_level: str
    """Least severity that the function logs, DEBUG, INFO or WARNING (INFO by default)"""
    bucket_name: str
    """An existing bucket's name, to import it into the stack; a bucket of the stack's own if empty"""
    access_log_bucket: str
    """An existing bucket that receives the bucket's server access logs; none if empty"""
    alarm_email: str
    """Who is told of alarms by e-mail; nobody if empty"""
    batch_operations: bool
    """Make the role with which S3 Batch Operations backfills a very large bucket (false by default)"""
    permissions_boundary: str
    """The ARN of an IAM policy that bounds what the stack's roles may ever do; none if empty"""
    customer_managed_key: bool
    """One KMS key of the account's own, rotated, for bucket, table, queue, logs and function (false by default)"""


class FileMetadataPipeline(pipeline.FileMetadataPipeline):
    """One row an object key that equals the bucket's true state."""

    bucket_name: pulumi.Output[str]
    """The bucket to put files into"""
    bucket_url: pulumi.Output[str]
    """Its address over HTTPS"""
    table_name: pulumi.Output[str]
    """The table to query"""
    function_name: pulumi.Output[str]
    """The function between them"""
    failure_queue_url: pulumi.Output[str]
    """Where an event waits, whole, after its last retry"""
    dashboard_url: pulumi.Output[str]
    """Everything at a glance, in CloudWatch"""
    alarm_topic_arn: pulumi.Output[str]
    """Where alarms ring; subscribe what your team uses"""
    batch_operations_role_arn: pulumi.Output[str]
    """The role for S3 Batch Operations; empty without batchOperations"""

    def __init__(
        self,
        name: str,
        args: FileMetadataPipelineArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the pipeline, of arguments that were checked; see `provider.py`."""
        super().__init__(name, Settings(**args), opts)
