"""The actions that Pulumi's AWS provider calls for each type of resource of the pipeline.

``pulumi preview --refresh`` reads resources; ``pulumi up`` reads and writes them. Neither reads nor
writes objects, rows or messages: S3 refuses to delete a bucket that is not empty.
Actions and resources: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from dataclasses import dataclass

from pipeline import names

OURS = "file-metadata-*"
"""Matches the auto-names of the pipeline's resources."""

HERE = "{region}:{account}"
BUCKETS = f"s3:::{OURS}"
FUNCTIONS = f"lambda:{HERE}:function:{OURS}"
KEYS = f"kms:{HERE}:key/*"
LOG_GROUPS = f"logs:{HERE}:log-group:{OURS}"
QUEUES = f"sqs:{HERE}:{OURS}"
ROLES = f"iam::{{account}}:role/{OURS}"
RULES = f"events:{HERE}:rule/{OURS}"
TABLE = f"dynamodb:{HERE}:table/{names.table_name('{stack}')}"
TOPICS = f"sns:{HERE}:{OURS}"
"""ARNs without ``arn:{partition}:``, with ``region``, ``account`` and ``stack`` to fill in."""

MAPPING = "CreateEventSourceMapping DeleteEventSourceMapping UpdateEventSourceMapping"


@dataclass(frozen=True, kw_only=True)
class Access:
    """The actions for one type of resource."""

    on: tuple[str, ...]
    """ARNs without ``arn:{partition}:``, with fields to fill in."""
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    """To create, update and delete."""


def _all(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


def _on(resources: str, reads: str, writes: str) -> Access:
    service = resources.partition(":")[0]
    return Access(on=(resources,), reads=_all(service, reads), writes=_all(service, writes))


ACCESS: dict[str, Access] = {
    "aws:s3/bucket:Bucket": _on(
        BUCKETS,
        # The provider still reads every setting with the bucket, though each now has its own type.
        "ListBucket GetBucketLocation GetBucketTagging GetBucketAcl GetBucketCORS GetBucketPolicy"
        " GetBucketWebsite GetBucketVersioning GetBucketLogging GetBucketRequestPayment"
        " GetBucketObjectLockConfiguration GetAccelerateConfiguration GetLifecycleConfiguration"
        " GetReplicationConfiguration GetEncryptionConfiguration ListTagsForResource",
        "CreateBucket DeleteBucket PutBucketTagging TagResource UntagResource",
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _on(
        BUCKETS, "GetBucketOwnershipControls", "PutBucketOwnershipControls"
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _on(
        BUCKETS, "GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _on(
        BUCKETS, "GetBucketVersioning", "PutBucketVersioning"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _on(BUCKETS, "GetEncryptionConfiguration", "PutEncryptionConfiguration")
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _on(
        BUCKETS, "GetBucketPolicy", "PutBucketPolicy DeleteBucketPolicy"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _on(
        BUCKETS, "GetLifecycleConfiguration", "PutLifecycleConfiguration"
    ),
    "aws:s3/bucketLogging:BucketLogging": _on(BUCKETS, "GetBucketLogging", "PutBucketLogging"),
    "aws:s3/bucketNotification:BucketNotification": _on(
        BUCKETS, "GetBucketNotification", "PutBucketNotification"
    ),
    "aws:dynamodb/table:Table": _on(
        TABLE,
        "DescribeTable DescribeContinuousBackups DescribeTimeToLive ListTagsOfResource",
        "CreateTable UpdateTable DeleteTable UpdateTimeToLive UpdateContinuousBackups TagResource"
        " UntagResource",
    ),
    "aws:sqs/queue:Queue": _on(
        QUEUES,
        "GetQueueAttributes GetQueueUrl ListQueueTags",
        "CreateQueue DeleteQueue SetQueueAttributes TagQueue UntagQueue",
    ),
    "aws:sqs/queuePolicy:QueuePolicy": _on(QUEUES, "GetQueueAttributes", "SetQueueAttributes"),
    "aws:sns/topic:Topic": _on(
        TOPICS,
        "GetTopicAttributes ListTagsForResource",
        "CreateTopic DeleteTopic SetTopicAttributes TagResource UntagResource",
    ),
    "aws:sns/topicPolicy:TopicPolicy": _on(TOPICS, "GetTopicAttributes", "SetTopicAttributes"),
    "aws:sns/topicSubscription:TopicSubscription": _on(
        TOPICS,
        "GetSubscriptionAttributes",
        "Subscribe Unsubscribe SetSubscriptionAttributes",
    ),
    "aws:cloudwatch/logGroup:LogGroup": _on(
        LOG_GROUPS,
        "DescribeLogGroups ListTagsForResource",
        "CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy AssociateKmsKey"
        " DisassociateKmsKey TagResource UntagResource",
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _on(
        LOG_GROUPS, "DescribeMetricFilters", "PutMetricFilter DeleteMetricFilter"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _on(
        f"cloudwatch:{HERE}:alarm:{OURS}",
        "DescribeAlarms ListTagsForResource",
        "PutMetricAlarm DeleteAlarms TagResource UntagResource",
    ),
    "aws:cloudwatch/dashboard:Dashboard": _on(
        f"cloudwatch::{{account}}:dashboard/{names.dashboard_name('{stack}', '{region}')}",
        "GetDashboard",
        "PutDashboard DeleteDashboards",
    ),
    "aws:cloudwatch/eventRule:EventRule": _on(
        RULES,
        "DescribeRule ListTagsForResource",
        "PutRule DeleteRule TagResource UntagResource",
    ),
    "aws:cloudwatch/eventTarget:EventTarget": _on(
        RULES, "ListTargetsByRule", "PutTargets RemoveTargets"
    ),
    "aws:iam/role:Role": _on(
        ROLES,
        "GetRole ListRolePolicies ListAttachedRolePolicies",
        "CreateRole DeleteRole UpdateRole UpdateAssumeRolePolicy TagRole UntagRole"
        " ListInstanceProfilesForRole PutRolePermissionsBoundary",
    ),
    "aws:iam/rolePolicy:RolePolicy": _on(ROLES, "GetRolePolicy", "PutRolePolicy DeleteRolePolicy"),
    "aws:lambda/function:Function": _on(
        FUNCTIONS,
        # Without ListTags, GetFunction leaves the tags out, and they would seem to be removed.
        "GetFunction GetFunctionCodeSigningConfig ListTags ListVersionsByFunction",
        "CreateFunction DeleteFunction UpdateFunctionCode UpdateFunctionConfiguration"
        " GetFunctionConfiguration PutFunctionConcurrency DeleteFunctionConcurrency TagResource"
        " UntagResource",
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _on(
        FUNCTIONS,
        "GetFunctionEventInvokeConfig",
        "PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig"
        " DeleteFunctionEventInvokeConfig",
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": _on(
        f"lambda:{HERE}:event-source-mapping:*",
        "GetEventSourceMapping ListTags",
        f"{MAPPING} TagResource UntagResource",
    ),
    "aws:lambda/permission:Permission": _on(
        FUNCTIONS, "GetPolicy", "AddPermission RemovePermission"
    ),
    "aws:scheduler/schedule:Schedule": _on(
        f"scheduler:{HERE}:schedule/default/{OURS}",
        "GetSchedule",
        "CreateSchedule UpdateSchedule DeleteSchedule",
    ),
    "aws:kms/key:Key": _on(
        KEYS,
        "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
        # No ScheduleKeyDeletion: Pulumi never deletes the key.
        "CreateKey TagResource UntagResource EnableKeyRotation PutKeyPolicy UpdateKeyDescription",
    ),
    "aws:kms/alias:Alias": Access(
        on=(f"kms:{HERE}:{names.alias_name('{stack}')}", KEYS),
        reads=("kms:ListAliases",),
        writes=_all("kms", "CreateAlias UpdateAlias DeleteAlias"),
    ),
}

# Actions that support no resource; DescribeAlarms, which returns only a part to a role that is
# limited to some alarms; and those on event source mappings, whose ids AWS generates: a condition
# below limits them.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
ON_EVERYTHING = frozenset(
    {
        "cloudwatch:DescribeAlarms",
        "kms:CreateKey",
        "kms:ListAliases",
        *_all("lambda", f"{MAPPING} GetEventSourceMapping"),
        "logs:DescribeLogGroups",
        "sns:GetSubscriptionAttributes",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
    }
)

# A key's ARN is not known before the key exists, so the roles recognize keys by their tags.
OUR_TAGS = names.tags("{stack}")
_NEW = {"StringEquals": {f"aws:RequestTag/{key}": value for key, value in OUR_TAGS.items()}}
_OLD = {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in OUR_TAGS.items()}}
BOUNDARY = "arn:{partition}:iam::{account}:policy/github-file-metadata-boundary-{stack}"
"""The permissions boundary of each role that a deployment makes or gives permissions to."""
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
_BOUNDED = {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
_FEEDS_OURS = {"ArnLike": {"lambda:FunctionArn": f"arn:{{partition}}:{FUNCTIONS}"}}
ONLY_IF: dict[str, dict[str, dict[str, str]]] = {
    "iam:CreateRole": _BOUNDED,
    "iam:PutRolePermissionsBoundary": _BOUNDED,
    "iam:PutRolePolicy": _BOUNDED,
    "kms:CreateKey": _NEW,
    "kms:TagResource": _NEW,
    "kms:UntagResource": _OLD,
    "kms:PutKeyPolicy": _OLD,
    "kms:UpdateKeyDescription": _OLD,
    **dict.fromkeys(_all("lambda", f"{MAPPING} GetEventSourceMapping"), _FEEDS_OURS),
}
