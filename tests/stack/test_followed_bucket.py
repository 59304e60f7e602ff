"""Somebody else's bucket under Pulumi's own engine: followed and let go, and always as it was."""

import pytest
from pulumi import automation

from local.cloud import Cloud
from ops.event_bridge import Notifications, switch_on
from support.bus import as_it_is, configuration, follows, notify_others
from support.journeys import assert_a_file_gets_its_row
from support.pulumi_command import NEEDS_PULUMI, Open, configure
from support.recorder import Program

pytestmark = NEEDS_PULUMI
THEIRS = "followed-theirs"
ABOVE = 1
"""The stack itself, which is a resource too."""


@pytest.fixture(scope="module")
def chosen(cloud: Cloud) -> dict[str, str]:
    """What a stack needs to follow a bucket, which notifies three others, EventBridge still off."""
    config = follows(cloud, THEIRS)
    cloud("s3").put_bucket_notification_configuration(Bucket=THEIRS, NotificationConfiguration={})
    notify_others(cloud, THEIRS)
    return config


# Pulumi names one of what is protected: the rule, its queue or that queue's policy.
DELETED = r"because it is protected(.|\n)*file-metadata-(events|undelivered)-"
REPLACED = r'unable to replace resource "[^"]*file-metadata-events-rule"'


def assert_refused(stack: automation.Stack, kept: dict[str, str], said: str, **config: str) -> None:
    """See a preview refuse a change, because the rule is protected; and take the change back."""
    configure(stack, **config)
    with pytest.raises(automation.CommandError, match=said):
        stack.preview()
    configure(stack, **{key: kept[key] for key in config})


def test_a_bucket_is_as_it_was_when_it_is_followed_and_let_go(
    open_stack: Open, cloud: Cloud, chosen: dict[str, str], bus: Program
) -> None:
    off = configuration(cloud, THEIRS)
    switch_on(cloud("s3"), THEIRS, Notifications.read(cloud("s3"), THEIRS))
    assert configuration(cloud, THEIRS) == off | {"EventBridgeConfiguration": {}}
    before = as_it_is(cloud, THEIRS)

    stack = open_stack("prod", **chosen)
    everything = len(bus.resources) + ABOVE
    assert stack.up().summary.resource_changes == {"create": everything}
    assert as_it_is(cloud, THEIRS) == before
    assert stack.up().summary.resource_changes == {"same": everything}
    table = stack.outputs()["DynamoDBTableName"].value
    assert_a_file_gets_its_row(cloud, THEIRS, table)

    assert_refused(stack, chosen, DELETED, eventSource="notification")
    assert_refused(stack, chosen, REPLACED, bucketName="another-of-theirs")
    configure(stack, objectPrefix="in/", bucketAccountId="210987654321")
    assert (stack.up().summary.resource_changes or {}).keys() == {"same", "update"}
    assert as_it_is(cloud, THEIRS) == before

    state = stack.export_stack()
    for resource in state.deployment["resources"]:
        resource["protect"] = False
    stack.import_stack(state)
    cloud("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=False)
    stack.destroy()
    assert as_it_is(cloud, THEIRS) == before
    assert cloud("s3").get_object(Bucket=THEIRS, Key="report.txt")["Body"].read()
