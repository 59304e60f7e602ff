"""Stacks as the engine shows them to the policy pack, and the same with something changed."""

import copy
import json
from dataclasses import replace
from typing import Any

import aws
import rules
from declared import PROTECTIONS, Resource
from support.recorder import Program, declare

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
URN = "urn:pulumi:dev::file-metadata-pipeline::aws:x/y:Y::another"
ALGORITHM = "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm"
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
AWS_POLICY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
WRITE = '{"Statement": {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}}'
TRUST = '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}}'

Stack = list[Resource]
# The only rule that a change breaks: the type and the property that change, and what is said.
BROKEN_IN_DEV: list[tuple[str, str, str, Any, str]] = [
    *(
        ("public_access_is_blocked", aws.PUBLIC_ACCESS, flag, value, f"{flag} must be true, got ")
        for flag in FLAGS
        for value in (False, None)
    ),
    *(
        ("bucket_keeps_versions", aws.VERSIONING, "versioningConfiguration", value, "status must")
        for value in ({"status": "Suspended"}, {}, None)
    ),
    ("bucket_is_encrypted", aws.ENCRYPTION, "rules", None, "rules must have at least 1 rule, got"),
    ("bucket_is_encrypted", aws.ENCRYPTION, "rules", [], "rules must have at least 1 rule, got []"),
    ("bucket_is_encrypted", aws.ENCRYPTION, ALGORITHM, "none", "must be one of AES256, aws:kms"),
    ("bucket_owner_owns_objects", aws.OWNERSHIP, "rule.objectOwnership", "ObjectWriter", "got"),
    ("bucket_owner_owns_objects", aws.OWNERSHIP, "rule", None, "rule.objectOwnership must be"),
    ("queue_is_encrypted", aws.QUEUE, "sqsManagedSseEnabled", False, "must be true, got False"),
    ("queue_is_encrypted", aws.QUEUE, "sqsManagedSseEnabled", None, "must be true, got None"),
    ("topic_is_encrypted_in_production", aws.TOPIC, "kmsMasterKeyId", "alias/aws/sns", "own, got"),
    ("table_can_be_restored", aws.TABLE, "pointInTimeRecovery", None, "enabled must be true"),
    ("table_can_be_restored", aws.TABLE, "pointInTimeRecovery.enabled", False, "got False"),
    ("logs_have_retention", aws.LOG_GROUP, "retentionInDays", None, "1 day or more, got None"),
    ("logs_have_retention", aws.LOG_GROUP, "retentionInDays", 0.0, "1 day or more, got 0.0"),
    ("permission_names_the_account", aws.PERMISSION, "sourceAccount", None, "12 digits, got None"),
    ("permission_names_the_account", aws.PERMISSION, "principal", "*", "principal must be a"),
    ("plain_http_is_denied", aws.BUCKET_POLICY, "policy", "", "must deny everybody every call"),
]
BROKEN_IN_PROD: list[tuple[str, str, str, Any, str]] = [
    ("production_table_refuses_deletion", aws.TABLE, "deletionProtectionEnabled", None, "true"),
    ("production_table_refuses_deletion", aws.TABLE, "deletionProtectionEnabled", False, "true"),
    ("production_bucket_refuses_deletion", aws.BUCKET, "forceDestroy", True, "must be false"),
    ("topic_is_encrypted_in_production", aws.TOPIC, "kmsMasterKeyId", None, "own, got None"),
    ("queue_is_encrypted", aws.QUEUE, "kmsMasterKeyId", None, "must be true, got None"),
    ("table_has_a_kms_key_in_production", aws.TABLE, "serverSideEncryption", None, "got None"),
    ("table_has_a_kms_key_in_production", aws.TABLE, "serverSideEncryption.enabled", False, "got"),
    ("key_rotates", aws.KEY, "enableKeyRotation", None, "must be true, got None"),
    ("key_rotates", aws.KEY, "enableKeyRotation", False, "must be true, got False"),
    ("actions_are_named", aws.KEY, "policy", "{", "policy must be a policy document in JSON"),
    ("resources_are_named", ROLE_POLICY, "policy", WRITE, "must name the resources, got '*'"),
    ("principals_are_named", aws.ROLE, "assumeRolePolicy", TRUST, "must name a principal"),
    ("attached_policies_are_customer_managed", aws.ROLE, "managedPolicyArns", [AWS_POLICY], "own"),
    ("tags_name_environment_and_project", aws.TABLE, "tags.Project", None, "must be a name"),
]


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


def shown(name: str) -> Stack:
    """The stack ``dev`` or ``prod``, as the engine would show it to the pack."""
    return as_declared(declare(name))


def changed(stack: Stack, kind: str, path: str, value: Any) -> Stack:
    """The same stack with one property of one kind of resource another; None takes it away."""

    def change(props: Any, name: str, *inside: str) -> Any:
        key: Any = int(name) if isinstance(props, list) else name
        new = change(props[key], *inside) if inside else value
        props = copy.copy(props)
        props[key] = new
        if new is None:
            del props[key]
        return props

    assert any(resource.type == kind for resource in stack)
    names = path.split(".")
    return [
        replace(resource, props=change(resource.props, *names))
        if resource.type == kind
        else resource
        for resource in stack
    ]


def allowing(stack: Stack, kind: str, statement: dict[str, Any]) -> Stack:
    """The same stack with one more statement in one policy document of this kind."""
    text, *_ = [resource.props["policy"] for resource in stack if resource.type == kind]
    document = json.loads(text)
    document["Statement"].append({"Effect": "Allow", **statement})
    return changed(stack, kind, "policy", json.dumps(document))


def broken(stack: Stack) -> dict[str, list[str]]:
    """What each rule says, of the rules that say something."""
    said = {
        rule.__name__: [message for resource in stack for message in rule(resource)]
        for rule in rules.RESOURCE_RULES
    } | {rule.__name__: [message for _, message in rule(stack)] for rule in rules.STACK_RULES}
    return {rule: messages for rule, messages in said.items() if messages}
