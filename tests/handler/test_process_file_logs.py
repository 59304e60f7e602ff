"""One structured line a record, whatever became of it."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fields import EventError
from service import RefusedError
from support.faults import Fault
from support.handler_env import NEWER, Bench

EXPIRED = "LifecycleExpiration:Delete"
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


@pytest.mark.parametrize(
    ("changed", "names", "error"),
    [
        ({}, {"event_name": "ObjectCreated:Put", "sequencer": NEWER}, RefusedError),
        ({"eventName": EXPIRED}, {"event_name": EXPIRED, "sequencer": None}, RefusedError),
        ({"eventTime": "no time"}, None, EventError),
    ],
    ids=["refused", "without a sequencer", "malformed"],
)
def test_a_failed_record_is_logged_as_an_error_with_its_exception_and_all_that_names_it(
    bench: Bench,
    caplog: pytest.LogCaptureFixture,
    changed: dict[str, str],
    names: dict[str, str | None] | None,
    error: type[Exception],
) -> None:
    bench.proxy.fail("HeadObject", Fault(status=403, code="AccessDenied"))
    with pytest.raises(bench.handler.RecordsError):
        bench.handle(bench.record("bad%20one", NEWER[:18], **changed))
    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is error
    line = logged(record)
    assert names is None or line.pop("lag_ms") > 0
    assert line == {
        "level": "ERROR",
        "message": "failed",
        "file_key": "bad one",
        "outcome": "failed",
        "count": 1,
        **(names or {}),
    }


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


def test_a_notification_is_logged_before_s3_is_read_at_the_finest_level(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        bench.handle(bench.record("any"))
    assert [record.getMessage() for record in caplog.records] == ["received", "deleted"]
