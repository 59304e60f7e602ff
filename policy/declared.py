"""Declared resources as plain values, and how rules read them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aws

TAGGED = {
    aws.BUCKET,
    aws.EVENT_RULE,
    aws.EVENT_SOURCE_MAPPING,
    aws.FUNCTION,
    aws.KEY,
    aws.LOG_GROUP,
    aws.METRIC_ALARM,
    aws.QUEUE,
    aws.ROLE,
    aws.TABLE,
    aws.TOPIC,
}
# Protecting types: the type that each protects, and the property that names it.
PROTECTIONS = {
    aws.PUBLIC_ACCESS: (aws.BUCKET, "bucket"),
    aws.VERSIONING: (aws.BUCKET, "bucket"),
    aws.ENCRYPTION: (aws.BUCKET, "bucket"),
    aws.OWNERSHIP: (aws.BUCKET, "bucket"),
    aws.BUCKET_POLICY: (aws.BUCKET, "bucket"),
    aws.QUEUE_POLICY: (aws.QUEUE, "queueUrl"),
    aws.TOPIC_POLICY: (aws.TOPIC, "arn"),
}
# The properties of a resource by which other resources refer to it.
NAMED_BY = {aws.BUCKET: ("bucket", "id"), aws.QUEUE: ("url", "id"), aws.TOPIC: ("arn", "id")}


class Unknown:
    """A value that a preview does not know."""

    def __repr__(self) -> str:
        return "<known only after the update>"


UNKNOWN = Unknown()


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One declared resource; a value that a preview does not know is UNKNOWN."""

    type: str
    urn: str
    props: Mapping[str, Any]
    protect: bool = False
    refers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each property, the URNs of the resources that its value comes from."""


def is_production(resource: Resource) -> bool:
    """Whether the tag ``Environment`` or the stack has the word prod or production in it."""
    stack = resource.urn.split("::")[0].rpartition(":")[2]
    names = [stack, str(value_at(resource.props, "tags.Environment"))]
    words = {word for name in names for word in re.split(r"[^a-z0-9]+", name.lower())}
    return not words.isdisjoint({"prod", "production"})


def value_at(props: Any, path: str) -> Any:
    """The value at a path such as ``tags.Environment``; None if there is none."""
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
    kind, by = PROTECTIONS.get(protection.type, (aws.BUCKET, "bucket"))
    value = value_at(protection.props, by)
    for target in stack:
        if target.type == kind:
            names = {value_at(target.props, name) for name in NAMED_BY[kind]} - {None, UNKNOWN}
            if target.urn in protection.refers.get(by, ()) or value in names:
                return target.urn
    return value
