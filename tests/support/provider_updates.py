"""Updates in place on the emulator, as the AWS provider makes them.

A changed property that no update takes is an error, so that none does less than was declared.
"""

from collections.abc import Callable, Mapping
from typing import Any

from local.cloud import Cloud
from local.inputs import Inputs, pascal
from local.rules import RULES
from local.rules.compute import zip_archive
from local.rules.data import table_stream
from support.provider_facts import Change

State = Mapping[str, Any]
Update = Callable[[Cloud, State, Inputs], Mapping[str, Any] | None]
"""Returns what else of the state is another now."""
SAME = object()
"""The property did not change; None says that it is no longer declared."""


def update(
    cloud: Cloud, token: str, name: str, state: State, change: Change, code: Any = None
) -> Mapping[str, Any]:
    """Change the resource with this state, of this type and with this logical name.

    What is made by a put is put again, under the name that it has.

    Args:
        cloud: where it is.
        token: its type.
        name: its logical name.
        state: as the last update left it.
        change: what is declared of it now.
        code: a function's archive, which a change holds as a hash.

    Returns:
        What else of the state is another now.

    Raises:
        local.inputs.UnknownPropertyError: a changed property would not arrive.
    """
    more = None
    if token in UPDATES:
        changed = {key: change.inputs.get(key) for key in change.properties}
        if "code" in changed:
            changed["code"] = code
        inputs = Inputs(token, name, changed)
        more = UPDATES[token](cloud, state, inputs)
    else:
        named = {"name": state["name"]} if "name" in state else {}
        inputs = Inputs(token, name, {**change.inputs, **named})
        RULES[token](cloud, inputs)
    inputs.finish()
    return more or {}


def _bucket(cloud: Cloud, state: State, changed: Inputs) -> None:
    changed.take("forceDestroy")  # what a deletion does, not what the bucket is
    if tags := changed.tag_list():
        cloud("s3").put_bucket_tagging(Bucket=state["bucket"], Tagging={"TagSet": tags})


def _table(cloud: Cloud, state: State, changed: Inputs) -> Mapping[str, Any]:
    dynamodb = cloud("dynamodb")
    streams, view = changed.take("streamEnabled", SAME), changed.take("streamViewType")
    if streams is not SAME:
        specification = table_stream(streams, view) or {
            "StreamSpecification": {"StreamEnabled": False}
        }
        dynamodb.update_table(TableName=state["name"], **specification)
    if encryption := changed.take("serverSideEncryption"):
        kind = {"SSEType": "KMS"} if encryption["enabled"] else {}
        key = {"KMSMasterKeyId": encryption["kmsKeyArn"]} if "kmsKeyArn" in encryption else {}
        dynamodb.update_table(
            TableName=state["name"],
            SSESpecification={"Enabled": encryption["enabled"], **kind, **(kind and key)},
        )
    if (protected := changed.take("deletionProtectionEnabled")) is not None:
        dynamodb.update_table(TableName=state["name"], DeletionProtectionEnabled=protected)
    if tags := changed.tag_list():
        dynamodb.tag_resource(ResourceArn=state["arn"], Tags=tags)
    table = dynamodb.describe_table(TableName=state["name"])["Table"]
    return {"streamArn": table.get("LatestStreamArn", "")}


def _queue(cloud: Cloud, state: State, changed: Inputs) -> None:
    attributes = {}
    if (key := changed.take("kmsMasterKeyId", SAME)) is not SAME:
        attributes["KmsMasterKeyId"] = key or ""
    if (managed := changed.take("sqsManagedSseEnabled")) is not None:
        attributes["SqsManagedSseEnabled"] = str(managed).lower()
    if attributes:
        cloud("sqs").set_queue_attributes(QueueUrl=state["url"], Attributes=attributes)
    if tags := changed.tags():
        cloud("sqs").tag_queue(QueueUrl=state["url"], Tags=tags)


def _log_group(cloud: Cloud, state: State, changed: Inputs) -> None:
    logs = cloud("logs")
    if days := changed.take("retentionInDays"):
        logs.put_retention_policy(logGroupName=state["name"], retentionInDays=days)
    changed.take("kmsKeyId")  # the emulator has no AssociateKmsKey
    if tags := changed.tags():
        logs.tag_resource(resourceArn=state["arn"], tags=tags)


def _role(cloud: Cloud, state: State, changed: Inputs) -> None:
    name, iam = state["name"], cloud("iam")
    if (boundary := changed.take("permissionsBoundary", SAME)) is None:
        iam.delete_role_permissions_boundary(RoleName=name)
    elif boundary is not SAME:
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    if tags := changed.tag_list():
        iam.tag_role(RoleName=name, Tags=tags)


def _function(cloud: Cloud, state: State, changed: Inputs) -> None:
    name, client = state["name"], cloud("lambda")
    if code := changed.take("code"):
        client.update_function_code(FunctionName=name, ZipFile=zip_archive(code))
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
    names = ("memorySize", "timeout", "tracingConfig", "loggingConfig", "ephemeralStorage")
    taken = {key: value for key in names if (value := changed.take(key)) is not None}
    configuration = pascal(taken)
    if environment := changed.take("environment"):
        configuration["Environment"] = {"Variables": environment["variables"]}
    if (key := changed.take("kmsKeyArn", SAME)) is not SAME:
        configuration["KMSKeyArn"] = key or ""
    if configuration:
        client.update_function_configuration(FunctionName=name, **configuration)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
    if (reserved := changed.take("reservedConcurrentExecutions")) is not None:
        if reserved < 0:
            client.delete_function_concurrency(FunctionName=name)
        else:
            client.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=reserved
            )
    if tags := changed.tags():
        client.tag_resource(Resource=state["arn"], Tags=tags)


def _mapping(cloud: Cloud, state: State, changed: Inputs) -> None:
    if tags := changed.tags():
        cloud("lambda").tag_resource(Resource=state["arn"], Tags=tags)


def _key(cloud: Cloud, state: State, changed: Inputs) -> None:
    key, kms = state["keyId"], cloud("kms")
    if policy := changed.take("policy"):
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    if description := changed.take("description"):
        kms.update_key_description(KeyId=key, Description=description)
    if tags := changed.tags():
        pairs = [{"TagKey": name, "TagValue": value} for name, value in tags.items()]
        kms.tag_resource(KeyId=key, Tags=pairs)


def _alias(cloud: Cloud, state: State, changed: Inputs) -> None:
    cloud("kms").update_alias(AliasName=state["name"], TargetKeyId=changed.take("targetKeyId"))


def _topic(cloud: Cloud, state: State, changed: Inputs) -> None:
    if (key := changed.take("kmsMasterKeyId", SAME)) is not SAME:
        cloud("sns").set_topic_attributes(
            TopicArn=state["arn"], AttributeName="KmsMasterKeyId", AttributeValue=key or ""
        )
    if tags := changed.tag_list():
        cloud("sns").tag_resource(ResourceArn=state["arn"], Tags=tags)


UPDATES: dict[str, Update] = {
    "aws:s3/bucket:Bucket": _bucket,
    "aws:dynamodb/table:Table": _table,
    "aws:sqs/queue:Queue": _queue,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:iam/role:Role": _role,
    "aws:lambda/function:Function": _function,
    "aws:lambda/eventSourceMapping:EventSourceMapping": _mapping,
    "aws:kms/key:Key": _key,
    "aws:kms/alias:Alias": _alias,
    "aws:sns/topic:Topic": _topic,
}
