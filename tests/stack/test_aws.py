"""What a deployed stack must do in an AWS account.

    pytest -m aws --stack dev                    # or, with the outputs in a file,
    pytest -m aws --outputs outputs.json

`tests/stack/test_aws_alone.py` runs them where the account is an emulator's.

The tests touch keys of a prefix of their own, and events about such keys. On AWS they need the
permissions of ``exercise`` in ``examples/github-oidc/roles.py``, and about eight minutes: Lambda
takes three to fail an event, twice. The comparison of sequencers makes a bucket, two queues and a
rule of its own, and removes them; it is skipped for who may not.
"""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from pipeline.alarms import alarms
from support.both_ways import both_ways, change_in_each_way, received
from support.places import Place, on_aws

pytestmark = pytest.mark.aws
STRANGER = "not-the-bucket-of-this-stack"


@pytest.fixture(scope="module")
def place(pytestconfig: pytest.Config) -> Iterator[Place]:
    with on_aws(pytestconfig) as ready:
        yield ready


def test_an_object_that_is_put_overwritten_and_deleted_has_its_row(place: Place) -> None:
    stack, key = place.stack, f"{place.prefix}Grüße aus +1 %.csv"
    first = stack.completed(key, stack.put(key, b"a,b\n", "text/csv"))
    assert (first["file_size"], first["content_type"]) == (4, "text/csv")
    second = stack.completed(key, stack.put(key, b"longer than before"))
    assert second["file_size"] == stack.head(key)["ContentLength"] == 18
    assert second["sequencer"] > first["sequencer"]
    stack.delete(key)
    assert "file_size" not in stack.deleted(key)


def test_verify_finds_that_every_row_agrees(place: Place) -> None:
    keys = [f"{place.prefix}verify/{number}.txt" for number in range(5)]
    versions = {key: place.stack.put(key) for key in keys}
    for key, version in versions.items():
        place.stack.completed(key, version)
    done = place.ops("verify", "--prefix", f"{place.prefix}verify/", "--grace", "0", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["compared"] == len(keys)


def test_an_event_that_fails_is_kept_and_redriven(place: Place) -> None:
    """The event is another bucket's, so that it fails however often, and harms nothing."""
    key = f"{place.prefix}stranger.txt"
    event = {"Records": [place.stack.record(key, bucket=STRANGER)]}
    place.stack.invoke_later(event)

    def failed() -> list[list[str]]:
        *shown, _ = place.ops("redrive", "--dry-run", "--json").stdout.splitlines()
        return [json.loads(found)["keys"] for found in shown]

    place.stack.eventually(lambda: [key] in failed(), lambda: f"failed event of {key!r}")
    others = [keys for keys in failed() if keys != [key]]
    if others:
        pytest.skip(f"events of others are in the failure queue, to redrive first: {others}")
    # It fails again, and may be back in the queue before the tool has counted what is left there.
    done = place.ops("redrive", "--json", finds=True)
    assert json.loads(done.stdout.splitlines()[-1])["redriven"] == 1
    place.stack.take_failed(event)


def test_every_alarm_rings_the_topic(place: Place) -> None:
    topic = place.stack.outputs["AlarmTopicArn"]
    pages = place.stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    ringing = [
        alarm["AlarmName"]
        for page in pages
        for alarm in page["MetricAlarms"]
        if topic in alarm["AlarmActions"]
    ]
    expected = [alarm.role for alarm in alarms(queue="q", function="f", table="t", timeout=15)]
    named = [name.removeprefix("file-metadata-monitoring-")[:-8] for name in ringing]
    # Extractor, audit and EventBridge have alarms of their own.
    assert set(expected) <= set(named)


def test_a_change_has_one_sequencer_in_its_notification_and_in_eventbridge(place: Place) -> None:
    """AWS does not say so. Where it holds, two sources may follow one another on one table."""
    name, key = f"file-metadata-{place.prefix.strip('/')}", "compared.txt"
    client, patience = place.stack.client, place.stack.patience
    try:
        with both_ways(client, name, patience) as queues:
            count = change_in_each_way(client, name, key)
            notified, sent = (received(client, url, key, count, patience) for url in queues)
    except ClientError as err:
        if "AccessDenied" not in err.response["Error"]["Code"]:
            raise
        pytest.skip(f"needs to make a bucket, two queues and a rule: {err}")
    compared = [[(one.event_name, one.sequencer) for one in way] for way in (notified, sent)]
    assert compared[0] == compared[1]


def test_the_bucket_is_closed_to_plain_http(place: Place) -> None:
    what = {"Bucket": place.stack.bucket, "Key": f"{place.prefix}plain.txt"}
    with pytest.raises(ClientError) as refused:
        place.plain_http.put_object(**what, Body=b"for all to read")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    place.stack.put(what["Key"])
