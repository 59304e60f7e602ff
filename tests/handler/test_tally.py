"""At prod's log level the counts still arrive: few lines, and every record in one of them."""

import logging
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import tally
from support.handler_env import EARLIER, NEWER, Bench
from tally import Tally


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(tally, "time", clock)
    return clock


@pytest.fixture
def counting(clock: Clock) -> Tally:
    return Tally(logging.getLogger("process_file"))


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of each line that was logged."""
    return [vars(record) for record in caplog.records]


def counts(caplog: pytest.LogCaptureFixture) -> Counter[str]:
    total: Counter[str] = Counter()
    for line in told(caplog):
        total[line["outcome"]] += line["count"]
    return total


def test_the_first_record_is_told_at_once(
    counting: Tally, caplog: pytest.LogCaptureFixture
) -> None:
    counting.add("completed", 12)
    [line] = told(caplog)
    assert (line["outcome"], line["count"], line["lag_ms"]) == ("completed", 1, 12)
    assert line["levelname"] == "WARNING"


def test_the_next_records_wait_until_there_are_a_hundred(
    counting: Tally, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        counting.add("completed", 1)
    assert len(told(caplog)) == 1
    counting.add("completed", 1)
    assert [line["count"] for line in told(caplog)] == [1, 100]


def test_a_record_after_a_minute_brings_out_what_waits(
    counting: Tally, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    for seconds in (0, 1, 58.9, 0.1):
        clock.now += seconds
        counting.add("completed", 1)
    assert [line["count"] for line in told(caplog)] == [1, 3]


def test_each_outcome_has_a_line_and_its_own_lag(
    counting: Tally, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    counting.add("completed", 1)
    counting.add("completed", 900)
    counting.add("deleted", 5)
    clock.now += 60
    counting.add("completed", 20)
    lines = {(line["outcome"], line["count"], line["lag_ms"]) for line in told(caplog)[1:]}
    assert lines == {("completed", 2, 20), ("deleted", 1, 5)}


def test_threads_lose_no_count(
    counting: Tally, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: counting.add("completed", 1), range(5_000)))
    finally:
        sys.setswitchinterval(often)
    clock.now += 60
    counting.add("completed", 1)
    assert counts(caplog) == {"completed": 5_001}


@pytest.fixture
def bench(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(bench.handler, "TALLY", Tally(bench.handler.LOG))
    return bench


def test_at_warning_the_function_counts_what_it_does_not_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.put("a")
    records = [bench.record("a"), *(bench.record(f"gone-{n}") for n in range(100))]
    for record in records:
        bench.handle(record)
    assert counts(caplog) == {"completed": 1, "deleted": 100}
    assert len(told(caplog)) == 2
    assert all(line["lag_ms"] > 0 for line in told(caplog))
    assert not any("file_key" in line for line in told(caplog))


def test_at_warning_a_stale_record_has_a_line_of_its_own(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.update("known", NEWER)
    bench.handle(bench.record("known", EARLIER[:18]))
    [line] = told(caplog)
    assert (line["levelname"], line["count"]) == ("WARNING", 1)
    assert (line["outcome"], line["file_key"]) == ("stale", "known")
