"""The policy pack. Every rule is mandatory, and reads the declared resources as plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

import rules
from declared import UNKNOWN, Resource


def plain(value: Any) -> Any:
    """Copy a value of the SDK, with UNKNOWN where reading it raises UnknownValueError."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def declared(resource: ResourceValidationArgs | PolicyResource) -> Resource:
    """Convert the SDK's resource to the one that the rules take."""
    sources = getattr(resource, "property_dependencies", {})
    return Resource(
        # The provider's older types for the same resources end in V2.
        type=resource.resource_type.replace("V2", ""),
        urn=resource.urn,
        props=plain(resource.props),
        protect=resource.opts.protect,
        refers={key: frozenset(one.urn for one in of) for key, of in sources.items()},
    )


def resource_policy(rule: rules.ResourceRule) -> ResourceValidationPolicy:
    """A policy that reports what a rule finds in one resource, before it is made."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for message in rule(declared(args)):
            report(message, args.urn)

    return ResourceValidationPolicy(validate=validate, **_named(rule))


def stack_policy(rule: rules.StackRule) -> StackValidationPolicy:
    """A policy that reports what a rule finds in the stack."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for urn, message in rule([declared(resource) for resource in args.resources]):
            report(message, urn)

    return StackValidationPolicy(validate=validate, **_named(rule))


def _named(rule: Any) -> dict[str, str]:
    summary, _, _ = rule.__doc__.partition("\n")
    return {"name": rule.__name__.replace("_", "-"), "description": summary}


PolicyPack(
    name="file-metadata-pipeline",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        *(resource_policy(rule) for rule in rules.RESOURCE_RULES),
        *(stack_policy(rule) for rule in rules.STACK_RULES),
    ],
)
