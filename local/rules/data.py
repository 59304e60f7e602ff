"""DynamoDB, SQS, CloudWatch Logs and KMS."""

from typing import Any

from local.cloud import Cloud
from local.inputs import Inputs, Outputs, of_module, pascal


def _table(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    attributes = [
        {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
        for attribute in inputs.take("attributes")
    ]
    created = cloud("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": inputs.take("hashKey"), "KeyType": "HASH"}],
        AttributeDefinitions=attributes,
        SSESpecification=_table_encryption(inputs.take("serverSideEncryption")),
        **inputs.parameters("billingMode", "deletionProtectionEnabled"),
        **table_stream(inputs.take("streamEnabled"), inputs.take("streamViewType")),
        Tags=inputs.tag_list(),
    )
    cloud("dynamodb").get_waiter("table_exists").wait(TableName=name)
    cloud("dynamodb").update_time_to_live(
        TableName=name, TimeToLiveSpecification=pascal(inputs.take("ttl"))
    )
    recovery = {"PointInTimeRecoveryEnabled": inputs.take("pointInTimeRecovery")["enabled"]}
    cloud("dynamodb").update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification=recovery
    )
    made = created["TableDescription"]
    return name, {
        "name": name,
        "arn": made["TableArn"],
        "streamArn": made.get("LatestStreamArn", ""),
    }


def table_stream(enabled: bool | None, view: str | None) -> dict[str, Any]:
    """The parameters for a table's stream; empty without one."""
    if not enabled:
        return {}
    return {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}}


def _table_encryption(declared: dict[str, Any]) -> dict[str, Any]:
    if not declared["enabled"]:
        return {"Enabled": False}
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": declared["kmsKeyArn"]}


def _queue(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    attributes = {"MessageRetentionPeriod": str(inputs.take("messageRetentionSeconds"))}
    if (managed := inputs.take("sqsManagedSseEnabled")) is not None:
        attributes["SqsManagedSseEnabled"] = str(managed).lower()
    if key := inputs.take("kmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = key
    url = cloud("sqs").create_queue(QueueName=name, Attributes=attributes, tags=inputs.tags())[
        "QueueUrl"
    ]
    answer = cloud("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, {"name": name, "url": url, "arn": answer["Attributes"]["QueueArn"]}


def _queue_policy(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    url = inputs.take("queueUrl")
    cloud("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": inputs.take("policy")})
    return url, {}


def _log_group(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    logs = cloud("logs")
    key = inputs.take("kmsKeyId")
    logs.create_log_group(
        logGroupName=name, tags=inputs.tags(), **({"kmsKeyId": key} if key else {})
    )
    logs.put_retention_policy(logGroupName=name, retentionInDays=inputs.take("retentionInDays"))
    [found] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return name, {"name": name, "arn": found["arn"].removesuffix(":*")}


def _key(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    kms = cloud("kms")
    created = kms.create_key(
        Description=inputs.take("description"),
        Policy=inputs.take("policy"),
        Tags=[{"TagKey": key, "TagValue": value} for key, value in inputs.tags().items()],
    )["KeyMetadata"]
    if inputs.take("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=created["KeyId"])
    return created["KeyId"], {"keyId": created["KeyId"], "arn": created["Arn"]}


def _alias(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    cloud("kms").create_alias(AliasName=name, TargetKeyId=inputs.take("targetKeyId"))
    return name, {"name": name}


RULES = {
    **of_module("dynamodb", {"Table": _table}),
    **of_module("sqs", {"Queue": _queue, "QueuePolicy": _queue_policy}),
    **of_module("cloudwatch", {"LogGroup": _log_group}),
    **of_module("kms", {"Key": _key, "Alias": _alias}),
}
