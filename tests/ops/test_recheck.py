"""Requests of a re-check: small events, at a rate of keys."""

import json
import threading
from typing import Any

import pytest

from ops.pace import Pace
from ops.recheck import MOST_BYTES, MOST_KEYS, Rechecks
from support.rechecks import keys_in


class Taken:
    """Stands where Lambda would: keeps events."""

    def __init__(self) -> None:
        self.events: list[bytes] = []

    def invoke(self, *, Payload: bytes, **_: Any) -> dict[str, int]:  # noqa: N803
        self.events.append(Payload)
        return {"StatusCode": 202}


def requested(keys: list[str], rate: float = 1e9) -> list[bytes]:
    taken = Taken()
    rechecks = Rechecks(taken, "f", "b", "Backfill:Requested", Pace(rate, threading.Event()))  # type: ignore[arg-type]
    assert sum(rechecks.request(keys)) == len(keys)
    return taken.events


@pytest.mark.parametrize("letter", ["a", " ", "é", "😀"])
def test_an_event_stays_small_however_long_the_keys(letter: str) -> None:
    keys = [f"{n:04}{letter * ((1024 - 4) // len(letter.encode()))}" for n in range(250)]
    events = requested(keys)
    assert all(len(event) <= MOST_BYTES + 20 for event in events)
    assert [key for event in events for key in keys_in(json.loads(event))] == keys
    assert all(len(keys_in(json.loads(event))) <= MOST_KEYS for event in events)


class Counted(Pace):
    """A pace that never waits, and counts what it let through."""

    let_through = 0

    def wait(self, count: int = 1) -> bool:
        self.let_through += count
        return not self.stop.is_set()


def test_the_rate_is_of_keys_not_of_events() -> None:
    pace = Counted(1, threading.Event())
    rechecks = Rechecks(Taken(), "f", "b", "Backfill:Requested", pace)  # type: ignore[arg-type]
    assert sum(rechecks.request(map(str, range(250)))) == pace.let_through == 250


def test_what_is_stopped_requests_nothing_more() -> None:
    pace, taken = Counted(1, threading.Event()), Taken()
    rechecks = Rechecks(taken, "f", "b", "Backfill:Requested", pace)  # type: ignore[arg-type]
    run = rechecks.request(map(str, range(250)))
    assert next(run) == 100
    pace.stop.set()
    assert list(run) == []
    assert len(taken.events) == 1


def test_no_key_makes_an_empty_event() -> None:
    assert requested([]) == []
