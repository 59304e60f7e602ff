"""The component as other languages see it: the SDK infers the schema from these two classes.

Written by `make generate` from pipeline/settings.py and pipeline/outputs.py.
https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/
"""

from typing import TypedDict

import pulumi

import pipeline
from pipeline import Settings


class FileMetadataPipelineArgs(TypedDict, total=False):
    """The configuration of one environment; `Settings` has the rules.

    Arguments of a plain type decide which resources exist, so a typed language refuses an output
    there at compile time.
    """

    environment_suffix: str
    """Ends the table's name and tags every resource; the stack's name if empty (1-32 characters of a-z, 0-9 and -)"""
    protect_data: bool
    """Deletion protection, Pulumi protect, and no forceDestroy; true by default"""
    memory_size: int
    """The function's memory; its CPU share grows with it (128-10240 MB); 128 by default"""
    timeout: int
    """The longest time that one invocation may run (15-900 seconds); 15 by default"""
    log_retention_days: int
    """Days that log events are kept (one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653 days); 90 by default"""
    tracing: bool
    """Trace invocations with AWS X-Ray; false by default"""
    reserved_concurrency: int
    """The most invocations that run at once (1 or more invocations, or -1 for unreserved (0 would stop the function)); -1 by default"""
    object_prefix: str
    """Only keys with this prefix have rows; all keys if empty (at most 1024 characters of A-Z a-z 0-9 ! _ . ' ( ) / -)"""
    object_suffix: str
    """Only keys with this suffix have rows; all keys if empty (at most 1024 characters of A-Z a-z 0-9 ! _ . ' ( ) / -)"""
    tombstone_days: int
    """Days that a deleted key's row stays as a tombstone (1-365 days); 30 by default"""
    noncurrent_version_days: int
    """Days that overwritten and deleted versions stay in the bucket (1-3650 days); 90 by default"""
    log_level: str
    """The lowest severity that the function logs (one of DEBUG, INFO, WARNING); INFO by default"""
    bucket_name: str
    """The name of an existing bucket, to import it into the stack or, with `eventSource` `eventbridge`, to follow it; a new bucket if empty (a bucket's name, 3-63 characters of a-z, 0-9, . and -)"""
    access_log_bucket: pulumi.Input[str]
    """An existing bucket that receives the bucket's server access logs; none if empty (a bucket's name, 3-63 characters of a-z, 0-9, . and -)"""
    alarm_email: str
    """E-mail address that receives the alarms after it has confirmed; none if empty (one e-mail address)"""
    batch_operations: bool
    """Make the role with which S3 Batch Operations backfills a very large bucket; false by default"""
    permissions_boundary: pulumi.Input[str]
    """The ARN of an IAM policy, the permissions boundary of the stack's roles; none if empty (the ARN of an IAM policy)"""
    customer_managed_key: bool
    """One customer managed KMS key, rotated, for bucket, table, queue, topic, logs and the function's environment; false by default"""
    kms_key_arn: pulumi.Input[str]
    """The ARN of an existing KMS key to use instead of customerManagedKey; none if empty (the ARN of a KMS key)"""
    alarm_topic_arn: pulumi.Input[str]
    """The ARN of an existing SNS topic for the alarms; a new topic if empty (the ARN of an SNS topic)"""
    extractor: str
    """A folder with extract.py, whose extract() reads each new version of each object; none if empty"""
    extractor_memory_size: int
    """The extractor's memory; its CPU share grows with it (128-10240 MB); 512 by default"""
    extractor_timeout: int
    """The longest time that the extractor may take for one file (1-900 seconds); 60 by default"""
    extractor_storage: int
    """The extractor's space in /tmp (512-10240 MB); 512 by default"""
    stream: bool
    """Turn on the table's stream, for your own consumers; false by default"""
    audit: str
    """Compare the whole bucket with the whole table every night (one of off, report, repair); off by default"""
    tags: pulumi.Input[dict[str, pulumi.Input[str]]]
    """Tags for every resource, in addition to Environment and Project; none if empty (at most 48 tags whose values are texts, with keys of 1-128 letters, digits, spaces and _ . : / = + - @, none that begins with aws:, none twice, and neither Environment nor Project)"""
    event_source: str
    """How changes of the bucket reach the function (one of notification, eventbridge); notification by default"""
    bucket_account_id: str
    """The account that owns the bucket, with `eventSource` `eventbridge`; the stack's own if empty (an account's id, 12 digits)"""
    bucket_kms_key_arn: pulumi.Input[str]
    """The ARN of the KMS key of the bucket's objects, with `eventSource` `eventbridge`; none if empty (the ARN of a KMS key)"""


class FileMetadataPipeline(pipeline.FileMetadataPipeline):
    """One up-to-date row for each object key of a bucket."""

    bucket_name: pulumi.Output[str]
    """The bucket to put files into"""
    bucket_url: pulumi.Output[str]
    """Its address over HTTPS"""
    table_name: pulumi.Output[str]
    """The table to query"""
    function_name: pulumi.Output[str]
    """The function that writes the table"""
    failure_queue_url: pulumi.Output[str]
    """The queue for whole events whose last retry failed"""
    dashboard_url: pulumi.Output[str]
    """The CloudWatch dashboard"""
    alarm_topic_arn: pulumi.Output[str]
    """The topic that alarms publish to; subscribe what your team uses"""
    batch_operations_role_arn: pulumi.Output[str]
    """The role for S3 Batch Operations; empty without `batchOperations`"""
    table_stream_arn: pulumi.Output[str]
    """The table's stream, for your own consumers; empty without `stream` or `extractor`"""
    undelivered_queue_url: pulumi.Output[str]
    """The queue for events that EventBridge could not deliver; empty without `eventSource` `eventbridge`"""

    def __init__(
        self,
        name: str,
        args: FileMetadataPipelineArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the pipeline; `provider.py` has checked the arguments."""
        super().__init__(name, Settings(**args), opts)
