"""A bucket whose changes arrive in two queues: as notifications, and through EventBridge."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import events
from events import Notification
from local.rules.s3 import location
from support.journeys import Deployed, eventually

Client = Callable[[str], Any]


@contextmanager
def both_ways(client: Client, name: str, patience: float) -> Iterator[tuple[str, str]]:
    """Make bucket, queues and rule with a name; the queues' URLs, once both get events.

    Args:
        client: makes clients that may make all of them.
        name: of the bucket, the rule and the queues.
        patience: seconds to wait for the first event; S3 takes minutes to switch EventBridge on.
    """
    s3, sqs, bus = client("s3"), client("sqs"), client("events")
    s3.create_bucket(Bucket=name, **location(s3.meta.region_name))
    direct, through = (_queue(sqs, f"{name}-{way}") for way in ("direct", "bus"))
    try:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        target = {"QueueArn": direct[1], "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        s3.put_bucket_notification_configuration(
            Bucket=name,
            NotificationConfiguration={
                "QueueConfigurations": [target],
                "EventBridgeConfiguration": {},
            },
        )
        pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}
        bus.put_rule(Name=name, EventPattern=json.dumps(pattern))
        bus.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": through[1]}])

        def warm() -> bool | None:
            s3.put_object(Bucket=name, Key="first", Body=b"")
            return "Messages" in sqs.receive_message(QueueUrl=through[0], WaitTimeSeconds=2) or None

        eventually(warm, lambda: "event through EventBridge", within=patience)
        yield direct[0], through[0]
    finally:
        bus.remove_targets(Rule=name, Ids=["queue"])
        bus.delete_rule(Name=name)
        Deployed(client, {"S3BucketName": name}).remove_objects("")
        s3.delete_bucket(Bucket=name)
        for url, _ in (direct, through):
            sqs.delete_queue(QueueUrl=url)


def change_in_each_way(client: Client, bucket: str, key: str) -> int:
    """Change a key in every way that S3 has, and say how many changes that were."""
    s3, where = client("s3"), {"Bucket": bucket, "Key": key}
    first = s3.put_object(**where, Body=b"1")["VersionId"]
    s3.put_object(**where, Body=b"22")
    s3.copy_object(**where, CopySource=where, MetadataDirective="REPLACE")
    upload = s3.create_multipart_upload(**where)["UploadId"]
    part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"333")
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    marker = s3.delete_object(**where)["VersionId"]
    s3.delete_object(**where, VersionId=marker)
    s3.delete_object(**where, VersionId=first)
    return 7


def received(client: Client, url: str, key: str, count: int, patience: float) -> list[Notification]:
    """Read so many events of a key from a queue, in the order of its changes."""
    found: dict[str | None, Notification] = {}

    def all_of_them() -> list[Notification] | None:
        answer = client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2
        )
        for message in answer.get("Messages", []):
            for item in events.items(json.loads(message["Body"])):
                one = events.notification(item)
                if one.key == key:
                    found[one.sequencer] = one
            client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        ordered = sorted(found.values(), key=lambda one: str(one.sequencer))
        return ordered if len(ordered) >= count else None

    return eventually(all_of_them, lambda: f"{count} events of {key!r}", within=patience)


def _queue(sqs: Any, name: str) -> tuple[str, str]:
    """Make a queue to which S3 and EventBridge may send; its URL and its ARN."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    services = ["s3.amazonaws.com", "events.amazonaws.com"]
    allow = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sqs:SendMessage"}
    account = {"StringEquals": {"aws:SourceAccount": arn.split(":")[4]}}
    rule = {"ArnLike": {"aws:SourceArn": f"arn:*:events:*:{arn.split(':')[4]}:rule/{name[:-4]}"}}
    statements = [
        allow | {"Resource": arn, "Condition": condition} for condition in (account, rule)
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return str(url), str(arn)
