"""At prod's log level the counts still arrive: few lines, and every record in one of them."""

import logging
import sys
from collections import Counter
from collections.abc import Iterator
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
def told() -> Iterator[list[dict[str, Any]]]:
    """What was logged from now on, at WARNING: the fields of each line."""
    lines: list[dict[str, Any]] = []
    keeper = logging.Handler()
    keeper.emit = lambda record: lines.append(vars(record))
    logger = logging.getLogger("process_file")
    level = logger.level
    logger.setLevel(logging.WARNING)
    logger.addHandler(keeper)
    yield lines
    logger.removeHandler(keeper)
    logger.setLevel(level)


@pytest.fixture
def counting(clock: Clock, told: list[dict[str, Any]]) -> Tally:
    return Tally(logging.getLogger("process_file"))


def counts(told: list[dict[str, Any]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for line in told:
        total[line["outcome"]] += line["count"]
    return total


def test_the_first_record_is_told_at_once(counting: Tally, told: list[dict[str, Any]]) -> None:
    counting.add("completed", 12)
    [line] = told
    assert (line["outcome"], line["count"], line["lag_ms"]) == ("completed", 1, 12)
    assert line["levelname"] == "WARNING"


def test_the_next_records_wait_until_there_are_a_hundred(
    counting: Tally, told: list[dict[str, Any]]
) -> None:
    for _ in range(100):
        counting.add("completed", 1)
    assert len(told) == 1
    counting.add("completed", 1)
    assert [line["count"] for line in told] == [1, 100]


def test_a_record_after_a_minute_brings_out_what_waits(
    counting: Tally, told: list[dict[str, Any]], clock: Clock
) -> None:
    for seconds in (0, 1, 58.9, 0.1):
        clock.now += seconds
        counting.add("completed", 1)
    assert [line["count"] for line in told] == [1, 3]


def test_each_outcome_has_a_line_and_its_own_lag(
    counting: Tally, told: list[dict[str, Any]], clock: Clock
) -> None:
    counting.add("completed", 1)
    counting.add("completed", 900)
    counting.add("deleted", 5)
    clock.now += 60
    counting.add("completed", 20)
    lines = {(line["outcome"], line["count"], line["lag_ms"]) for line in told[1:]}
    assert lines == {("completed", 2, 20), ("deleted", 1, 5)}


def test_no_record_is_counted_twice(
    counting: Tally, told: list[dict[str, Any]], clock: Clock
) -> None:
    for number in range(1000):
        counting.add("deleted" if number % 3 else "completed", 1)
    clock.now += 60
    counting.add("completed", 1)
    assert counts(told) == {"completed": 335, "deleted": 666}


def test_threads_lose_no_count(counting: Tally, told: list[dict[str, Any]], clock: Clock) -> None:
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: counting.add("completed", 1), range(5_000)))
    finally:
        sys.setswitchinterval(often)
    clock.now += 60
    counting.add("completed", 1)
    assert counts(told) == {"completed": 5_001}


@pytest.fixture
def bench(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(bench.handler, "TALLY", Tally(bench.handler.LOG))
    return bench


def test_at_warning_the_function_counts_what_it_does_not_log(
    bench: Bench, told: list[dict[str, Any]]
) -> None:
    bench.put("a")
    records = [bench.record("a"), *(bench.record(f"gone-{n}") for n in range(100))]
    for record in records:
        bench.handle(record)
    assert counts(told) == {"completed": 1, "deleted": 100}
    assert len(told) == 2
    assert all(line["lag_ms"] > 0 for line in told)
    assert not any("file_key" in line for line in told)


def test_at_warning_a_stale_record_has_a_line_of_its_own(
    bench: Bench, told: list[dict[str, Any]]
) -> None:
    bench.update("known", NEWER)
    bench.handle(bench.record("known", EARLIER[:18]))
    [line] = told
    assert (line["outcome"], line["count"], line["file_key"]) == ("stale", 1, "known")


def test_records_of_one_event_are_all_counted(bench: Bench, told: list[dict[str, Any]]) -> None:
    bench.handle(*(bench.record(f"gone-{number}") for number in range(101)))
    assert counts(told) == {"deleted": 101}
