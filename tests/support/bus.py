"""Events of S3's by way of EventBridge, as AWS documents them, of the same changes as records.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import contextlib
import json
from typing import Any
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from local.cloud import Cloud
from support.recorder import EVENTBRIDGE

REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
    "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
    "LifecycleExpiration:Delete": "Lifecycle Expiration",
    "LifecycleExpiration:DeleteMarkerCreated": "Lifecycle Expiration",
}
"""By the name that a notification has for the same."""
Record = dict[str, Any]


def on_the_bus(record: Record) -> Record:
    """The event of the change that a notification's record is of."""
    name, bucket = record["eventName"], record["s3"]["bucket"]["name"]
    described = {"key": unquote_plus(record["s3"]["object"]["key"])}
    if "sequencer" in record["s3"]["object"]:
        described["sequencer"] = record["s3"]["object"]["sequencer"]
    detail = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": described,
        "reason": REASONS[name],
    }
    if not name.startswith("ObjectCreated:"):
        marked = name.endswith(":DeleteMarkerCreated")
        detail["deletion-type"] = "Delete Marker Created" if marked else "Permanently Deleted"
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Deleted" if "deletion-type" in detail else "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": f"{record['eventTime'].partition('.')[0].removesuffix('Z')}Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": detail,
    }


def in_messages(events: list[Record]) -> Record:
    """Events in a batch of queue messages, which the function handles at the same time."""
    return {
        "Records": [
            {"eventSource": "aws:sqs", "messageId": str(n), "body": json.dumps(event)}
            for n, event in enumerate(events)
        ]
    }


def follows(cloud: Cloud, bucket: str, *, versioned: bool = True) -> dict[str, str]:
    """Make somebody else's bucket, with EventBridge switched on; what a stack needs to follow it.

    Args:
        cloud: where.
        bucket: its name; also ends the stack's own names.
        versioned: whether it keeps versions.
    """
    s3 = cloud("s3")
    s3.create_bucket(Bucket=bucket)
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return EVENTBRIDGE | {"bucketName": bucket, "environmentSuffix": f"follows-{bucket}"}


def notify_others(cloud: Cloud, bucket: str) -> None:
    """Have a bucket notify a function, a queue and a topic, which are somebody else's."""
    region = f"us-east-1:{cloud('sts').get_caller_identity()['Account']}"
    s3, kept = cloud("s3"), configuration(cloud, bucket)
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration=kept
        | {
            "LambdaFunctionConfigurations": [
                {
                    "Id": "thumbnails",
                    "LambdaFunctionArn": f"arn:aws:lambda:{region}:function:thumbnails",
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {
                        "Key": {
                            "FilterRules": [
                                {"Name": "suffix", "Value": ".png"},
                                {"Name": "prefix", "Value": "photos/"},
                            ]
                        }
                    },
                }
            ],
            "QueueConfigurations": [
                {
                    "Id": "imports",
                    "QueueArn": f"arn:aws:sqs:{region}:imports",
                    "Events": ["s3:ObjectCreated:Put"],
                }
            ],
            "TopicConfigurations": [
                {
                    "Id": "audit",
                    "TopicArn": f"arn:aws:sns:{region}:audit",
                    "Events": ["s3:ObjectRemoved:*", "s3:LifecycleTransition"],
                }
            ],
        },
        SkipDestinationValidation=True,
    )


def configuration(cloud: Cloud, bucket: str) -> dict[str, Any]:
    """A bucket's notification configuration as S3 gives it."""
    found: dict[str, Any] = cloud("s3").get_bucket_notification_configuration(Bucket=bucket)
    del found["ResponseMetadata"]
    return found


SETTINGS = (
    *("accelerate_configuration", "acl", "cors", "encryption", "lifecycle_configuration"),
    *("logging", "ownership_controls", "policy", "tagging", "versioning", "website"),
)


def as_it_is(cloud: Cloud, bucket: str) -> dict[str, Any]:
    """All that a bucket is set to, and its notification configuration byte for byte."""
    s3, found = Cloud(cloud.endpoint, cloud.region)("s3"), {}

    def keep(http_response: Any, model: Any, **_: Any) -> None:
        # Each answer has another request id, but in its headers alone; an error's is cut off.
        content = http_response.content
        found[model.name] = (
            content if http_response.status_code < 300 else http_response.status_code
        )

    s3.meta.events.register("after-call.s3", keep)
    for setting in (*SETTINGS, "notification_configuration"):
        with contextlib.suppress(ClientError):
            getattr(s3, f"get_bucket_{setting}")(Bucket=bucket)
    with contextlib.suppress(ClientError):
        s3.get_public_access_block(Bucket=bucket)
    assert found["GetBucketNotificationConfiguration"]
    return found
