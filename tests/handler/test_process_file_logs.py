"""One structured line a record, whatever became of it."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from fields import EventError
from service import RefusedError
from support.faults import Fault, FaultProxy
from support.handler_env import EARLIER, NEWER, Bench, load

PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@pytest.fixture
def lines() -> Iterator[list[logging.LogRecord]]:
    """What the handler logs from now on, at the level of a stack that logs everything of note."""
    kept: list[logging.LogRecord] = []
    keeper = logging.Handler()
    keeper.emit = kept.append
    logger = logging.getLogger("process_file")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(keeper)
    yield kept
    logger.removeHandler(keeper)
    logger.setLevel(level)


class AsJson(logging.Formatter):
    """Writes a record as Lambda's runtime does: its message and its extra fields, as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in vars(record).items() if name not in PLAIN}
        return json.dumps({"level": record.levelname, "message": record.getMessage()} | extra)


def test_a_completed_record_is_logged_with_what_counts_it(
    bench: Bench, lines: list[logging.LogRecord]
) -> None:
    bench.put("a b")
    bench.handle(bench.record("a+b", NEWER[:18]))
    [line] = [json.loads(AsJson().format(record)) for record in lines]
    assert line.pop("lag_ms") > 0
    assert line == {
        "level": "INFO",
        "message": "completed",
        "file_key": "a b",
        "outcome": "completed",
        "count": 1,
    }


def test_a_deletion_is_logged_as_information(bench: Bench, lines: list[logging.LogRecord]) -> None:
    bench.handle(bench.record("gone"))
    assert [(line.levelname, vars(line)["outcome"]) for line in lines] == [("INFO", "deleted")]


def test_a_stale_record_is_logged_as_a_warning(
    bench: Bench, lines: list[logging.LogRecord]
) -> None:
    bench.update("known", NEWER)
    bench.handle(bench.record("known", EARLIER[:18]))
    assert [(line.levelname, vars(line)["outcome"]) for line in lines] == [("WARNING", "stale")]


@pytest.mark.parametrize("broken", [False, True], ids=["refused", "malformed"])
def test_a_failed_record_is_logged_as_an_error_with_its_exception(
    bench: Bench, lines: list[logging.LogRecord], broken: bool
) -> None:
    record = bench.record("bad%20one")
    if broken:
        del record["eventTime"]
    bench.proxy.fail("HeadObject", Fault(status=403, code="AccessDenied"))
    with pytest.raises(bench.handler.RecordsError):
        bench.handle(record)
    [line] = lines
    assert (line.levelname, vars(line)["outcome"], vars(line)["file_key"]) == (
        "ERROR",
        "failed",
        "bad one",
    )
    assert line.exc_info is not None
    assert line.exc_info[0] is (EventError if broken else RefusedError)


def test_every_record_of_an_event_has_one_line(
    bench: Bench, lines: list[logging.LogRecord]
) -> None:
    records = [bench.record(f"file-{number}") for number in range(5)]
    del records[2]["eventTime"]
    with pytest.raises(bench.handler.RecordsError):
        bench.handle(*records)
    logged = sorted((vars(line)["file_key"], vars(line)["outcome"]) for line in lines)
    outcomes = ["deleted", "deleted", "failed", "deleted", "deleted"]
    assert logged == [(f"file-{number}", outcome) for number, outcome in enumerate(outcomes)]


def test_the_lag_is_the_milliseconds_since_the_event(
    bench: Bench, lines: list[logging.LogRecord]
) -> None:
    before = datetime.now(UTC)
    event_time = before - timedelta(hours=1)
    bench.handle(bench.record("gone", eventTime=event_time.isoformat()))
    most = (datetime.now(UTC) - event_time) // timedelta(milliseconds=1)
    [line] = lines
    assert 3_600_000 <= vars(line)["lag_ms"] <= most


def test_an_event_without_a_sequencer_is_logged_without_one(
    bench: Bench, lines: list[logging.LogRecord]
) -> None:
    record = load("lifecycle_delete")["Records"][0]
    record["s3"]["bucket"]["name"] = bench.bucket
    bench.proxy.fail("HeadObject", Fault(status=403))
    with pytest.raises(bench.handler.RecordsError):
        bench.handle(record)
    assert [vars(line)["sequencer"] for line in lines] == [None]


@pytest.mark.parametrize("broken", [False, True], ids=["written", "failed"])
def test_a_key_with_a_newline_forges_no_line(
    bench: Bench, lines: list[logging.LogRecord], broken: bool
) -> None:
    record = bench.record("a%0A%7B%22level%22%3A%22ERROR%22%7D")
    if broken:
        record["s3"]["bucket"]["name"] = "another"
        with pytest.raises(bench.handler.RecordsError):
            bench.handle(record)
    else:
        bench.handle(record)
    [line] = lines
    assert "\n" not in line.getMessage()
    assert len(AsJson().format(line).splitlines()) == 1
    assert vars(line)["file_key"] == 'a\n{"level":"ERROR"}'


def test_a_failed_record_that_could_be_read_is_logged_with_all_that_names_it(
    bench: Bench, lines: list[logging.LogRecord], proxy: FaultProxy
) -> None:
    proxy.fail("HeadObject", Fault(status=403))
    with pytest.raises(Exception, match="1 of 1 records failed"):
        bench.handle(bench.record("a+b", NEWER[:18]))
    [line] = [json.loads(AsJson().format(record)) for record in lines]
    assert line.pop("lag_ms") > 0
    assert line == {
        "level": "ERROR",
        "message": "failed",
        "file_key": "a b",
        "outcome": "failed",
        "count": 1,
        "event_name": "ObjectCreated:Put",
        "sequencer": NEWER,
    }


def test_no_credential_is_logged_at_the_finest_level(
    bench: Bench, caplog: pytest.LogCaptureFixture, proxy: FaultProxy
) -> None:
    """Lambda sets the root logger to the stack's level."""
    proxy.fail("HeadObject", Fault(status=403))
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception, match="records failed"):
        bench.handle(bench.record("any"))
    assert {record.name for record in caplog.records} == {"process_file"}
    assert "Signature=" not in caplog.text
    assert proxy.received[0].headers["authorization"].partition("Signature=")[2] not in caplog.text


def test_a_notification_is_logged_before_s3_is_read_at_the_finest_level(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        bench.handle(bench.record("any"))
    assert [record.getMessage() for record in caplog.records] == ["received", "deleted"]
