"""Whatever the order, number and overlap of deliveries, the table ends equal to the bucket."""

import itertools
import secrets

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from local.cloud import Cloud
from support.faults import FaultProxy
from support.handler_env import process_file
from support.histories import Histories, World

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


@pytest.mark.parametrize("part", range(PARTS))
def test_every_history_ends_with_table_and_bucket_equal(
    world: World, part: int, pytestconfig: pytest.Config
) -> None:
    run_state_machine_as_test(
        type("Histories", (Histories,), {"world": world}),
        settings=settings(
            max_examples=pytestconfig.getoption("--histories") // PARTS,
            stateful_step_count=12,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
        ),
    )
