"""The function in a process of its own, from an archive's folder, as Lambda starts it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.extractor_env import waiting
from support.large_object import ETAG, VERSION, large_object
from support.recorder import ROOT

GIGABYTE = 1024**3
MEMORY = 256 * 1024**2
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "S3_BUCKET_NAME": "b",
    "DYNAMODB_TABLE_NAME": "t",
    "DYNAMODB_TABLE_ARN": "arn:aws:dynamodb:us-east-1:123456789012:table/t",
}
RUN = f"""
import resource, sys, json
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
import extract_file
print(extract_file.lambda_handler(json.load(sys.stdin), None))
"""
READS_ALL = """
def extract(file):
    size = 0
    with file.open() as stream:
        while part := stream.read(1 << 20):
            size += len(part)
    return {"size": size}
"""
HOLDS_ALL = """
def extract(file):
    return {"size": len(file.open().read())}
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder as the declared archive has it, its extractor not yet written."""
    for name in ("handler", "extractor"):
        for path in (ROOT / name).glob("*.py"):
            shutil.copy(path, tmp_path)
    (tmp_path / "user").mkdir()
    return tmp_path


def run(
    archive: Path, code: str, size: int, endpoint: str = "http://127.0.0.1:1", program: str = RUN
) -> "subprocess.CompletedProcess[str]":
    (archive / "user" / "extract.py").write_text(code)
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=archive,
        env=ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint},
        input=json.dumps({"Records": [waiting("k", size, VERSION, ETAG)]}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_object_of_one_gb_is_read_in_256_mb(archive: Path) -> None:
    with large_object(GIGABYTE) as large:
        done = run(archive, READS_ALL, GIGABYTE, large.endpoint)
    assert done.stdout == "{'done': 1}\n", done.stderr
    assert set(large.requests) == {f"/b/k?versionId={VERSION}"}
    [written] = large.written
    assert written["ExpressionAttributeValues"][":value"] == {"M": {"size": {"N": str(GIGABYTE)}}}


def test_an_extractor_that_holds_more_than_memory_fails_by_itself(archive: Path) -> None:
    with large_object(GIGABYTE) as large:
        done = run(archive, HOLDS_ALL, GIGABYTE, large.endpoint)
    assert done.stdout == "{'failed': 1}\n", done.stderr
    [written] = large.written
    assert written["ExpressionAttributeValues"][":value"]["S"].startswith("MemoryError")


def test_it_starts_where_nothing_answers_and_its_own_modules_come_first(archive: Path) -> None:
    """The archive's folder is on the path before a user's, which is put there last."""
    code = "import result\nassert result.MAX_BYTES\nextract = None"
    (archive / "user" / "result.py").write_text("raise AssertionError('theirs')")
    program = (
        "import extract_file, sys; print(sys.path[0]); print(extract_file.EXTRACTIONS.extract)"
    )
    done = run(archive, code, 0, program=program)
    assert done.stdout == f"{archive / 'user'}\nNone\n", done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "logging.getLogger().setLevel(logging.CRITICAL)",
        "logging.disable(logging.CRITICAL)",
        "logging.basicConfig(force=True)",
        "logging.config.dictConfig({'version': 1})",
        "logging.getLogger().handlers[0].setFormatter(logging.Formatter('%(message)s'))",
    ],
    ids=["level", "disable", "force", "dictConfig", "formatter"],
)
@pytest.mark.parametrize("when", ["as it loads", "for each file"])
def test_what_an_extractor_does_to_logging_hides_no_outcome(
    archive: Path, code: str, when: str
) -> None:
    """The metrics, and so the alarms, are read from the log."""
    program = (
        "import logging, sys\n"
        "handler = logging.StreamHandler(sys.stdout)\n"
        "handler.setFormatter(logging.Formatter('%(levelname)s %(outcome)s %(count)s'))\n"
        f"logging.getLogger().addHandler(handler)\n{RUN}"
    )
    first, each = (code, "pass") if when == "as it loads" else ("", code)
    written = f"import logging.config\n{first}\ndef extract(_):\n    {each}\n    raise ValueError"
    with large_object(0) as server:
        done = run(archive, written, 0, server.endpoint, program)
    assert done.stdout == "WARNING failed 1\n{'failed': 1}\n", done.stderr


def test_a_module_of_the_user_s_takes_no_place_of_one_that_a_failing_call_needs(
    archive: Path,
) -> None:
    (archive / "user" / "random.py").write_text("")
    done = run(archive, READS_ALL, 1)
    assert "CallError: s3 did not answer GetObject: ConnectionRefusedError" in done.stderr
    assert "random" not in done.stderr


FORKS = """
import os
def extract(file):
    child = os.fork()
    if not child:
        file.open().read()
        os._exit(0)
    os.waitpid(child, 0)
    return {"size": len(file.open().read())}
"""


def test_a_process_that_an_extractor_forks_has_connections_of_its_own(archive: Path) -> None:
    """On one that both had, each could read what the other asked for."""
    with large_object(1000) as server:
        done = run(archive, FORKS, 1000, server.endpoint)
    assert done.stdout == "{'done': 1}\n", done.stderr
    _s3, _dynamodb, _child = server.connections


def test_nothing_is_imported_that_costs_a_start(archive: Path) -> None:
    program = "import extract_file, sys; print(*sys.modules)"
    done = run(archive, READS_ALL, 0, program=program)
    imported = set(done.stdout.split())
    assert imported & {"boto3", "botocore", "urllib3", "http.client", "email"} == set(), done.stderr
    assert {"extract", "extract_file"} <= imported
