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


def _versioning(cloud: Cloud, state: State) -> None:
    suspended = {"Status": "Suspended"}
    cloud("s3").put_bucket_versioning(Bucket=state["bucket"], VersioningConfiguration=suspended)


def _logging(cloud: Cloud, state: State) -> None:
    cloud("s3").put_bucket_logging(Bucket=state["bucket"], BucketLoggingStatus={})


def _notification(cloud: Cloud, state: State) -> None:
    cloud("s3").put_bucket_notification_configuration(
        Bucket=state["bucket"], NotificationConfiguration={}
    )


def _queue_policy(cloud: Cloud, state: State) -> None:
    cloud("sqs").set_queue_attributes(QueueUrl=state["queueUrl"], Attributes={"Policy": ""})


def _key(cloud: Cloud, state: State) -> None:
    cloud("kms").schedule_key_deletion(KeyId=state["keyId"])


def _topic_policy(_cloud: Cloud, _state: State) -> None:
    """A topic is never without: the provider puts back the one that AWS makes first."""


def _dashboard(cloud: Cloud, state: State) -> None:
    cloud("cloudwatch").delete_dashboards(DashboardNames=[state["dashboardName"]])


def _alarm(cloud: Cloud, state: State) -> None:
    cloud("cloudwatch").delete_alarms(AlarmNames=[state["name"]])


def _target(cloud: Cloud, state: State) -> None:
    cloud("events").remove_targets(Rule=state["rule"], Ids=[state["targetId"]])


def _call(service: str, call: str, **parameters: str) -> Delete:
    """Delete with one call, each of whose parameters is a property of the state."""

    def delete(cloud: Cloud, state: State) -> None:
        getattr(cloud(service), call)(**{name: state[key] for name, key in parameters.items()})

    return delete


DELETES: dict[str, Delete] = {
    **of_module(
        "s3",
        {
            "Bucket": _bucket,
            "BucketOwnershipControls": _call(
                "s3", "delete_bucket_ownership_controls", Bucket="bucket"
            ),
            "BucketPublicAccessBlock": _call("s3", "delete_public_access_block", Bucket="bucket"),
            "BucketVersioning": _versioning,
            "BucketServerSideEncryptionConfiguration": _call(
                "s3", "delete_bucket_encryption", Bucket="bucket"
            ),
            "BucketPolicy": _call("s3", "delete_bucket_policy", Bucket="bucket"),
            "BucketLifecycleConfiguration": _call("s3", "delete_bucket_lifecycle", Bucket="bucket"),
            "BucketLogging": _logging,
            "BucketNotification": _notification,
        },
    ),
    **of_module("dynamodb", {"Table": _call("dynamodb", "delete_table", TableName="name")}),
    **of_module(
        "sqs",
        {"Queue": _call("sqs", "delete_queue", QueueUrl="url"), "QueuePolicy": _queue_policy},
    ),
    **of_module("kms", {"Key": _key, "Alias": _call("kms", "delete_alias", AliasName="name")}),
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
