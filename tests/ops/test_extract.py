"""``ops extract``: what failed, waits or was never asked for is extracted again, nothing else."""

import csv
import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from attributes import EXTRACTION_ATTRIBUTES
from ops import extract as extracts
from ops.pace import Pace
from ops.rows import written
from ops.state import resume
from support.extractors import EXTRACTOR
from support.journeys import Deployed, Row
from support.tool import of, ops

BEFORE = "2026-01-01T00:00:00.000000Z"
FOUND = {"columns": ["a"], "share": 0.5, "rows": 3, "none": None}
AS_STORED = {
    "columns": {"L": [{"S": "a"}]},
    "share": {"N": "0.5"},
    "rows": {"N": "3"},
    "none": {"NULL": True},
}
STATES: dict[str, Any] = {
    "pending": {},
    "failed": {"extraction_error": {"S": "ValueError: bad"}, "extracted_at": {"S": BEFORE}},
    "done": {"extracted": {"M": AS_STORED}, "extracted_at": {"S": BEFORE}},
}


@pytest.fixture(scope="module")
def deployed(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="again", extractor=EXTRACTOR)


@pytest.fixture
def stack(deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """A stack with a row of each kind, and state files elsewhere.

    There is no object behind the rows, so that the extractor leaves them as they are.
    """
    monkeypatch.chdir(tmp_path)
    dynamodb = deployed.client("dynamodb")
    for item in dynamodb.scan(TableName=deployed.table)["Items"]:
        dynamodb.delete_item(TableName=deployed.table, Key={"file_key": item["file_key"]})
    for status in STATES:
        write(deployed, status, status)
    write(deployed, "old", None)
    write(deployed, "deleted", None, processing_status={"S": "deleted"})
    return deployed


def write(stack: Deployed, key: str, status: str | None, **more: Any) -> None:
    item = {
        "file_key": {"S": key},
        "processing_status": {"S": "completed"},
        "version_id": {"S": "v1"},
        "etag": {"S": "e1"},
        "file_size": {"N": "1"},
        "content_type": {"S": "text/csv"},
        "last_modified": {"S": BEFORE},
        "processed_at": {"S": BEFORE},
    }
    if status:
        item |= {"extraction": {"S": status}, **STATES[status]}
    stack.client("dynamodb").put_item(TableName=stack.table, Item=item | more)


def row(stack: Deployed, key: str) -> Row:
    found = stack.row(key)
    assert found is not None
    return found


def rows(stack: Deployed) -> dict[str, Row]:
    return {key: row(stack, key) for key in (*STATES, "old", "deleted")}


def asked(stack: Deployed, before: dict[str, Row]) -> set[str]:
    """The keys of rows that changed, each into what a request leaves."""
    changed = {key: new for key, new in rows(stack).items() if new != before[key]}
    for key, new in changed.items():
        assert new["extracted_at"] > BEFORE
        kept = {n: v for n, v in before[key].items() if n != "extraction_error"}
        assert new == kept | {"extraction": "pending", "extracted_at": new["extracted_at"]}
    return set(changed)


def run(stack: Deployed, command: str, *options: str, exits: int | None = 0) -> Result:
    return ops(command, *of(stack), *options, exits=exits)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ([], {"failed", "pending", "old"}),
        (["--status", "failed"], {"failed"}),
        (["--status", "done,failed"], {"done", "failed"}),
        (["--all"], {"failed", "pending", "old", "done"}),
        (["--all", "--prefix", "d"], {"done"}),
    ],
    ids=["default", "failed", "done,failed", "all", "prefix"],
)
def test_rows_are_asked_for_by_what_became_of_their_extraction(
    stack: Deployed, options: list[str], wanted: set[str]
) -> None:
    before = rows(stack)
    result = run(stack, "extract", "--json", *options)
    assert asked(stack, before) == wanted
    assert json.loads(result.stdout) == {
        "requested": len(wanted),
        "superseded": 0,
        "finished": True,
        "refused": "",
    }
    assert list(Path().iterdir()) == []


def test_the_extractor_reads_the_file_again(stack: Deployed) -> None:
    stack.put("poison.txt", b"poison ivy")
    first = stack.row_once("poison.txt", lambda row: row.get("extraction") == "failed")
    run(stack, "extract", "--prefix", "poison", "--status", "failed")
    again = stack.row_once(
        "poison.txt",
        lambda row: row["extraction"] == "failed" and row["extracted_at"] != first["extracted_at"],
    )
    assert again["extraction_error"] == "ValueError: poisoned ivy"


@dataclass
class Between(Pace):
    """Does something before each request."""

    act: Callable[[], None] = lambda: None

    def wait(self, count: int = 1) -> bool:
        self.act()
        return super().wait(count)


def extract(
    stack: Deployed,
    act: Callable[[threading.Event], None],
    ahead: timedelta = timedelta(),
) -> extracts.Report:
    """Run as the command does, with something between the read and each request.

    AWS's clock may be ahead of this machine's.
    """
    plan = extracts.Plan(table=stack.table, statuses=["failed", "pending"])
    path = Path(f"extract-{stack.table}.json")
    state = extracts.State(plan=plan, start=written(datetime.now(UTC) + ahead))
    state = resume(path, "extract", state)
    stop = threading.Event()
    pace = Between(1000, stop, act=lambda: act(stop))
    with pytest.MonkeyPatch.context() as patch:
        # All rows are read before the first request, so that each changes after it was read.
        patch.setattr("ops.rows.SEGMENTS", 1)
        return extracts.extract(state, path, stack.client("dynamodb"), pace, lambda _: None)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("failed", {"status": "failed", "version_id": {"S": "v2"}}),
        ("failed", {"status": "failed", "etag": {"S": "e2"}}),
        ("failed", {"status": "done"}),
        ("failed", {"status": None, "processing_status": {"S": "deleted"}}),
        ("old", {"status": None, "processing_status": {"S": "deleted"}}),
    ],
    ids=["version", "etag", "done", "deleted", "old and deleted"],
)
def test_a_row_that_changes_meanwhile_is_left_alone(
    stack: Deployed, key: str, change: dict[str, Any]
) -> None:
    report = extract(stack, lambda _: write(stack, key, **change))
    assert (report.finished, report.superseded) == (True, 1)
    write(stack, "expected", **change)
    assert row(stack, key) == row(stack, "expected") | {"file_key": key}


def test_after_an_interruption_a_run_goes_on_with_the_rest(stack: Deployed) -> None:
    before, turns = rows(stack), iter(range(10))
    report = extract(stack, lambda stop: stop.set() if next(turns) == 2 else None)
    assert not report.finished
    first = rows(stack)
    done = asked(stack, before)
    assert len(done) == 2
    later = written(datetime.now(UTC) + timedelta(minutes=1))
    write(stack, "failed since", "failed", extracted_at={"S": later})
    other = run(stack, "extract", "--status", "failed", exits=2)
    assert "belongs to another `extract`" in other.output
    output = run(stack, "extract").output
    assert "2 rows requested" in output
    assert "3 rows requested" in output
    assert asked(stack, before) == {"failed", "pending", "old"}
    assert {key: first[key] for key in done} == {key: row(stack, key) for key in done}
    assert row(stack, "failed since")["extraction"] == "failed"
    assert list(Path().iterdir()) == []
    run(stack, "extract", "--prefix", "failed since")
    assert row(stack, "failed since")["extraction"] == "pending"


def test_a_run_goes_on_though_this_machine_s_clock_is_slow(stack: Deployed) -> None:
    """Else it would ask again for what it has asked for."""
    before, turns = rows(stack), iter(range(10))
    hour = timedelta(hours=1)
    extract(stack, lambda stop: stop.set() if next(turns) == 2 else None, hour)
    first = rows(stack)
    done = asked(stack, before)
    assert len(done) == 2
    assert extract(stack, lambda _: None, hour).finished
    assert {key: first[key] for key in done} == {key: row(stack, key) for key in done}


def test_a_state_file_that_is_none_is_refused(stack: Deployed) -> None:
    Path("state").write_text("{}")
    result = run(stack, "extract", "--state", "state", exits=2)
    assert "must be the state of `extract`" in result.output
    run(stack, "extract", "--state", "state", "--restart")


def test_what_aws_refuses_ends_the_run_so_that_it_can_go_on(stack: Deployed) -> None:
    assert (
        "ended early: An error occurred" in run(stack, "extract", "--table", "none", exits=1).output
    )
    assert Path("extract-none.json").exists()


def test_without_an_extractor_nothing_is_asked_for(stack: Deployed) -> None:
    before = rows(stack)
    arn = stack.outputs["DynamoDBTableStreamArn"]
    [mapping] = stack.client("lambda").list_event_source_mappings(EventSourceArn=arn)[
        "EventSourceMappings"
    ]
    other = mapping["FunctionArn"]  # has no EXTRACTION, as the first of a stack without
    result = run(stack, "extract", "--function", other, exits=1)
    assert f"function {other!r} has no extractor" in result.output
    assert asked(stack, before) == set()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--status", "new"], "must be some of pending, failed, done, got 'new'"),
        (["--all", "--status", "done"], "--all and --status must not be given together"),
    ],
    ids=str,
)
def test_wrong_usage_is_named(options: list[str], told: str) -> None:
    result = ops("extract", "--table", "t", "--function", "f", *options, exits=2)
    assert told in " ".join(result.output.split())


def test_a_row_is_shown_with_what_was_found(stack: Deployed) -> None:
    assert json.loads(run(stack, "get", "--json", "done").stdout)["extracted"] == FOUND
    assert json.dumps(FOUND) in run(stack, "get", "done").output
    assert "ValueError: bad" in run(stack, "get", "failed").output


def test_a_list_has_the_columns_of_the_extraction_on_request(stack: Deployed) -> None:
    def table(*options: str) -> dict[str, dict[str, str]]:
        output = run(stack, "list", "--csv", *options).stdout
        return {line["file_key"]: line for line in csv.DictReader(io.StringIO(output))}

    assert not EXTRACTION_ATTRIBUTES.keys() & table()["done"].keys()
    found = table("--extraction")["done"]
    assert (found["extraction"], json.loads(found["extracted"])) == ("done", FOUND)
    assert "ValueError: bad" not in run(stack, "list").output
    assert "ValueError: bad" in run(stack, "list", "--extraction").output


def test_the_status_counts_what_became_of_the_extractions(stack: Deployed) -> None:
    found = json.loads(run(stack, "status", "--json", exits=None).stdout)["rows"]["extraction"]
    assert found == {
        "counts": {"done": 1, "failed": 1, "not asked for": 1, "pending": 1},
        "oldestPending": BEFORE,
    }
    told = (
        f"extraction: 1 done, 1 failed, 1 not asked for, 1 pending; oldest pending since {BEFORE}"
    )
    assert told in run(stack, "status", exits=None).output
