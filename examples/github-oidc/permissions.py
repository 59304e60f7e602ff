"""What Pulumi's AWS provider calls for each type of resource that the pipeline declares.

A type is read by ``pulumi preview --refresh``, and read and written by ``pulumi up``. Objects,
rows and messages are neither read nor written: a bucket that is not empty is refused by S3.
Actions and resources: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from dataclasses import dataclass

from pipeline import names

OURS = "file-metadata-*"
"""How every name starts that Pulumi makes up for the pipeline's resources."""

MAPPING = "CreateEventSourceMapping DeleteEventSourceMapping UpdateEventSourceMapping"

DASHBOARD = names.dashboard_name("{stack}", "{region}")


@dataclass(frozen=True, kw_only=True)
class Access:
    """What is called for one type of resource."""

    on: tuple[str, ...]
    """ARNs, with the fields ``partition``, ``region``, ``account`` and ``stack`` to fill in."""
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    """To create, update and delete."""


def _all(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


def _bucket(reads: str, writes: str) -> Access:
    return Access(
        on=(f"arn:{{partition}}:s3:::{OURS}",), reads=_all("s3", reads), writes=_all("s3", writes)
    )


def _function(reads: str, writes: str) -> Access:
    return Access(
        on=(f"arn:{{partition}}:lambda:{{region}}:{{account}}:function:{OURS}",),
        reads=_all("lambda", reads),
        writes=_all("lambda", writes),
    )


def _named(service: str, name: str, reads: str, writes: str) -> Access:
    return Access(
        on=(f"arn:{{partition}}:{service}:{{region}}:{{account}}:{name}",),
        reads=_all(service, reads),
        writes=_all(service, writes),
    )


def _role(reads: str, writes: str) -> Access:
    return Access(
        on=(f"arn:{{partition}}:iam::{{account}}:role/{OURS}",),
        reads=_all("iam", reads),
        writes=_all("iam", writes),
    )


ACCESS: dict[str, Access] = {
    "aws:s3/bucket:Bucket": _bucket(
        # The provider's bucket still has every setting that is a type of its own by now.
        "ListBucket GetBucketLocation GetBucketTagging GetBucketAcl GetBucketCORS GetBucketPolicy"
        " GetBucketWebsite GetBucketVersioning GetBucketLogging GetBucketRequestPayment"
        " GetBucketObjectLockConfiguration GetAccelerateConfiguration GetLifecycleConfiguration"
        " GetReplicationConfiguration GetEncryptionConfiguration ListTagsForResource",
        "CreateBucket DeleteBucket PutBucketTagging TagResource UntagResource",
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket(
        "GetBucketOwnershipControls", "PutBucketOwnershipControls"
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket(
        "GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _bucket(
        "GetBucketVersioning", "PutBucketVersioning"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _bucket("GetEncryptionConfiguration", "PutEncryptionConfiguration")
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _bucket(
        "GetBucketPolicy", "PutBucketPolicy DeleteBucketPolicy"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket(
        "GetLifecycleConfiguration", "PutLifecycleConfiguration"
    ),
    "aws:s3/bucketLogging:BucketLogging": _bucket("GetBucketLogging", "PutBucketLogging"),
    "aws:s3/bucketNotification:BucketNotification": _bucket(
        "GetBucketNotification", "PutBucketNotification"
    ),
    "aws:dynamodb/table:Table": _named(
        "dynamodb",
        f"table/{names.table_name('{stack}')}",
        "DescribeTable DescribeContinuousBackups DescribeTimeToLive ListTagsOfResource",
        "CreateTable UpdateTable DeleteTable UpdateTimeToLive UpdateContinuousBackups TagResource"
        " UntagResource",
    ),
    "aws:sqs/queue:Queue": _named(
        "sqs",
        OURS,
        "GetQueueAttributes GetQueueUrl ListQueueTags",
        "CreateQueue DeleteQueue SetQueueAttributes TagQueue UntagQueue",
    ),
    "aws:sqs/queuePolicy:QueuePolicy": _named(
        "sqs", OURS, "GetQueueAttributes", "SetQueueAttributes"
    ),
    "aws:sns/topic:Topic": _named(
        "sns",
        OURS,
        "GetTopicAttributes ListTagsForResource",
        "CreateTopic DeleteTopic SetTopicAttributes TagResource UntagResource",
    ),
    "aws:sns/topicPolicy:TopicPolicy": _named(
        "sns", OURS, "GetTopicAttributes", "SetTopicAttributes"
    ),
    "aws:sns/topicSubscription:TopicSubscription": _named(
        "sns", OURS, "GetSubscriptionAttributes", "Subscribe Unsubscribe SetSubscriptionAttributes"
    ),
    "aws:cloudwatch/logGroup:LogGroup": _named(
        "logs",
        f"log-group:{OURS}",
        "DescribeLogGroups ListTagsForResource",
        "CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy AssociateKmsKey"
        " DisassociateKmsKey TagResource UntagResource",
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _named(
        "logs", f"log-group:{OURS}", "DescribeMetricFilters", "PutMetricFilter DeleteMetricFilter"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _named(
        "cloudwatch",
        f"alarm:{OURS}",
        "DescribeAlarms ListTagsForResource",
        "PutMetricAlarm DeleteAlarms TagResource UntagResource",
    ),
    "aws:cloudwatch/dashboard:Dashboard": Access(
        on=(f"arn:{{partition}}:cloudwatch::{{account}}:dashboard/{DASHBOARD}",),
        reads=("cloudwatch:GetDashboard",),
        writes=("cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"),
    ),
    "aws:cloudwatch/eventRule:EventRule": _named(
        "events",
        f"rule/{OURS}",
        "DescribeRule ListTagsForResource",
        "PutRule DeleteRule TagResource UntagResource",
    ),
    "aws:cloudwatch/eventTarget:EventTarget": _named(
        "events", f"rule/{OURS}", "ListTargetsByRule", "PutTargets RemoveTargets"
    ),
    "aws:iam/role:Role": _role(
        "GetRole ListRolePolicies ListAttachedRolePolicies",
        "CreateRole DeleteRole UpdateRole UpdateAssumeRolePolicy TagRole UntagRole"
        " ListInstanceProfilesForRole PutRolePermissionsBoundary",
    ),
    "aws:iam/rolePolicy:RolePolicy": _role("GetRolePolicy", "PutRolePolicy DeleteRolePolicy"),
    "aws:lambda/function:Function": _function(
        # Without ListTags GetFunction leaves the tags out, which would then look removed.
        "GetFunction GetFunctionCodeSigningConfig ListTags ListVersionsByFunction",
        "CreateFunction DeleteFunction UpdateFunctionCode UpdateFunctionConfiguration"
        " GetFunctionConfiguration PutFunctionConcurrency DeleteFunctionConcurrency TagResource"
        " UntagResource",
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _function(
        "GetFunctionEventInvokeConfig",
        "PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig"
        " DeleteFunctionEventInvokeConfig",
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Access(
        on=("arn:{partition}:lambda:{region}:{account}:event-source-mapping:*",),
        reads=_all("lambda", "GetEventSourceMapping ListTags"),
        writes=_all("lambda", f"{MAPPING} TagResource UntagResource"),
    ),
    "aws:lambda/permission:Permission": _function("GetPolicy", "AddPermission RemovePermission"),
    "aws:scheduler/schedule:Schedule": _named(
        "scheduler",
        f"schedule/default/{OURS}",
        "GetSchedule",
        "CreateSchedule UpdateSchedule DeleteSchedule",
    ),
    "aws:kms/key:Key": _named(
        "kms",
        "key/*",
        "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
        # No ScheduleKeyDeletion: Pulumi never deletes the key.
        "CreateKey TagResource UntagResource EnableKeyRotation PutKeyPolicy UpdateKeyDescription",
    ),
    "aws:kms/alias:Alias": Access(
        on=(
            f"arn:{{partition}}:kms:{{region}}:{{account}}:{names.alias_name('{stack}')}",
            "arn:{partition}:kms:{region}:{account}:key/*",
        ),
        reads=("kms:ListAliases",),
        writes=("kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"),
    ),
}

# Actions for which AWS knows no resource, one that it answers in part if it is given less, and
# those on event source mappings: AWS makes up their ids, and they have a condition below.
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

# A key's ARN has no name that could be told before the key is there. Its tags can be.
OUR_TAGS = names.tags("{stack}")
_NEW = {"StringEquals": {f"aws:RequestTag/{key}": value for key, value in OUR_TAGS.items()}}
_OLD = {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in OUR_TAGS.items()}}
BOUNDARY = "arn:{partition}:iam::{account}:policy/github-file-metadata-boundary-{stack}"
"""What a deployment must put around each role that it makes or gives permissions to."""
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
_BOUNDED = {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
_FEEDS_OURS = {
    "ArnLike": {
        "lambda:FunctionArn": f"arn:{{partition}}:lambda:{{region}}:{{account}}:function:{OURS}"
    }
}
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
