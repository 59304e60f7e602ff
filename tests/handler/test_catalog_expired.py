"""After an expiration, which has no order, a late write does not bring the row back."""

from datetime import datetime, timedelta

import pytest

from catalog import ContendedError
from support.handler_env import NEWER, Bench

KEY = "expiring.txt"
EXPIRED = "LifecycleExpiration:DeleteMarkerCreated"


def row(bench: Bench) -> dict[str, str]:
    return bench.row(KEY) or {}


def expire(bench: Bench) -> None:
    bench.delete(KEY)
    assert bench.update(KEY, None, EXPIRED) == "deleted"


def test_an_upload_whose_write_comes_after_its_expiration_was_handled_is_deleted(
    bench: Bench,
) -> None:
    bench.put(KEY)
    bench.before_first("PutItem", lambda: expire(bench))
    assert bench.update(KEY, NEWER) == "deleted"
    assert (row(bench)["processing_status"], row(bench)["sequencer"]) == ("deleted", NEWER)


def test_a_backfill_whose_write_comes_after_the_expiration_was_handled_is_deleted(
    bench: Bench,
) -> None:
    bench.put(KEY)
    bench.before_first("PutItem", lambda: expire(bench))
    assert bench.update(KEY, None, "Backfill:Requested") == "deleted"
    assert row(bench)["processing_status"] == "deleted"


def test_a_tombstone_of_an_expiration_holds_back_writes_for_sixteen_minutes(bench: Bench) -> None:
    expire_at = datetime.fromisoformat
    bench.put(KEY)
    expire(bench)
    held = row(bench)
    assert expire_at(held["unordered_until"]) - expire_at(held["processed_at"]) == timedelta(
        minutes=16
    )


def test_an_upload_within_these_minutes_keeps_holding_them_back(bench: Bench) -> None:
    bench.put(KEY)
    expire(bench)
    until = row(bench)["unordered_until"]
    bench.proxy.heal()
    bench.put(KEY, b"again")
    assert bench.update(KEY, NEWER) == "completed"
    assert bench.proxy.calls == [*["HeadObject", "PutItem"] * 2]
    assert (row(bench)["file_size"], row(bench)["unordered_until"]) == ("5", until)


def test_an_upload_after_these_minutes_costs_one_head_and_one_put(bench: Bench) -> None:
    bench.write(KEY, processing_status="deleted", unordered_until="2026-03-14T00:00:00.000000Z")
    bench.put(KEY)
    assert bench.update(KEY, NEWER) == "completed"
    assert bench.proxy.calls == ["HeadObject", "PutItem"]
    assert "unordered_until" not in row(bench)


def test_an_unordered_write_of_an_object_carries_what_is_there(bench: Bench) -> None:
    bench.put(KEY)
    expire(bench)
    until = row(bench)["unordered_until"]
    bench.put(KEY, b"again")
    assert bench.update(KEY, None, "Repair:Requested") == "completed"
    assert row(bench)["unordered_until"] == until


def test_a_mark_on_a_row_that_is_no_tombstone_is_no_known_deletion(bench: Bench) -> None:
    later = "9999-01-01T00:00:00.000000Z"
    bench.write(KEY, processing_status="completed", unordered_until=later)
    assert bench.update(KEY, None, EXPIRED) == "deleted"
    assert row(bench)["processing_status"] == "deleted"


def test_an_ordered_write_that_is_always_overtaken_is_given_up_by_name(bench: Bench) -> None:
    bench.put(KEY)
    expire(bench)
    changes = iter(range(1000))
    until = row(bench)["unordered_until"]
    bench.before_each(
        "PutItem",
        lambda: bench.write(KEY, processed_at=str(next(changes)), unordered_until=until),
    )
    with pytest.raises(ContendedError, match=rf"row of '{KEY}' must stay unchanged"):
        bench.update(KEY, NEWER)
