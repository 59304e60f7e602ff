"""The operator's tool, also on a deployed stack, and objects that no notification tells of."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from click.testing import CliRunner, Result

from ops.__main__ import main
from support.journeys import Deployed
from support.recorder import ROOT


def ops(*words: str, exits: int | None = 0) -> Result:
    """Run a command of the tool in this process; its exit status must be this one, None for any."""
    result = CliRunner().invoke(main, words)
    assert exits in {None, result.exit_code}, result.output
    return result


def started(*words: str, **options: Any) -> "subprocess.Popen[str]":
    """Start a command of the tool in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "ops", *words],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


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
