"""The simulation of a large load keeps AWS's rules, and loses nothing on its way."""

import json
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.cost import markdown, replaced
from bench.simulate import (
    LONGEST_AGE,
    LONGEST_BACKOFF,
    RETRY_SECONDS,
    SCENARIOS,
    Group,
    Load,
    Run,
    first_limit,
    limits,
    main,
    simulate,
    summary,
)
from pipeline.processor import MAXIMUM_EVENT_AGE_SECONDS, RETRIES
from support.recorder import ROOT

PAGE = ROOT / "docs" / "cost.md"
loads = st.builds(
    Load,
    rate=st.integers(1, 30_000),
    seconds=st.integers(1, 30),
    duration_ms=st.floats(1, 300),
    spread=st.floats(0, 1),
    failures=st.floats(0, 0.3),
    concurrency=st.integers(100, 5_000),
    reserved=st.none() | st.integers(50, 1_000),
    table_writes=st.integers(1_000, 40_000),
    hot_share=st.sampled_from([0.0, 0.1, 0.5]),
    seed=st.integers(0, 9),
)
few = settings(max_examples=25, deadline=None)


@cache
def scenario(name: str) -> Run:
    return simulate(SCENARIOS[name])


def waiting(run: Run) -> int:
    return sum(groups.total() for groups in run.due.values())


@few
@given(loads, st.integers(1, 200))
def test_every_event_is_done_parked_or_waits(load: Load, seconds: int) -> None:
    run = Run(load)
    for second in range(seconds):
        run.step(load.rate if second < load.seconds else 0)
        last = run.past[-1]
        arrived = sum(past["arrived"] for past in run.past)
        done = sum(past["done"] for past in run.past)
        assert arrived == done + last["parked"] + last["expired"] + waiting(run)
        assert last["waiting"] == waiting(run)


@few
@given(loads)
def test_the_backlog_drains(load: Load) -> None:
    run = simulate(load)
    last = run.past[-1]
    done = sum(past["done"] for past in run.past)
    assert waiting(run) == last["waiting"] == 0
    assert done + last["parked"] + last["expired"] == load.rate * load.seconds


@few
@given(loads)
def test_there_are_never_more_runs_than_concurrency(load: Load) -> None:
    most = min(load.concurrency, load.reserved or load.concurrency)
    assert max(past["at once"] for past in simulate(load).past) <= most


@few
@given(loads)
def test_no_part_takes_more_than_its_limit(load: Load) -> None:
    for past in simulate(load).past:
        assert past["done"] <= past["table takes"] <= load.table_quota
        assert past["done"] <= limits(load)["S3 prefixes"]
        assert past["done"] <= limits(load)["one partition"]


@few
@given(loads, st.integers(1, 5_000))
def test_more_concurrency_is_never_slower(load: Load, more: int) -> None:
    """As long as nothing else refuses: a table that does makes more runs fail, not succeed."""
    load = replace(load, failures=0.0, table_writes=10**6, table_quota=10**6, hot_share=0.0)
    load = replace(load, prefixes=1000, reserved=None)
    slow, fast = simulate(load), simulate(replace(load, concurrency=load.concurrency + more))
    assert len(fast.past) <= len(slow.past)
    done_slow = done_fast = 0
    for one, other in zip(slow.past, fast.past, strict=False):
        done_slow, done_fast = done_slow + one["done"], done_fast + other["done"]
        assert done_fast >= done_slow


@settings(max_examples=5, deadline=None)
@given(loads)
def test_the_same_seed_gives_the_same_run(load: Load) -> None:
    assert simulate(load).past == simulate(load).past


def test_another_seed_gives_another_run() -> None:
    load = Load(seconds=30, concurrency=100)
    assert simulate(load).past != simulate(replace(load, seed=2)).past


@few
@given(st.integers(1, 500), st.integers(1, 5))
def test_a_light_load_is_never_throttled(rate: int, seconds: int) -> None:
    run = simulate(Load(rate=rate, seconds=seconds, failures=0.0))
    assert len(run.past) == seconds
    assert all(past["throttled"] == past["waiting"] == 0 for past in run.past)


def test_by_default_no_event_grows_too_old() -> None:
    run = simulate(Load())
    assert run.past[-1]["expired"] == 0
    assert max(past["age"] for past in run.past) < LONGEST_AGE


def test_an_event_that_cannot_run_is_parked_for_its_age() -> None:
    """A hundred runs of 900 ms at once are 111 a second, a fiftieth of what comes."""
    run = simulate(Load(rate=5_000, seconds=1200, duration_ms=900, reserved=100, failures=0.0))
    last = run.past[-1]
    assert last["expired"] > 0
    assert last["parked"] == 0
    assert LONGEST_AGE <= len(run.past) <= 1200 + LONGEST_AGE + LONGEST_BACKOFF
    assert max(past["age"] for past in run.past) < LONGEST_AGE


def test_age_and_retries_are_those_that_the_function_declares() -> None:
    assert LONGEST_AGE == MAXIMUM_EVENT_AGE_SECONDS
    assert len(RETRY_SECONDS) == RETRIES


def test_a_run_that_fails_is_tried_twice_more_after_one_and_two_minutes() -> None:
    run = simulate(Load(rate=10, seconds=1, failures=1.0))
    parked = [past["parked"] for past in run.past]
    assert len(run.past) == 1 + 60 + 120
    assert parked[-2:] == [0, 10]
    assert sum(past["done"] for past in run.past) == 0


def test_the_oldest_go_first() -> None:
    run = Run(Load(reserved=10, failures=0.0))
    old = Group(-100, 0)
    run.due[0][old] = 100
    run.step(10_000)
    assert run.past[-1]["throttled"] > 0
    assert {group.arrived for groups in run.due.values() for group in groups} == {0}


@pytest.mark.parametrize("throttled", range(20))
def test_a_throttled_event_waits_twice_as_long_each_time_up_to_five_minutes(throttled: int) -> None:
    longest = min(300, 2**throttled)
    waits = {Group(0, piece, 0, throttled).backoff() for piece in range(500)}
    assert max(1, longest // 2) <= min(waits)
    assert max(waits) <= longest
    assert max(waits) - min(waits) >= longest * 0.45 - 1


def test_a_function_gets_at_most_a_thousand_containers_in_ten_seconds() -> None:
    load = Load(rate=20_000, seconds=30, duration_ms=500, concurrency=10**6, table_writes=10**6)
    run = simulate(replace(load, table_quota=10**6))
    for past in run.past:
        assert past["at once"] <= 1_000 + 100 * past["second"]
    assert max(past["at once"] for past in run.past) > 3_000


def test_short_runs_scale_by_ten_thousand_requests_a_second_in_ten_seconds() -> None:
    load = Load(rate=50_000, seconds=60, duration_ms=1, table_writes=10**6, table_quota=10**6)
    started = [past["done"] for past in simulate(replace(load, failures=0.0)).past]
    assert started[0] == 10_000
    assert started[10] == 20_000


@pytest.mark.parametrize("second", [1799, 1800, 3600, 7200])
def test_a_table_takes_twice_its_peak_of_half_an_hour_ago(second: int) -> None:
    run = Run(Load(rate=20_000, seconds=10_000, failures=0.0))
    while len(run.past) <= second:
        run.step(20_000)
    expected = {1799: 4_000, 1800: 8_000, 3600: 16_000, 7200: 40_000}
    assert run.past[-1]["table takes"] == expected[second]


def test_a_refused_write_holds_a_run_until_the_sdk_has_tried_again() -> None:
    cold, warm = simulate(Load(seconds=60)), simulate(Load(seconds=60, table_writes=12_000))
    assert max(past["at once"] for past in cold.past) == 1_000
    assert max(past["at once"] for past in warm.past) < 300


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "table, 4,000 a second"),
        ({"table_writes": 12_000}, "none"),
        ({"table_writes": 12_000, "hot_share": 0.5}, "one partition, 2,000 a second"),
        ({"table_writes": 12_000, "prefixes": 1}, "S3 prefixes, 5,500 a second"),
        ({"table_writes": 12_000, "reserved": 42}, "concurrency, 2,000 a second"),
        ({"table_writes": 12_000, "concurrency": 42}, "concurrency, 2,000 a second"),
        ({"rate": 45_000, "table_writes": 90_000}, "table quota, 40,000 a second"),
    ],
)
def test_the_lowest_limit_holds_a_load_back_first(change: dict[str, int], expected: str) -> None:
    assert first_limit(Load(**change)) == expected


@few
@given(loads)
def test_a_load_that_no_limit_holds_back_is_done_within_the_scaling(load: Load) -> None:
    load = replace(load, failures=0.0, spread=0.0, duration_ms=min(load.duration_ms, 30))
    assume(first_limit(replace(load, rate=load.rate * 2)) == "none")
    run = simulate(load)
    assert run.past[-1]["parked"] == 0
    assert sum(past["done"] for past in run.past) == load.rate * load.seconds


def test_the_uploads_themselves_bring_the_prefixes_that_looks_need() -> None:
    for rate in (1, 3_500, 3_501, 10_000, 123_456):
        assert limits(Load(rate=rate))["S3 prefixes"] > rate


def test_what_the_page_says_of_the_cases_is_so() -> None:
    by_name = {name: summary(name, scenario(name)) for name in SCENARIOS}
    new, reserved, warm = list(by_name.values())[:3]
    assert new["first limit"].startswith("table")
    assert new["parked"] > 0
    assert reserved["parked"] == 0
    assert reserved["at once"] <= 90
    assert (warm["first limit"], warm["throttled"], warm["parked"]) == ("none", 0, 0)
    assert warm["at once"] < 300
    assert all(row["too old"] == 0 for row in by_name.values())


def test_the_page_has_the_cases_as_they_are_simulated() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [summary(name, scenario(name)) for name in SCENARIOS]
    assert replaced(page, "load", markdown(rows)) == page


def test_a_run_is_told_minute_by_minute() -> None:
    result = CliRunner().invoke(main, ["--rate", "100", "--seconds", "180", "--json"])
    made = json.loads(result.output)
    seconds = [minute["second"] for minute in made["minutes"]]
    assert {later - earlier for earlier, later in pairwise(seconds)} == {60}
    assert len(made["load"]) == 1


@pytest.mark.parametrize("words", [["--rate", "0"], ["--seconds", "0"], ["--reserved", "0"]])
def test_a_load_of_nothing_is_wrong_usage(words: list[str]) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert re.search(r"is not in the range x>=1", result.output)
