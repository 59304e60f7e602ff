"""The function's calls give up early enough for it to say why it failed."""

import subprocess
import sys
from datetime import timedelta

import pytest

import connection
import service
from local.cloud import Cloud
from pipeline.settings import Settings
from support.faults import FaultProxy
from support.handler_env import ACCOUNT, Bench, process_file
from support.recorder import ROOT

ENVIRONMENT = {
    "PYTHONPATH": str(ROOT / "handler"),
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "S3_BUCKET_NAME": "b",
    "DYNAMODB_TABLE_NAME": "t",
    "DYNAMODB_TABLE_ARN": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t",
    "TOMBSTONE_DAYS": "1",
}


def is_accepted(timeout: int) -> bool:
    try:
        Settings(environment_suffix="dev", timeout=timeout)
    except ValueError:
        return False
    return True


def least_timeout() -> int:
    return next(timeout for timeout in range(901) if is_accepted(timeout))


def slowest_call() -> float:
    """Seconds that one call takes when every attempt of it runs into its limits."""
    attempt = connection.CONNECT_SECONDS + connection.READ_SECONDS
    return service.ATTEMPTS * attempt + (service.ATTEMPTS - 1) * service.MAX_BACKOFF_SECONDS


def test_a_records_two_calls_at_their_slowest_fit_in_the_least_timeout() -> None:
    assert 2 * slowest_call() < least_timeout()


def test_no_timeout_is_refused_that_two_calls_would_fit_in() -> None:
    assert least_timeout() - 1 <= 2 * slowest_call()


def start(endpoint: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Import the function in a process of its own, as Lambda does while a container starts."""
    code = "import process_file, sys; print(*sorted(sys.modules))"
    return subprocess.run(
        [sys.executable, "-c", code],
        env=ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_function_starts_where_nothing_answers() -> None:
    started = start("http://127.0.0.1:1")
    assert started.returncode == 0, started.stderr


def test_a_first_event_is_handled_though_no_connection_was_opened_at_the_start(
    bench: Bench,
) -> None:
    version = bench.put("first")
    bench.update("first")
    assert (bench.row("first") or {})["version_id"] == version


def test_nothing_is_imported_that_the_first_record_does_not_need() -> None:
    imported = set(start("http://127.0.0.1:1").stdout.split())
    assert imported & {"boto3", "botocore", "urllib3", "http.client", "email", "random"} == set()
    assert imported & {"concurrent.futures", "ssl"} == {"ssl"}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AWS_ACCESS_KEY_ID": ""}, "missing AWS_ACCESS_KEY_ID in the environment"),
        ({"AWS_ENDPOINT_URL": "", "AWS_REGION": "mars-1"}, "AWS_REGION must be a region of"),
    ],
)
def test_what_is_not_known_is_an_error_at_the_start(
    environment: dict[str, str], message: str
) -> None:
    started = start("http://127.0.0.1:1", **environment)
    assert started.returncode == 1
    assert message in started.stderr


def test_connections_are_open_before_the_first_event(
    cloud: Cloud, session_proxy: FaultProxy
) -> None:
    process_file(session_proxy)
    code = (
        "import process_file, socket\n"
        "def never(*_, **__): raise AssertionError('connected in the first event')\n"
        "socket.socket = never\n"
        "print(process_file.CATALOG.s3.head_object('none', checksum=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=ENVIRONMENT | {"AWS_ENDPOINT_URL": cloud.endpoint},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "None\n", done.stderr


def test_a_time_is_the_object_s(bench: Bench) -> None:
    bench.put("a")
    ours = bench.handler.CATALOG.s3.head_object("a", checksum=True)
    theirs = bench.cloud("s3").head_object(Bucket=bench.bucket, Key="a")
    assert ours["LastModified"] == theirs["LastModified"]
    assert ours["LastModified"].utcoffset() == timedelta(0)


def test_the_environment_names_bucket_table_owner_and_days(session_proxy: FaultProxy) -> None:
    catalog = process_file(session_proxy).CATALOG
    assert (catalog.bucket, catalog.table, catalog.s3.owner, catalog.tombstone_days) == (
        "named-in-environment",
        "table-named-in-environment",
        ACCOUNT,
        3,
    )
