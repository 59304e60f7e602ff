"""After an expiration, which has no order, a late write does not bring the row back."""

from datetime import datetime, timedelta

import pytest

from catalog import ContendedError
from support.handler_env import NEWER, Bench

KEY = "expiring.txt"
EXPIRED = "LifecycleExpiration:DeleteMarkerCreated"


def expire(bench: Bench) -> None:
    bench.delete(KEY)
    assert bench.update(KEY, None, EXPIRED) == "deleted"


@pytest.mark.parametrize(
    ("sequencer", "event_name", "rank"),
    [(NEWER, "ObjectCreated:Put", NEWER), (None, "Backfill:Requested", "0" * 32)],
    ids=["upload", "backfill"],
)
def test_a_write_that_comes_after_an_expiration_was_handled_is_a_tombstone(
    bench: Bench, sequencer: str | None, event_name: str, rank: str
) -> None:
    bench.put(KEY)
    bench.before_first("PutItem", lambda: expire(bench))
    assert bench.update(KEY, sequencer, event_name) == "deleted"
    row = bench.row(KEY)
    assert (row["processing_status"], row["sequencer"]) == ("deleted", rank)


def test_a_tombstone_of_an_expiration_holds_back_writes_for_sixteen_minutes(bench: Bench) -> None:
    bench.put(KEY)
    expire(bench)
    row = bench.row(KEY)
    read_at, until = (datetime.fromisoformat(row[n]) for n in ("processed_at", "unordered_until"))
    assert until - read_at == timedelta(minutes=16)


def test_an_upload_within_these_minutes_keeps_holding_them_back(bench: Bench) -> None:
    bench.put(KEY)
    expire(bench)
    until = bench.row(KEY)["unordered_until"]
    bench.proxy.heal()
    bench.put(KEY, b"again")
    assert bench.update(KEY, NEWER) == "completed"
    assert bench.proxy.calls == [*["HeadObject", "PutItem"] * 2]
    assert (bench.row(KEY)["file_size"], bench.row(KEY)["unordered_until"]) == ("5", until)


def test_an_upload_after_these_minutes_costs_one_head_and_one_put(bench: Bench) -> None:
    bench.write(KEY, processing_status="deleted", unordered_until="2026-03-14T00:00:00.000000Z")
    bench.put(KEY)
    assert bench.update(KEY, NEWER) == "completed"
    assert bench.proxy.calls == ["HeadObject", "PutItem"]
    assert "unordered_until" not in bench.row(KEY)


def test_an_unordered_write_of_an_object_carries_what_is_there(bench: Bench) -> None:
    bench.put(KEY)
    expire(bench)
    until = bench.row(KEY)["unordered_until"]
    bench.put(KEY, b"again")
    assert bench.update(KEY, None, "Repair:Requested") == "completed"
    assert bench.row(KEY)["unordered_until"] == until


def test_a_mark_on_a_row_that_is_no_tombstone_is_no_known_deletion(bench: Bench) -> None:
    later = "9999-01-01T00:00:00.000000Z"
    bench.write(KEY, processing_status="completed", unordered_until=later)
    assert bench.update(KEY, None, EXPIRED) == "deleted"
    assert bench.row(KEY)["processing_status"] == "deleted"


def test_an_ordered_write_that_is_always_overtaken_is_given_up_by_name(bench: Bench) -> None:
    bench.put(KEY)
    expire(bench)
    changes = iter(range(1000))
    until = bench.row(KEY)["unordered_until"]
    bench.before_each(
        "PutItem", lambda: bench.write(KEY, processed_at=str(next(changes)), unordered_until=until)
    )
    with pytest.raises(ContendedError, match=rf"row of '{KEY}' must stay unchanged"):
        bench.update(KEY, NEWER)
