"""Whatever the order, number and overlap of deliveries, the table ends equal to the bucket."""

import itertools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from faults import FaultProxy
from handler_env import process_file
from histories import Histories, World
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from catalog import Catalog, Row, row
from events import Notification
from local.cloud import Cloud

PARTS = 2


@pytest.fixture(scope="module")
def world(cloud: Cloud, session_proxy: FaultProxy) -> World:
    bucket = table = queue = f"histories-{secrets.token_hex(4)}"
    s3, sqs = cloud("s3"), cloud("sqs")
    queue_url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    target = {
        "QueueArn": attributes["Attributes"]["QueueArn"],
        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
    }
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [target]}
    )
    cloud("dynamodb").create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "file_key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "file_key", "AttributeType": "S"}],
    )
    sqs.purge_queue(QueueUrl=queue_url)  # S3 has sent its test event
    handler = process_file(session_proxy)
    numbers = itertools.count()
    return World(s3, cloud("dynamodb"), sqs, handler, bucket, queue_url, table, numbers)


def run(world: World, histories: int, phases: Sequence[Phase], **attributes: Any) -> None:
    """Run so many histories; a counterexample raises."""
    machine = type("Histories", (Histories,), {"world": world, **attributes})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories,
            stateful_step_count=12,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=phases,
            report_multiple_bugs=False,
        ),
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_every_history_ends_with_table_and_bucket_equal(
    world: World, part: int, pytestconfig: pytest.Config
) -> None:
    histories = pytestconfig.getoption("--histories") // PARTS
    run(world, histories, [Phase.generate, Phase.shrink])


class Unconditional:
    """A DynamoDB client that drops the condition of each write."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb, self.exceptions = dynamodb, dynamodb.exceptions

    def put_item(self, **arguments: Any) -> Any:
        kept = {name: value for name, value in arguments.items() if not _is_condition(name)}
        return self._dynamodb.put_item(**kept)

    def get_item(self, **arguments: Any) -> Any:
        return self._dynamodb.get_item(**arguments)


def _is_condition(name: str) -> bool:
    return name in {"ConditionExpression", "ExpressionAttributeValues"}


def without_condition(catalog: Catalog) -> Catalog:
    return replace(catalog, dynamodb=Unconditional(catalog.dynamodb))


class Trusting(Catalog):
    """A catalog that takes an event at its word instead of looking."""

    def _look(self, announcement: Notification, sequencer: str) -> Row:
        if not announcement.event_name.startswith("ObjectRemoved"):
            return super()._look(announcement, sequencer)
        now = datetime.now(UTC)
        return row(announcement, None, sequencer=sequencer, region="", now=now, tombstone_days=1)


def trusting_the_event(catalog: Catalog) -> Catalog:
    return Trusting(**{field.name: getattr(catalog, field.name) for field in fields(catalog)})


@pytest.mark.parametrize("broken", [without_condition, trusting_the_event])
def test_a_broken_handler_has_a_counterexample(
    world: World, broken: Callable[[Catalog], Catalog]
) -> None:
    with pytest.raises(AssertionError, match="bucket"):
        run(world, 2000, [Phase.generate], catalog_of=staticmethod(broken))
