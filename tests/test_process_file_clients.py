"""The clients give up early enough for the function to say why it failed."""

import pytest
from botocore.config import Config
from faults import FaultProxy
from handler_env import ACCOUNT, process_file

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


def test_the_environment_names_bucket_table_owner_and_days(session_proxy: FaultProxy) -> None:
    catalog = process_file(session_proxy).CATALOG
    assert (catalog.bucket, catalog.table, catalog.account, catalog.tombstone_days) == (
        "named-in-environment",
        "table-named-in-environment",
        ACCOUNT,
        3,
    )
