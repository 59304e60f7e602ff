"""What a preview cannot know breaks no rule."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import aws
import rules
from declared import PROTECTIONS, UNKNOWN, Resource
from support.policy_stacks import ROLE_POLICY, URN, broken, shown


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


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_what_a_preview_cannot_know_is_held_against_nobody(name: str) -> None:
    stack = shown(name)
    for index, resource in enumerate(stack):
        for props in hidden(dict(resource.props)):
            if props is not UNKNOWN:
                unsure = replace(resource, props=props)
                assert broken([*stack[:index], unsure, *stack[index + 1 :]]) == {}


def test_a_guard_whose_bucket_is_unknown_may_be_this_bucket_s() -> None:
    unsure = [
        replace(r, refers={}, props={**r.props, PROTECTIONS[r.type][1]: UNKNOWN})
        if r.type in PROTECTIONS
        else r
        for r in shown("dev")
    ]
    assert broken(unsure) == {}


def test_two_notifications_of_unknown_buckets_may_be_of_two() -> None:
    unsure = [
        Resource(type=aws.NOTIFICATION, urn=f"{URN}{n}", props={"bucket": UNKNOWN}) for n in (1, 2)
    ]
    assert rules.bucket_has_one_notification(unsure) == []


def test_a_document_that_is_partly_unknown_is_not_judged() -> None:
    policy = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": UNKNOWN}]}
    role_policy = Resource(type=ROLE_POLICY, urn=URN, props={"policy": policy})
    assert broken([role_policy]) == {}
