"""The rules: pure functions from declared resources to violations."""

import re
from collections.abc import Callable, Sequence

import aws
import documents
from declared import (
    PROTECTIONS,
    TAGGED,
    UNKNOWN,
    Resource,
    is_production,
    must,
    must_be_true,
    target_of,
    value_at,
)
from documents import Document

ResourceRule = Callable[[Resource], list[str]]
"""From one resource to its violations."""
StackRule = Callable[[Sequence[Resource]], list[tuple[str, str]]]
"""From all resources to URNs and their violations."""


def public_access_is_blocked(block: Resource) -> list[str]:
    """A bucket's public access block has all four settings on."""
    if block.type != aws.PUBLIC_ACCESS:
        return []
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    return [broken for flag in flags for broken in must_be_true(block, flag)]


def bucket_keeps_versions(versioning: Resource) -> list[str]:
    """A bucket keeps the versions of its objects."""
    if versioning.type != aws.VERSIONING:
        return []
    path = "versioningConfiguration.status"
    return must(versioning, path, "'Enabled'", lambda value: value == "Enabled")


def bucket_is_encrypted(encryption: Resource) -> list[str]:
    """A bucket encrypts its objects."""
    if encryption.type != aws.ENCRYPTION:
        return []
    algorithms = ("AES256", "aws:kms", "aws:kms:dsse")
    rules = value_at(encryption.props, "rules")
    if not rules:
        return [f"rules must have at least 1 rule, got {rules!r}"]
    if rules is UNKNOWN:
        return []
    default = "applyServerSideEncryptionByDefault.sseAlgorithm"
    return [
        f"rules[{index}].{default} must be one of {', '.join(algorithms)}, got {value!r}"
        for index, rule in enumerate(rules)
        if (value := value_at(rule, default)) not in (*algorithms, UNKNOWN)
    ]


def bucket_owner_owns_objects(ownership: Resource) -> list[str]:
    """The owner of a bucket owns every object in it; ACLs are disabled."""
    if ownership.type != aws.OWNERSHIP:
        return []
    owner = "BucketOwnerEnforced"
    return must(ownership, "rule.objectOwnership", repr(owner), lambda value: value == owner)


def queue_is_encrypted(queue: Resource) -> list[str]:
    """A queue is encrypted, with a KMS key or with SQS's own."""
    if queue.type != aws.QUEUE or value_at(queue.props, "kmsMasterKeyId"):
        return []
    return must_be_true(queue, "sqsManagedSseEnabled")


def topic_is_encrypted_in_production(topic: Resource) -> list[str]:
    """A production topic is encrypted with a customer managed key.

    Alarms cannot publish to a topic that is encrypted with the AWS managed key:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    if topic.type != aws.TOPIC:
        return []
    key = value_at(topic.props, "kmsMasterKeyId")
    if str(key).endswith("alias/aws/sns") or (not key and is_production(topic)):
        return [f"kmsMasterKeyId must be a KMS key of the account's own, got {key!r}"]
    return []


def plain_http_is_denied(policy: Resource) -> list[str]:
    """The policy of a bucket, a queue or a topic denies everybody plain HTTP."""
    if policy.type not in documents.ALL_CALLS:
        return []
    document = Document(field="policy", text=documents.text(value_at(policy.props, "policy")))
    target = value_at(policy.props, PROTECTIONS[policy.type][1])
    # The target's ARN, or a queue's URL, ends in the same name as the ARNs in the document.
    end = "" if target is UNKNOWN else ":" + re.split(r"[:/]", str(target))[-1]
    ends = [end, f"{end}/*"] if policy.type == aws.BUCKET_POLICY else [end]
    if document.text is UNKNOWN or documents.refuses_plain_http(document, policy.type, ends):
        return []
    return [
        "policy must deny everybody every call without aws:SecureTransport,"
        f" got {document.text!r:.200}"
    ]


def table_can_be_restored(table: Resource) -> list[str]:
    """A table can be restored to a point in time."""
    return must_be_true(table, "pointInTimeRecovery.enabled") if table.type == aws.TABLE else []


def table_has_a_kms_key_in_production(table: Resource) -> list[str]:
    """A production table is encrypted with a KMS key of the account, whose use can be audited.

    Without a key it is encrypted with a key that DynamoDB owns:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
    """
    if table.type != aws.TABLE or not is_production(table):
        return []
    return must_be_true(table, "serverSideEncryption.enabled")


def production_table_refuses_deletion(table: Resource) -> list[str]:
    """A production table has deletion protection."""
    if table.type != aws.TABLE or not is_production(table):
        return []
    return must_be_true(table, "deletionProtectionEnabled")


def production_bucket_refuses_deletion(bucket: Resource) -> list[str]:
    """Pulumi does not empty a production bucket to delete it."""
    if bucket.type != aws.BUCKET or not is_production(bucket):
        return []
    return must(bucket, "forceDestroy", "false", lambda value: not value)


def production_data_is_protected(data: Resource) -> list[str]:
    """Pulumi refuses to delete production data."""
    if data.type not in (aws.BUCKET, aws.TABLE) or not is_production(data) or data.protect:
        return []
    return ["protect must be true, got False"]


def key_rotates(key: Resource) -> list[str]:
    """A KMS key rotates."""
    return must_be_true(key, "enableKeyRotation") if key.type == aws.KEY else []


def actions_are_named(resource: Resource) -> list[str]:
    """A policy allows named actions."""
    return [
        broken
        for document in documents.of(resource)
        for broken in document.unreadable() + documents.wildcard_actions(document)
    ]


def resources_are_named(resource: Resource) -> list[str]:
    """A policy allows actions on named resources."""
    return [b for found in documents.of(resource) for b in documents.wildcard_resources(found)]


def principals_are_named(resource: Resource) -> list[str]:
    """A policy allows only named principals."""
    return [b for found in documents.of(resource) for b in documents.unnamed_principals(found)]


def attached_policies_are_customer_managed(resource: Resource) -> list[str]:
    """A role has no AWS managed policy: AWS changes those, and they contain wildcards."""
    if resource.type not in (aws.ROLE, "aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        return []
    arns = [
        value_at(resource.props, "policyArn"),
        *(value_at(resource.props, "managedPolicyArns") or []),
    ]
    return [
        f"policyArn must be of a policy of the account's own, got {arn!r}"
        for arn in arns
        if ":iam::aws:policy/" in str(arn)
    ]


def logs_have_retention(group: Resource) -> list[str]:
    """A log group has a retention."""
    if group.type != aws.LOG_GROUP:
        return []
    return must(group, "retentionInDays", "1 day or more", lambda days: (days or 0) >= 1)


def permission_names_the_account(permission: Resource) -> list[str]:
    """Only a bucket of a named account, or a named rule, may invoke a function.

    A bucket's ARN has no account: once the bucket is deleted, anybody may take its name. A rule's
    ARN has the account.
    """
    if permission.type != aws.PERMISSION:
        return []
    principal = value_at(permission.props, "principal")
    if principal == "*":
        return [f"principal must be a service or an account, got {principal!r}"]
    if principal == "events.amazonaws.com":
        return must(permission, "sourceArn", "the rule's ARN", bool)
    if principal != "s3.amazonaws.com":
        return []
    return must(permission, "sourceAccount", "the bucket's account, 12 digits", bool)


def tags_name_environment_and_project(resource: Resource) -> list[str]:
    """Every taggable resource has the tags Environment and Project."""
    if resource.type not in TAGGED:
        return []
    return [
        broken
        for tag in ("Environment", "Project")
        for broken in must(resource, f"tags.{tag}", "a name", bool)
    ]


def protections_are_declared(stack: Sequence[Resource]) -> list[tuple[str, str]]:
    """Every bucket, queue and topic has a policy, and every bucket its protective settings."""
    found = {
        (protection.type, target_of(protection, stack))
        for protection in stack
        if protection.type in PROTECTIONS
    }
    return [
        (target.urn, f"{kind} must be declared for it, got none")
        for target in stack
        for kind, (protected, _) in PROTECTIONS.items()
        if target.type == protected and not found & {(kind, target.urn), (kind, UNKNOWN)}
    ]


def bucket_has_one_notification(stack: Sequence[Resource]) -> list[tuple[str, str]]:
    """A bucket has one notification configuration: a second would replace the first.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
    """
    broken, seen = [], {UNKNOWN}
    for notification in (resource for resource in stack if resource.type == aws.NOTIFICATION):
        target = target_of(notification, stack)
        if target in seen - {UNKNOWN}:
            broken.append((notification.urn, "bucket must have 1 BucketNotification, got another"))
        seen.add(target)
    return broken


RESOURCE_RULES: tuple[ResourceRule, ...] = (
    public_access_is_blocked,
    bucket_keeps_versions,
    bucket_is_encrypted,
    bucket_owner_owns_objects,
    queue_is_encrypted,
    topic_is_encrypted_in_production,
    plain_http_is_denied,
    table_can_be_restored,
    table_has_a_kms_key_in_production,
    production_table_refuses_deletion,
    production_bucket_refuses_deletion,
    production_data_is_protected,
    key_rotates,
    actions_are_named,
    resources_are_named,
    principals_are_named,
    attached_policies_are_customer_managed,
    logs_have_retention,
    permission_names_the_account,
    tags_name_environment_and_project,
)
STACK_RULES: tuple[StackRule, ...] = (protections_are_declared, bucket_has_one_notification)
