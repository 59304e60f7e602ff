"""Finds the keys for which a stack's function gets events."""

import json

import click

from ops.bucket import Scope
from ops.stack import Stack


def scope(stack: Stack) -> Scope:
    """The keys for which the function gets events, from the bucket's notification or from a rule.

    Raises:
        click.ClickException: there is neither. Without a scope, a repair could send the function
            every object of another bucket.
    """
    found = Scope.of_notification(stack.s3, stack.bucket, stack.function) or _of_rule(stack)
    if found is None:
        raise click.ClickException(
            f"bucket {stack.bucket!r} has no notification for the function {stack.function!r},"
            " and the function has no rule for the bucket; give the stack's own bucket and"
            " function, or run `pulumi up` to restore it"
        )
    return found


def _of_rule(stack: Stack) -> Scope | None:
    functions = stack.functions
    try:
        function = functions.get_function_configuration(FunctionName=stack.function)
    except functions.exceptions.ResourceNotFoundException:
        return None
    arn = function["FunctionArn"]
    pages = stack.events.get_paginator("list_rule_names_by_target").paginate(TargetArn=arn)
    for page in pages:
        for name in page["RuleNames"]:
            pattern = json.loads(stack.events.describe_rule(Name=name).get("EventPattern", "{}"))
            detail = pattern.get("detail", {})
            if stack.bucket in detail.get("bucket", {}).get("name", []):
                [key] = detail.get("object", {}).get("key", [{"wildcard": "*"}])
                prefix, _, suffix = key["wildcard"].partition("*")
                return Scope(prefix, suffix)
    return None
