"""Declared resources as plain values, and how rules read them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PRODUCTION_NAMES = frozenset({"prod", "production"})

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
FUNCTION = "aws:lambda/function:Function"
KEY = "aws:kms/key:Key"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
PERMISSION = "aws:lambda/permission:Permission"
QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
ROLE = "aws:iam/role:Role"
TABLE = "aws:dynamodb/table:Table"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"

TAGGED = {BUCKET, TABLE, QUEUE, TOPIC, KEY, LOG_GROUP, ROLE, FUNCTION} | {
    "aws:cloudwatch/eventRule:EventRule",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:lambda/eventSourceMapping:EventSourceMapping",
}
# Protecting types: the type that each protects, and the property that names it.
PROTECTIONS = {
    **dict.fromkeys((PUBLIC_ACCESS, VERSIONING, ENCRYPTION, OWNERSHIP), (BUCKET, "bucket")),
    BUCKET_POLICY: (BUCKET, "bucket"),
    QUEUE_POLICY: (QUEUE, "queueUrl"),
    TOPIC_POLICY: (TOPIC, "arn"),
}
# By which of its own properties a thing is named elsewhere.
NAMED_BY = {BUCKET: ("bucket", "id"), QUEUE: ("url", "id"), TOPIC: ("arn", "id")}


class Unknown:
    """A value that a preview does not know."""

    def __repr__(self) -> str:
        return "<known only after the update>"


UNKNOWN = Unknown()


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One declared resource; a value that a preview cannot know is UNKNOWN."""

    type: str
    urn: str
    props: Mapping[str, Any]
    protect: bool = False
    refers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By property, the URNs of the resources that its value comes from."""


def is_production(resource: Resource) -> bool:
    """Whether the tag ``Environment`` or the stack has the word prod or production in it."""
    stack = resource.urn.split("::")[0].rpartition(":")[2]
    names = [stack, str(value_at(resource.props, "tags.Environment"))]
    words = {word for name in names for word in re.split(r"[^a-z0-9]+", name.lower())}
    return not PRODUCTION_NAMES.isdisjoint(words)


def value_at(props: Any, path: str) -> Any:
    """The value at a path of names with dots; None where there is none."""
    for name in path.split("."):
        if props is UNKNOWN:
            return UNKNOWN
        props = props.get(name) if isinstance(props, Mapping) else None
    return props


def must(resource: Resource, path: str, rule: str, holds: Callable[[Any], bool]) -> list[str]:
    """The violation of one property, if its value is known and breaks the rule."""
    value = value_at(resource.props, path)
    if value is UNKNOWN or holds(value):
        return []
    return [f"{path} must be {rule}, got {value!r}"]


def must_be_true(resource: Resource, path: str) -> list[str]:
    """The violation of one property that must be true."""
    return must(resource, path, "true", lambda value: value is True)


def target_of(protection: Resource, stack: Sequence[Resource]) -> Any:
    """The URN of the protected resource, its name if it is not of this stack, or UNKNOWN."""
    kind, by = PROTECTIONS.get(protection.type, (BUCKET, "bucket"))
    value = value_at(protection.props, by)
    for target in stack:
        if target.type == kind:
            names = {value_at(target.props, name) for name in NAMED_BY[kind]} - {None, UNKNOWN}
            if target.urn in protection.refers.get(by, ()) or value in names:
                return target.urn
    return value
