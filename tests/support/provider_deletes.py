"""Deletions on the emulator, as the AWS provider makes them."""

from collections.abc import Callable, Mapping
from typing import Any

from local.cloud import Cloud
from local.inputs import of_module

State = Mapping[str, Any]
Delete = Callable[[Cloud, State], Any]


def _bucket(cloud: Cloud, state: State) -> None:
    name, s3 = state["bucket"], cloud("s3")
    if state["forceDestroy"]:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                s3.delete_object(Bucket=name, Key=found["Key"], VersionId=found["VersionId"])
    s3.delete_bucket(Bucket=name)


def _topic_policy(_cloud: Cloud, _state: State) -> None:
    """A topic is never without: the provider puts back the one that AWS makes first."""


def _dashboard(cloud: Cloud, state: State) -> None:
    cloud("cloudwatch").delete_dashboards(DashboardNames=[state["dashboardName"]])


def _alarm(cloud: Cloud, state: State) -> None:
    cloud("cloudwatch").delete_alarms(AlarmNames=[state["name"]])


def _target(cloud: Cloud, state: State) -> None:
    cloud("events").remove_targets(Rule=state["rule"], Ids=[state["targetId"]])


def _call(service: str, call: str, **parameters: Any) -> Delete:
    """Delete with one call, each of whose parameters is a property of the state, or a constant."""

    def delete(cloud: Cloud, state: State) -> None:
        given = {
            name: state[value] if isinstance(value, str) else value
            for name, value in parameters.items()
        }
        getattr(cloud(service), call)(**given)

    return delete


def _setting(call: str, **constants: Any) -> Delete:
    """Take a bucket's setting away."""
    return _call("s3", call, Bucket="bucket", **constants)


DELETES: dict[str, Delete] = {
    **of_module(
        "s3",
        {
            "Bucket": _bucket,
            "BucketOwnershipControls": _setting("delete_bucket_ownership_controls"),
            "BucketPublicAccessBlock": _setting("delete_public_access_block"),
            "BucketVersioning": _setting(
                "put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}
            ),
            "BucketServerSideEncryptionConfiguration": _setting("delete_bucket_encryption"),
            "BucketPolicy": _setting("delete_bucket_policy"),
            "BucketLifecycleConfiguration": _setting("delete_bucket_lifecycle"),
            "BucketLogging": _setting("put_bucket_logging", BucketLoggingStatus={}),
            "BucketNotification": _setting(
                "put_bucket_notification_configuration", NotificationConfiguration={}
            ),
        },
    ),
    **of_module("dynamodb", {"Table": _call("dynamodb", "delete_table", TableName="name")}),
    **of_module(
        "sqs",
        {
            "Queue": _call("sqs", "delete_queue", QueueUrl="url"),
            "QueuePolicy": _call(
                "sqs", "set_queue_attributes", QueueUrl="queueUrl", Attributes={"Policy": ""}
            ),
        },
    ),
    **of_module(
        "kms",
        {
            "Key": _call("kms", "schedule_key_deletion", KeyId="keyId"),
            "Alias": _call("kms", "delete_alias", AliasName="name"),
        },
    ),
    **of_module(
        "iam",
        {
            "Role": _call("iam", "delete_role", RoleName="name"),
            "RolePolicy": _call("iam", "delete_role_policy", RoleName="role", PolicyName="name"),
        },
    ),
    **of_module(
        "lambda",
        {
            "Function": _call("lambda", "delete_function", FunctionName="name"),
            "EventSourceMapping": _call("lambda", "delete_event_source_mapping", UUID="uuid"),
            "FunctionEventInvokeConfig": _call(
                "lambda", "delete_function_event_invoke_config", FunctionName="functionName"
            ),
            "Permission": _call(
                "lambda", "remove_permission", FunctionName="function", StatementId="statementId"
            ),
        },
    ),
    **of_module("scheduler", {"Schedule": _call("scheduler", "delete_schedule", Name="name")}),
    **of_module(
        "sns",
        {
            "Topic": _call("sns", "delete_topic", TopicArn="arn"),
            "TopicPolicy": _topic_policy,
            "TopicSubscription": _call("sns", "unsubscribe", SubscriptionArn="arn"),
        },
    ),
    **of_module(
        "cloudwatch",
        {
            "Dashboard": _dashboard,
            "EventRule": _call("events", "delete_rule", Name="name"),
            "EventTarget": _target,
            "LogGroup": _call("logs", "delete_log_group", logGroupName="name"),
            "LogMetricFilter": _call(
                "logs", "delete_metric_filter", filterName="name", logGroupName="logGroupName"
            ),
            "MetricAlarm": _alarm,
        },
    ),
}
