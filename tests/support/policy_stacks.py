"""Stacks as the engine shows them to the policy pack, and the same with something changed."""

import copy
import json
from dataclasses import replace
from typing import Any

import rules
from declared import PROTECTIONS, Resource
from support.recorder import Program

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
URN = "urn:pulumi:dev::file-metadata-pipeline::aws:x/y:Y::another"
Stack = list[Resource]


def as_declared(program: Program) -> Stack:
    """The recorded program, as the engine would show it to the pack."""
    return [
        Resource(
            type=found.type,
            urn=found.urn,
            props=found.inputs,
            protect=found.protect,
            refers={by: found.dependencies for _, by in PROTECTIONS.values()},
        )
        for found in program.resources
    ]


def changed(stack: Stack, kind: str, path: str, value: Any) -> Stack:
    """The same stack with one property of one kind of resource another; None takes it away."""

    def change(props: Any) -> dict[str, Any]:
        props = copy.copy(props)
        *way, last = path.split(".")
        inner = props
        for name in way:
            key: Any = int(name) if isinstance(inner, list) else name
            inner[key] = copy.copy(inner[key])
            inner = inner[key]
        if value is None:
            inner.pop(last)
        else:
            inner[last] = value
        return dict(props)

    assert any(resource.type == kind for resource in stack)
    return [
        replace(resource, props=change(resource.props)) if resource.type == kind else resource
        for resource in stack
    ]


def allowing(stack: Stack, kind: str, statement: dict[str, Any], at: str = "policy") -> Stack:
    """The same stack with one more statement in one policy document of this kind."""
    text, *_ = [resource.props[at] for resource in stack if resource.type == kind]
    document = json.loads(text)
    document["Statement"].append({"Effect": "Allow", **statement})
    return changed(stack, kind, at, json.dumps(document))


def broken(stack: Stack) -> dict[str, list[str]]:
    """What each rule says, of the rules that say something."""
    said = {
        rule.__name__: [message for resource in stack for message in rule(resource)]
        for rule in rules.RESOURCE_RULES
    } | {rule.__name__: [message for _, message in rule(stack)] for rule in rules.STACK_RULES}
    return {rule: messages for rule, messages in said.items() if messages}
