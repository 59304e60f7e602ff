"""A notification without a sequencer repairs a row, and never outranks one that has it."""

import json
from typing import Any

import pytest

from catalog import ContendedError
from service import RefusedError
from support.faults import Fault
from support.handler_env import EARLIER, NEWER, Bench

KEY = "expiring.txt"
ZEROS = "0" * 32
BEFORE, LATER = "2026-03-01T00:00:00.000000Z", "2026-03-02T00:00:00.000000Z"
EXPIRED = "LifecycleExpiration:DeleteMarkerCreated"


def test_an_expiration_turns_a_row_into_a_tombstone_with_the_rows_sequencer(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY, NEWER)
    bench.delete(KEY)
    assert bench.update(KEY, None, EXPIRED) == "deleted"
    row = bench.row(KEY)
    assert (row["processing_status"], row["sequencer"]) == ("deleted", NEWER)


def test_it_costs_one_read_of_the_row_one_of_s3_and_one_write(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY, None)
    assert bench.proxy.calls == ["GetItem", "HeadObject", "PutItem"]


def test_an_object_that_is_there_keeps_its_row_at_its_rank(bench: Bench) -> None:
    bench.put(KEY, b"1")
    bench.update(KEY, NEWER)
    version = bench.put(KEY, b"22")
    assert bench.update(KEY, None, EXPIRED) == "completed"
    row = bench.row(KEY)
    assert (row["version_id"], row["sequencer"]) == (version, NEWER)


def test_any_ordered_notification_outranks_a_row_that_it_made(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY, None)
    bench.put(KEY, b"new")
    assert bench.update(KEY, "1".rjust(32, "0")) == "completed"
    assert bench.row(KEY)["file_size"] == "3"


def test_the_read_before_the_write_is_consistent(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY, None)
    assert json.loads(bench.proxy.received[0].body)["ConsistentRead"] is True


@pytest.mark.parametrize(
    "held",
    [
        {},
        {"sequencer": EARLIER},
        {"processed_at": BEFORE},
        {"sequencer": EARLIER, "processed_at": BEFORE},
    ],
    ids=lambda held: "+".join(held) or "key alone",
)
def test_a_row_with_only_some_of_what_identifies_it_is_repaired(
    bench: Bench, held: dict[str, str]
) -> None:
    version = bench.put(KEY)
    bench.write(KEY, **held)
    assert bench.update(KEY, None) == "completed"
    row = bench.row(KEY)
    assert (row["version_id"], row["sequencer"]) == (version, held.get("sequencer", ZEROS))


@pytest.mark.parametrize(
    ("read", "changed"),
    [
        (None, {"sequencer": NEWER}),
        ({}, {"sequencer": NEWER}),
        ({}, {"processed_at": LATER}),
        ({"sequencer": EARLIER}, {"sequencer": NEWER}),
        (
            {"sequencer": EARLIER, "processed_at": BEFORE},
            {"sequencer": EARLIER, "processed_at": LATER},
        ),
        (
            {"sequencer": EARLIER, "processed_at": BEFORE},
            {"sequencer": NEWER, "processed_at": BEFORE},
        ),
    ],
)
def test_a_row_that_changes_between_read_and_write_is_read_again(
    bench: Bench, read: dict[str, str] | None, changed: dict[str, str]
) -> None:
    bench.put(KEY)
    if read is not None:
        bench.write(KEY, **read)
    bench.before_first("PutItem", lambda: bench.write(KEY, **changed))
    assert bench.update(KEY, None) == "completed"
    assert bench.proxy.calls == ["GetItem", *["HeadObject", "PutItem"] * 2]
    assert bench.row(KEY)["sequencer"] == changed.get("sequencer", ZEROS)


def test_a_row_that_expires_between_read_and_write_is_made_anew(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY, EARLIER)
    bench.put(KEY, b"new")
    bench.before_first(
        "PutItem",
        lambda: bench.cloud("dynamodb").delete_item(
            TableName=bench.table, Key={"file_key": {"S": KEY}}
        ),
    )
    assert bench.update(KEY, None) == "completed"
    assert bench.row(KEY)["sequencer"] == ZEROS


def test_an_ordered_write_between_read_and_write_is_not_undone(bench: Bench) -> None:
    bench.put(KEY, b"1")

    def overwrite() -> None:
        bench.put(KEY, b"22")
        bench.update(KEY, NEWER)

    bench.before_first("PutItem", overwrite)
    bench.update(KEY, None)
    row = bench.row(KEY)
    assert (row["sequencer"], row["file_size"]) == (NEWER, "2")


def test_a_row_that_says_it_already_costs_a_read_and_no_write(bench: Bench) -> None:
    """Every old version that the lifecycle rule expires is a notification of its key."""
    bench.put(KEY)
    bench.update(KEY, NEWER)
    before = bench.row(KEY)
    bench.proxy.heal()
    assert bench.update(KEY, None, "LifecycleExpiration:Delete") == "completed"
    assert bench.proxy.calls == ["GetItem", "HeadObject"]
    assert bench.row(KEY) == before


def test_a_row_that_never_holds_still_is_given_up_by_name(bench: Bench) -> None:
    bench.put(KEY)
    changes = iter(range(1000))
    bench.before_each("PutItem", lambda: bench.write(KEY, processed_at=str(next(changes))))
    with pytest.raises(ContendedError, match=rf"row of '{KEY}' must stay unchanged"):
        bench.update(KEY, None)
    assert bench.proxy.calls == ["GetItem", *["HeadObject", "PutItem"] * 5]
    assert "version_id" not in bench.row(KEY)


def test_an_answer_lost_after_the_write_took_effect_is_written_again(bench: Bench) -> None:
    version = bench.put(KEY)
    bench.proxy.fail("PutItem", Fault(lose_answer=True), times=1)
    assert bench.update(KEY, None) == "completed"
    row = bench.row(KEY)
    assert (row["version_id"], row["sequencer"]) == (version, ZEROS)


def test_a_read_that_fails_writes_nothing(bench: Bench) -> None:
    bench.put(KEY)
    bench.proxy.fail("GetItem", Fault(status=400, code="AccessDeniedException"))
    with pytest.raises(RefusedError, match="AccessDenied"):
        bench.update(KEY, None)
    assert bench.proxy.calls == ["GetItem"]


@pytest.mark.parametrize("event_name", ["Repair:Requested", "Backfill:Requested"])
def test_a_recheck_of_a_key_without_row_and_object_writes_nothing(
    bench: Bench, event_name: str
) -> None:
    assert bench.update("never seen", None, event_name) == "deleted"
    assert bench.row("never seen") == {}


def test_a_recheck_of_a_tombstone_writes_nothing(bench: Bench) -> None:
    bench.update(KEY, NEWER, "ObjectRemoved:Delete")
    before = bench.row(KEY)
    assert bench.update(KEY, None, "Repair:Requested") == "deleted"
    assert bench.row(KEY) == before


def test_a_recheck_makes_a_tombstone_of_a_row_that_came_by_another_way(bench: Bench) -> None:
    bench.write(KEY, imported="yes")
    assert bench.update(KEY, None, "Repair:Requested") == "deleted"
    assert bench.row(KEY)["processing_status"] == "deleted"


def test_a_row_that_comes_between_read_and_head_becomes_a_tombstone(bench: Bench) -> None:
    """An upload's write lands, of a read from before the object went."""

    def late_write() -> None:
        bench.write(KEY, sequencer=NEWER, processed_at="earlier", processing_status="completed")

    bench.before_first("HeadObject", late_write)
    assert bench.update(KEY, None, "LifecycleExpiration:Delete") == "deleted"
    row = bench.row(KEY)
    assert (row["processing_status"], row["sequencer"]) == ("deleted", NEWER)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("processing_status", {"S": "imported"}),
        ("file_size", {"N": "1"}),
        ("content_type", {"S": "image/png"}),
        ("etag", {"S": "0"}),
        ("last_modified", {"S": BEFORE}),
        ("version_id", {"S": "another"}),
        ("checksum", {"S": "CRC32:AAAAAA=="}),
        ("checksum", None),
        ("metadata", {"M": {"owner": {"S": "ada"}}}),
    ],
)
def test_a_row_that_says_anything_else_is_written(bench: Bench, name: str, value: Any) -> None:
    bench.put(KEY)
    bench.update(KEY, NEWER)
    right = bench.item(KEY)
    bench.change(KEY, **{name: value})
    bench.update(KEY, None, "Repair:Requested")
    repaired = bench.item(KEY)
    changed = {name: repaired[name] for name in ("event_name", "processed_at")}
    assert repaired == right | changed
