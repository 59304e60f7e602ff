"""The function's calls give up early enough for it to say why it failed."""

import math
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


def test_a_records_two_calls_at_their_slowest_just_fit_in_the_least_timeout() -> None:
    attempt = connection.CONNECT_SECONDS + connection.READ_SECONDS
    call = service.ATTEMPTS * attempt + (service.ATTEMPTS - 1) * service.MAX_BACKOFF_SECONDS
    least = math.floor(2 * call) + 1
    Settings(environment_suffix="dev", timeout=least)
    with pytest.raises(ValueError, match="timeout"):
        Settings(environment_suffix="dev", timeout=least - 1)


def start(
    code: str, endpoint: str = "http://127.0.0.1:1", **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run code in a process of its own, as Lambda does while a container starts."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_is_imported_that_the_first_record_does_not_need() -> None:
    started = start("import process_file, sys; print(*sorted(sys.modules))")
    assert started.returncode == 0, started.stderr
    imported = set(started.stdout.split())
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
    started = start("import process_file", **environment)
    assert started.returncode == 1
    assert message in started.stderr


def test_connections_are_open_before_the_first_event(cloud: Cloud) -> None:
    code = (
        "import process_file, socket\n"
        "def never(*_, **__): raise AssertionError('connected in the first event')\n"
        "socket.socket = never\n"
        "print(process_file.CATALOG.s3.head_object('none', checksum=True))"
    )
    started = start(code, cloud.endpoint)
    assert started.stdout == "None\n", started.stderr


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
