"""What a preview cannot know breaks no rule."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import rules
from declared import (
    NOTIFICATION,
    PROTECTIONS,
    PUBLIC_ACCESS,
    UNKNOWN,
    Resource,
)
from support.policy_stacks import ROLE_POLICY, URN, Stack, as_declared, broken, changed
from support.recorder import Program


@pytest.fixture
def in_dev(dev: Program) -> Stack:
    return as_declared(dev)


def hidden(value: Any) -> Iterator[Any]:
    """A value with each of its parts unknown, one at a time, and the whole of it."""
    yield UNKNOWN
    keys: Any = ()
    if isinstance(value, dict):
        keys = value.keys()
    elif isinstance(value, list):
        keys = range(len(value))
    for key in keys:
        for part in hidden(value[key]):
            whole = copy.copy(value)
            whole[key] = part
            yield whole


@pytest.mark.parametrize("declared", ["dev", "prod"])
def test_what_a_preview_cannot_know_is_held_against_nobody(
    declared: str, request: pytest.FixtureRequest
) -> None:
    stack = as_declared(request.getfixturevalue(declared))
    for index, resource in enumerate(stack):
        for props in hidden(dict(resource.props)):
            if props is not UNKNOWN:
                unsure = replace(resource, props=props)
                assert broken([*stack[:index], unsure, *stack[index + 1 :]]) == {}


def test_a_guard_whose_bucket_is_unknown_may_be_this_bucket_s(in_dev: Stack) -> None:
    unsure = [
        replace(r, refers={}, props={**r.props, PROTECTIONS[r.type][1]: UNKNOWN})
        if r.type in PROTECTIONS or r.type == NOTIFICATION
        else r
        for r in in_dev
        if r.type != NOTIFICATION
    ]
    assert broken(unsure) == {}


def test_two_notifications_of_unknown_buckets_may_be_of_two(in_dev: Stack) -> None:
    unsure = [
        Resource(type=NOTIFICATION, urn=f"{URN}{n}", props={"bucket": UNKNOWN}) for n in (1, 2)
    ]
    assert rules.bucket_has_one_notification(unsure) == []


def test_what_is_known_is_said_beside_what_is_not(in_dev: Stack) -> None:
    unsure = changed(in_dev, PUBLIC_ACCESS, "blockPublicAcls", UNKNOWN)
    found = broken(changed(unsure, PUBLIC_ACCESS, "ignorePublicAcls", False))
    assert found == {"public_access_is_blocked": ["ignorePublicAcls must be true, got False"]}


def test_a_document_that_is_partly_unknown_is_not_judged() -> None:
    policy = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": UNKNOWN}]}
    role_policy = Resource(type=ROLE_POLICY, urn=URN, props={"policy": policy})
    assert broken([role_policy]) == {}
