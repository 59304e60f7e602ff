"""A hundred expirations of one key's old versions, as a lifecycle rule makes them in one night."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.handler_env import EARLIER, Bench

KEY = "overwritten.txt"
STORM = 100
AT_ONCE = pytest.mark.parametrize("at_once", [1, 8, 32])


def storm(bench: Bench) -> list[Any]:
    name = "LifecycleExpiration:Delete"
    return [bench.record(KEY, EARLIER, eventName=name) for _ in range(STORM)]


def deliver(bench: Bench, at_once: int) -> None:
    """Deliver each record in an event of its own; a failure raises."""
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(bench.handle, storm(bench)))


def writes(bench: Bench) -> int:
    return bench.proxy.calls.count("PutItem")


@AT_ONCE
def test_a_storm_over_a_row_that_is_right_writes_nothing(bench: Bench, at_once: int) -> None:
    bench.put(KEY)
    bench.update(KEY)
    bench.proxy.heal()
    deliver(bench, at_once)
    assert writes(bench) == 0


@AT_ONCE
def test_a_storm_over_a_row_that_is_not_yet_right_writes_once_for_each_at_once(
    bench: Bench, at_once: int
) -> None:
    bench.put(KEY, b"1")
    bench.update(KEY)
    version = bench.put(KEY, b"22")
    bench.proxy.heal()
    deliver(bench, at_once)
    # One write is taken; whoever is refused, or begins after it, finds the row right.
    assert writes(bench) <= at_once
    assert bench.row(KEY)["version_id"] == version


@AT_ONCE
def test_a_storm_over_a_key_that_is_gone_fails_for_none(bench: Bench, at_once: int) -> None:
    bench.put(KEY)
    bench.update(KEY)
    bench.delete(KEY)
    deliver(bench, at_once)
    assert bench.row(KEY)["processing_status"] == "deleted"


@pytest.mark.parametrize("gone", [False, True])
def test_a_storm_in_one_event_fails_for_none(bench: Bench, *, gone: bool) -> None:
    bench.put(KEY)
    bench.update(KEY)
    if gone:
        bench.delete(KEY)
    bench.proxy.heal()
    bench.handle(*storm(bench))
    status = bench.row(KEY)["processing_status"]
    assert status == ("deleted" if gone else "completed")
    assert gone or writes(bench) == 0
