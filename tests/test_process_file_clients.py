"""The clients give up early enough for the function to say why it failed."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from botocore.config import Config
from botocore.exceptions import UnknownServiceError
from faults import FaultProxy
from handler_env import ACCOUNT, process_file, set_up
from recorder import ROOT

import clients
from local.cloud import Cloud
from pipeline.settings import Settings

MAX_BACKOFF = 20
"""Seconds; https://docs.aws.amazon.com/boto3/latest/guide/retries.html"""


@pytest.fixture(params=["s3", "dynamodb"])
def config(request: pytest.FixtureRequest, session_proxy: FaultProxy) -> Config:
    client_config: Config = getattr(process_file(session_proxy).CATALOG, request.param).meta.config
    return client_config


def is_accepted(timeout: int) -> bool:
    try:
        Settings(environment_suffix="dev", timeout=timeout)
    except ValueError:
        return False
    return True


def least_timeout() -> int:
    return next(timeout for timeout in range(901) if is_accepted(timeout))


def slowest_call(config: Config) -> float:
    """Seconds that one call takes when every attempt of it runs into its limits."""
    attempts: int = config.retries["total_max_attempts"]
    backoff = sum(min(2**retry, MAX_BACKOFF) for retry in range(attempts - 1))
    return attempts * (config.connect_timeout + config.read_timeout) + backoff


def test_a_records_two_calls_at_their_slowest_fit_in_the_least_timeout(config: Config) -> None:
    assert 2 * slowest_call(config) < least_timeout()


def test_no_timeout_is_refused_that_two_calls_would_fit_in(config: Config) -> None:
    assert least_timeout() - 1 <= 2 * slowest_call(config)


def test_retries_do_not_depend_on_boto3s_default(config: Config) -> None:
    assert config.retries["mode"] == "standard"


def test_every_record_under_way_has_a_connection(config: Config, session_proxy: FaultProxy) -> None:
    assert config.max_pool_connections >= process_file(session_proxy).CONCURRENCY


@pytest.mark.parametrize(
    "text", ["Sat, 14 Mar 2026 09:26:53 GMT", "2026-03-14T09:26:53Z", "1773480413"]
)
def test_a_time_is_read_in_each_form_that_aws_writes(text: str) -> None:
    """An object under lock has one in its answer that is not written as all others are."""
    assert clients._time(text).astimezone(UTC) == datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


def test_a_look_s_time_is_the_object_s(
    cloud: Cloud, session_proxy: FaultProxy, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = set_up(cloud, proxy, monkeypatch)
    bench.put("a")
    ours = bench.handler.CATALOG.s3.head_object(Bucket=bench.bucket, Key="a")
    theirs = cloud("s3").head_object(Bucket=bench.bucket, Key="a")
    assert ours["LastModified"] == theirs["LastModified"]
    assert ours["LastModified"].tzinfo is not None


def test_the_clients_name_themselves_to_aws(config: Config) -> None:
    assert config.user_agent.startswith("file-metadata-pipeline Botocore/")


def test_the_clients_know_no_other_service() -> None:
    with pytest.raises(UnknownServiceError):
        clients._Models().load_service_model("sqs", "service-2")


def test_the_collector_is_off_only_while_the_function_loads() -> None:
    """Cycles that records leave behind are collected: memory stays bounded."""
    code = (
        "import gc; seen = [];"
        "real = gc.enable; gc.enable = lambda: (seen.append(gc.isenabled()), real());"
        "import process_file; print(seen, gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    environment = {
        "PYTHONPATH": str(ROOT / "handler"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "S3_BUCKET_NAME": "b",
        "DYNAMODB_TABLE_NAME": "t",
        "DYNAMODB_TABLE_ARN": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t",
        "TOMBSTONE_DAYS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[False] True True\n"


def test_the_environment_names_bucket_table_owner_and_days(session_proxy: FaultProxy) -> None:
    catalog = process_file(session_proxy).CATALOG
    assert (catalog.bucket, catalog.table, catalog.account, catalog.tombstone_days) == (
        "named-in-environment",
        "table-named-in-environment",
        ACCOUNT,
        3,
    )
