"""One structured line a record, whatever became of it."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fields import EventError
from service import RefusedError
from support.faults import Fault, FaultProxy
from support.handler_env import NEWER, Bench, load

PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Logs at the level of a stack that logs everything of note."""
    caplog.set_level(logging.INFO)
    return caplog


def logged(record: logging.LogRecord) -> dict[str, Any]:
    """A line's level, message and extra fields."""
    extra = {name: value for name, value in vars(record).items() if name not in PLAIN}
    return {"level": record.levelname, "message": record.getMessage()} | extra


def test_a_completed_record_is_logged_with_what_counts_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.put("a b")
    bench.handle(bench.record("a+b", NEWER[:18]))
    line = logged(*caplog.records)
    assert line.pop("lag_ms") > 0
    assert line == {
        "level": "INFO",
        "message": "completed",
        "file_key": "a b",
        "outcome": "completed",
        "count": 1,
    }


@pytest.mark.parametrize("broken", [False, True], ids=["refused", "malformed"])
def test_a_failed_record_is_logged_as_an_error_with_its_exception(
    bench: Bench, caplog: pytest.LogCaptureFixture, broken: bool
) -> None:
    record = bench.record("bad%20one")
    if broken:
        del record["eventTime"]
    bench.proxy.fail("HeadObject", Fault(status=403, code="AccessDenied"))
    with pytest.raises(bench.handler.RecordsError):
        bench.handle(record)
    [line] = caplog.records
    assert (line.levelname, vars(line)["outcome"], vars(line)["file_key"]) == (
        "ERROR",
        "failed",
        "bad one",
    )
    assert line.exc_info is not None
    assert line.exc_info[0] is (EventError if broken else RefusedError)


def test_every_record_of_an_event_has_one_line(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    records = [bench.record(f"file-{number}") for number in range(5)]
    del records[2]["eventTime"]
    with pytest.raises(bench.handler.RecordsError):
        bench.handle(*records)
    logged = sorted((vars(line)["file_key"], vars(line)["outcome"]) for line in caplog.records)
    outcomes = ["deleted", "deleted", "failed", "deleted", "deleted"]
    assert logged == [(f"file-{number}", outcome) for number, outcome in enumerate(outcomes)]


def test_the_lag_is_the_milliseconds_since_the_event(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    before = datetime.now(UTC)
    event_time = before - timedelta(hours=1)
    bench.handle(bench.record("gone", eventTime=event_time.isoformat()))
    most = (datetime.now(UTC) - event_time) // timedelta(milliseconds=1)
    [line] = caplog.records
    assert 3_600_000 <= vars(line)["lag_ms"] <= most


def test_an_event_without_a_sequencer_is_logged_without_one(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    record = load("lifecycle_delete")["Records"][0]
    record["s3"]["bucket"]["name"] = bench.bucket
    bench.proxy.fail("HeadObject", Fault(status=403))
    with pytest.raises(bench.handler.RecordsError):
        bench.handle(record)
    assert [vars(line)["sequencer"] for line in caplog.records] == [None]


def test_a_failed_record_that_could_be_read_is_logged_with_all_that_names_it(
    bench: Bench, caplog: pytest.LogCaptureFixture, proxy: FaultProxy
) -> None:
    proxy.fail("HeadObject", Fault(status=403))
    with pytest.raises(Exception, match="1 of 1 records failed"):
        bench.handle(bench.record("a+b", NEWER[:18]))
    line = logged(*caplog.records)
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


def test_a_notification_is_logged_before_s3_is_read_at_the_finest_level(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        bench.handle(bench.record("any"))
    assert [record.getMessage() for record in caplog.records] == ["received", "deleted"]
