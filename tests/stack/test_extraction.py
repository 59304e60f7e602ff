"""From upload to what is inside: a stack with an extractor, driven over HTTP.

The emulator hands over one record at a time, retries without end, and heeds the record's age
alone: the mapping's other limits are tested as they are declared.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.extractors import EXTRACTOR
from support.faults import Fault, FaultProxy
from support.journeys import Deployed, Row

RESULTS = {"extracted", "extraction_error"}


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed], session_proxy: FaultProxy) -> Deployed:
    """A stack whose extractor reaches AWS through the fault proxy."""
    stack = deploy(environmentSuffix="extraction", extractor=EXTRACTOR, extractorTimeout="20")
    stack.configure(mapping(stack)["FunctionArn"], AWS_ENDPOINT_URL=session_proxy.endpoint)
    return stack


def mapping(stack: Deployed) -> dict[str, Any]:
    arn = stack.outputs["DynamoDBTableStreamArn"]
    found = stack.client("lambda").list_event_source_mappings(EventSourceArn=arn)
    [described] = found["EventSourceMappings"]
    mapping: dict[str, Any] = described
    return mapping


def extracted(stack: Deployed, key: str, version: str) -> Row:
    """A key's row, once it has a result for a version."""
    return stack.row_once(
        key, lambda row: row.get("version_id") == version and row["extraction"] != "pending"
    )


def assert_found(row: Row, version: str, word: str) -> None:
    assert row["extraction"] == "done"
    size = row["file_size"]
    assert row["extracted"] == {"word": word, "size": size, "version": version}
    assert row["extracted_at"] > row["processed_at"]
    assert "extraction_error" not in row


def test_a_version_that_is_overwritten_while_it_is_read_leaves_nothing(
    stack: Deployed, tmp_path: Path
) -> None:
    old = stack.put("twice.txt", f"hold {tmp_path}".encode())
    stack.eventually((tmp_path / "begun").exists, lambda: "extraction that has begun")
    new = stack.put("twice.txt", b"newer")
    waiting = stack.completed("twice.txt", new)
    assert waiting["extraction"] == "pending"
    assert not RESULTS & waiting.keys()
    (tmp_path / "go").touch()
    row = extracted(stack, "twice.txt", new)
    assert old != new
    assert_found(row, new, "newer")


def test_a_deletion_takes_the_result_along_and_an_undelete_brings_it_back(stack: Deployed) -> None:
    version = stack.put("gone.txt", b"back")
    extracted(stack, "gone.txt", version)
    marker = stack.delete("gone.txt")
    tombstone = stack.deleted("gone.txt")
    assert not {name for name in tombstone if name.startswith("extract")}
    stack.delete("gone.txt", version_id=marker)
    assert_found(extracted(stack, "gone.txt", version), version, "back")


def test_a_good_version_takes_the_failure_of_the_one_before_away(stack: Deployed) -> None:
    extracted(stack, "cured.txt", stack.put("cured.txt", b"poison ivy"))
    version = stack.put("cured.txt", b"cured")
    assert_found(extracted(stack, "cured.txt", version), version, "cured")


@pytest.mark.parametrize("operation", ["GetObject", "UpdateItem"])
def test_a_service_that_fails_for_seconds_costs_no_result(
    stack: Deployed, proxy: FaultProxy, operation: str
) -> None:
    proxy.fail(operation, Fault(status=503))
    version = stack.put(f"{operation}.txt", b"hello")
    # More calls than one invocation makes.
    stack.eventually(lambda: len(proxy.hits) > 3, lambda: f"failed {operation}")
    assert stack.completed(f"{operation}.txt", version)["extraction"] == "pending"
    proxy.heal()
    assert_found(extracted(stack, f"{operation}.txt", version), version, "hello")


def test_a_file_that_never_ends_is_given_up_and_stays_pending(stack: Deployed) -> None:
    source = mapping(stack)
    stack.configure(source["FunctionArn"], timeout=1)
    limited = {"UUID": source["UUID"], "MaximumRecordAgeInSeconds": 1}
    stack.client("lambda").update_event_source_mapping(**limited)
    try:
        endless = stack.put("endless.txt", b"endless")
        stack.completed("endless.txt", endless)
        behind = stack.put("behind.txt", b"behind")
        assert_found(extracted(stack, "behind.txt", behind), behind, "behind")
        row = stack.row("endless.txt")
        assert row is not None
        assert row["extraction"] == "pending"
    finally:
        stack.configure(source["FunctionArn"], timeout=20)
        stack.client("lambda").update_event_source_mapping(
            **limited | {"MaximumRecordAgeInSeconds": 21600}
        )


@pytest.mark.parametrize("files", [30, pytest.param(1000, marks=pytest.mark.soak)])
def test_one_poisoned_file_among_many_is_the_only_one_that_fails(
    stack: Deployed, files: int
) -> None:
    keys = [f"many-{files}/{number}" for number in range(files)]
    poisoned = keys[files // 3]
    versions = {}
    for key in keys:
        versions[key] = stack.put(key, b"poison ivy" if key == poisoned else b"fine")
        # One at a time: the emulator starts a process for each event that comes meanwhile.
        stack.completed(key, versions[key])
    rows = {key: extracted(stack, key, version) for key, version in versions.items()}
    assert {key for key, row in rows.items() if row["extraction"] == "failed"} == {poisoned}
    failed = rows.pop(poisoned)
    assert failed["processing_status"] == "completed"
    assert failed["extraction_error"] == "ValueError: poisoned ivy"
    assert "extracted" not in failed
    for key, row in rows.items():
        assert_found(row, versions[key], "fine")


def test_the_extractor_hears_of_pending_rows_alone(stack: Deployed, proxy: FaultProxy) -> None:
    """Its own write, and a tombstone's, do not come back to it."""
    extracted(stack, "quiet.txt", stack.put("quiet.txt", b"quiet"))
    stack.delete("quiet.txt")
    stack.deleted("quiet.txt")
    extracted(stack, "after.txt", stack.put("after.txt", b"after"))
    assert proxy.calls == ["GetObject", "UpdateItem"] * 2
