"""The operator's tool on a deployed stack, and objects that no notification tells of."""

from collections.abc import Callable

from support.journeys import Deployed


def of(stack: Deployed) -> list[str]:
    endpoint = stack.client("s3").meta.endpoint_url
    names = {"--bucket": stack.bucket, "--table": stack.table, "--function": stack.function}
    queue = ["--queue-url", stack.outputs["FailureQueueUrl"]]
    return [word for pair in names.items() for word in pair] + [*queue, "--endpoint-url", endpoint]


def without_notification(stack: Deployed, act: Callable[[], None]) -> None:
    """Do something of which S3 tells nobody."""
    s3 = stack.client("s3")
    kept = s3.get_bucket_notification_configuration(Bucket=stack.bucket)
    del kept["ResponseMetadata"]
    s3.put_bucket_notification_configuration(Bucket=stack.bucket, NotificationConfiguration={})
    act()
    s3.put_bucket_notification_configuration(Bucket=stack.bucket, NotificationConfiguration=kept)
