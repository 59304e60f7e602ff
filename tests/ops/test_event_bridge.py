"""The operator's tool on a stack that follows somebody else's bucket, which keeps no versions."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click import ClickException
from click.testing import Result

from local.cloud import Cloud
from ops import event_bridge
from ops.bucket import Scope
from ops.event_bridge import Notifications, switch_on
from ops.scope import scope
from ops.stack import Stack
from support.bus import configuration, follows, notify_others, on_the_bus
from support.failure_queue import lines, summary
from support.journeys import Deployed
from support.tool import ops

SWITCH = {"EventBridgeConfiguration": {}}
BUCKET = "theirs-unversioned"
OTHERS = "notifies-others"


@pytest.fixture(scope="module")
def stack(cloud: Cloud, deploy: Callable[..., Deployed]) -> Deployed:
    chosen = follows(cloud, BUCKET, versioned=False)
    return deploy(**chosen, objectPrefix="in/", objectSuffix=".csv")


@pytest.fixture(scope="module")
def run(stack: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Result]:
    file = tmp_path_factory.mktemp("outputs") / "outputs.json"
    file.write_text(json.dumps(dict(stack.outputs)))
    where = ("--outputs", str(file), "--endpoint-url", stack.client("s3").meta.endpoint_url)
    return lambda command, *words, exits=0: ops(command, *where, *words, exits=exits)


@pytest.fixture(autouse=True)
def no_alarm(stack: Deployed) -> None:
    """Other tests of the worker put metrics to the same emulator, which may ring one of these."""
    cloudwatch = stack.client("cloudwatch")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(StateValue="ALARM")
    for name in [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")


@pytest.fixture
def others(cloud: Cloud) -> Iterator[str]:
    """A bucket with three targets, and EventBridge off."""
    cloud("s3").create_bucket(Bucket=OTHERS)
    notify_others(cloud, OTHERS)
    yield OTHERS
    cloud("s3").delete_bucket(Bucket=OTHERS)


def events(cloud: Cloud, *options: str, exits: int = 0) -> str:
    where = ("--bucket", OTHERS, "--endpoint-url", cloud.endpoint)
    return ops("events", *where, *options, exits=exits).stdout


def test_a_bucket_without_eventbridge_is_a_finding(cloud: Cloud, others: str) -> None:
    before = configuration(cloud, others)
    found = events(cloud, exits=1)
    assert "EventBridge is off" in found
    for target in (":function:thumbnails", ":imports", ":audit"):
        assert target in found
    events(cloud, "--enable", "--dry-run", exits=1)
    assert configuration(cloud, others) == before


def test_it_is_switched_on_and_all_else_stays(cloud: Cloud, others: str) -> None:
    before = configuration(cloud, others)
    assert json.loads(events(cloud, "--enable", "--json"))["switched"] is True
    assert configuration(cloud, others) == before | SWITCH
    assert json.loads(events(cloud, "--enable", "--json"))["switched"] is False


def test_a_change_since_it_was_read_stops_it_before_the_write(cloud: Cloud, others: str) -> None:
    found = Notifications.read(cloud("s3"), others)
    cloud("s3").put_bucket_notification_configuration(Bucket=others, NotificationConfiguration={})
    with pytest.raises(ClickException, match="nothing was written"):
        switch_on(cloud("s3"), others, found)
    assert configuration(cloud, others) == {}


def test_a_change_right_after_the_write_is_told_with_what_was_there(
    cloud: Cloud, others: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_bridge, "PAUSES", ())
    mine = Cloud(cloud.endpoint, cloud.region)("s3")

    def erase(**_: Any) -> None:
        cloud("s3").put_bucket_notification_configuration(
            Bucket=others, NotificationConfiguration={}
        )

    mine.meta.events.register("after-call.s3.PutBucketNotificationConfiguration", erase)
    with pytest.raises(ClickException, match="is not what was written") as caught:
        switch_on(mine, others, Notifications.read(mine, others))
    assert "thumbnails" in str(caught.value)


def test_prefix_and_suffix_are_the_rules(stack: Deployed) -> None:
    of_cli = Stack(
        stack.outputs, endpoint_url=stack.client("s3").meta.endpoint_url, region="us-east-1"
    )
    assert scope(of_cli) == Scope("in/", ".csv")


def status(run: Callable[..., Result], exits: int = 0) -> dict[str, Any]:
    parts = json.loads(run("status", "--json", exits=exits).stdout)
    others = {name: part["problem"] for name, part in parts.items() if name != "events"}
    assert not any(others.values()), others
    found: dict[str, Any] = parts["events"]
    return found


def test_status_warns_of_a_bucket_that_sends_nothing(
    stack: Deployed, run: Callable[..., Result]
) -> None:
    assert status(run) == {"on": True, "undelivered": 0, "problem": ""}
    assert "EventBridge on, 0 undelivered" in run("status").stdout
    s3 = stack.client("s3")
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    found = status(run, exits=1)
    assert found["on"] is False
    assert "sends no events to EventBridge" in found["problem"]
    run("events", "--enable")
    status(run)


def test_an_undelivered_event_is_shown_and_replayed(
    stack: Deployed, run: Callable[..., Result]
) -> None:
    s3, sqs = stack.client("s3"), stack.client("sqs")
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    s3.put_object(Bucket=BUCKET, Key="in/lost and found.csv", Body=b"five.")
    run("events", "--enable")
    record = {
        "eventName": "ObjectCreated:Put",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "s3": {"bucket": {"name": BUCKET}, "object": {"key": "in/lost+and+found.csv"}},
    }
    sqs.send_message(
        QueueUrl=stack.outputs["UndeliveredQueueUrl"],
        MessageBody=json.dumps(on_the_bus(record)),
        MessageAttributes={
            "ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"},
        },
    )
    assert status(run, exits=1)["undelivered"] == 1
    [shown, _] = lines(run("redrive", "--dry-run", "--json"))
    assert (shown["keys"], shown["error"]) == (["in/lost and found.csv"], "NO_PERMISSIONS")
    assert summary(run("redrive", "--json"))["redriven"] == 1
    row = stack.row_once("in/lost and found.csv", lambda row: row["file_size"] == 5)
    assert row["version_id"] == "null"


def test_backfill_and_verify_take_the_rules_keys_alone(
    stack: Deployed, run: Callable[..., Result], tmp_path: Path
) -> None:
    s3 = stack.client("s3")
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    for key in ("in/before.csv", "in/other.txt", "out/other.csv"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"before")
    run("events", "--enable")
    assert "in/before.csv" in run("verify", "--grace", "0", exits=1).stdout
    run("backfill", "--json", "--state", str(tmp_path / "state.json"))
    stack.row_once("in/before.csv", lambda row: row["file_size"] == 6)
    run("verify", "--grace", "0")
    rows = stack.client("dynamodb").scan(TableName=stack.table)["Items"]
    assert {"in/other.txt", "out/other.csv"} & {row["file_key"]["S"] for row in rows} == set()


def test_overwrites_and_deletes_of_a_bucket_without_versions_are_followed(
    stack: Deployed, run: Callable[..., Result]
) -> None:
    s3, where = stack.client("s3"), {"Bucket": BUCKET, "Key": "in/followed.csv"}
    s3.put_object(**where, Body=b"1")
    s3.put_object(**where, Body=b"22")
    stack.row_once(where["Key"], lambda row: row.get("file_size") == 2)
    s3.delete_object(**where)
    stack.deleted(where["Key"])
    s3.put_object(**where, Body=b"333")
    stack.row_once(where["Key"], lambda row: row.get("file_size") == 3)
    run("verify", "--grace", "0", "--prefix", where["Key"])
