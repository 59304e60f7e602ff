"""The operator's tool, also on a deployed stack, and objects that no notification tells of."""

from collections.abc import Callable

from click.testing import CliRunner, Result

from ops.__main__ import main
from support.journeys import Deployed


def ops(*words: str, exits: int = 0) -> Result:
    """Run a command of the tool in this process, and see its exit status."""
    result = CliRunner().invoke(main, words)
    assert result.exit_code == exits, result.output
    return result


def of(stack: Deployed, endpoint: str = "") -> list[str]:
    """The options that name a stack, and another endpoint than its own, if there is one."""
    options = {
        "--bucket": stack.bucket,
        "--table": stack.table,
        "--function": stack.function,
        "--queue-url": stack.outputs["FailureQueueUrl"],
        "--alarm-topic": stack.outputs["AlarmTopicArn"],
        "--endpoint-url": endpoint or stack.client("s3").meta.endpoint_url,
    }
    return [word for option in options.items() for word in option]


def without_notification(stack: Deployed, act: Callable[[], object]) -> None:
    """Do something of which S3 tells nobody."""
    s3 = stack.client("s3")
    kept = s3.get_bucket_notification_configuration(Bucket=stack.bucket)
    del kept["ResponseMetadata"]
    s3.put_bucket_notification_configuration(Bucket=stack.bucket, NotificationConfiguration={})
    act()
    s3.put_bucket_notification_configuration(Bucket=stack.bucket, NotificationConfiguration=kept)
