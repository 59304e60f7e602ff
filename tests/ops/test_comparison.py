"""Rows and objects compared in the order of their keys: what disagrees, by name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.bucket import Current, Scope
from ops.spill import Row, spill
from ops.verify import compare, in_step, is_dated

WHEN = datetime(2026, 3, 14, tzinfo=UTC)


ROW = Row("k", "completed", 5, "e", "v")


OBJECT = Current("k", WHEN, 5, "e", "v")


MARKER = Current("k", WHEN)


ALL = Scope()


@pytest.mark.parametrize(
    ("row", "current"),
    [
        (ROW, OBJECT),
        (replace(ROW, status="deleted"), MARKER),
        (replace(ROW, status="deleted"), None),
        (None, MARKER),
    ],
)
def test_what_agrees_is_no_finding(row: Row | None, current: Current | None) -> None:
    assert compare(row, current, ALL) is None


@pytest.mark.parametrize(
    ("row", "current", "kind", "detail"),
    [
        (None, OBJECT, "missing", "there is no row, bucket has 5 bytes"),
        (replace(ROW, status="deleted"), OBJECT, "missing", "row says deleted"),
        (ROW, None, "gone", "row says completed, bucket has no object"),
        (ROW, MARKER, "gone", "row says completed"),
        (replace(ROW, size=6), OBJECT, "differs", "file_size 6, not 5"),
        (replace(ROW, size=None), OBJECT, "differs", "file_size None, not 5"),
        (replace(ROW, etag="x"), OBJECT, "differs", "etag 'x', not 'e'"),
        (replace(ROW, version_id="w"), OBJECT, "differs", "version_id 'w', not 'v'"),
    ],
)
def test_what_disagrees_is_named(
    row: Row | None, current: Current | None, kind: str, detail: str
) -> None:
    found = compare(row, current, ALL)
    assert found is not None
    assert (found.key, found.kind) == ("k", kind)
    assert detail in found.detail


@pytest.mark.parametrize("scope", [Scope(prefix="in/"), Scope(suffix=".csv")])
def test_a_key_that_is_not_notified_needs_no_row(scope: Scope) -> None:
    assert compare(None, OBJECT, scope) is None


def test_a_row_of_a_key_that_is_not_notified_must_still_be_true() -> None:
    found = compare(ROW, None, Scope(prefix="in/"))
    assert found is not None
    assert found.kind == "gone"


@pytest.mark.parametrize(
    ("processed", "current", "dated"),
    [
        ("2026-03-13T23:59:59.999999Z", OBJECT, True),
        (None, OBJECT, True),
        ("2026-03-14T00:00:00.000001Z", OBJECT, False),
        (None, None, False),
        (None, replace(OBJECT, etag="e-2"), False),
        (None, replace(OBJECT, etag="e-2", changed=WHEN - timedelta(days=7)), True),
    ],
    ids=["overwritten", "new", "back", "deleted", "multipart", "multipart, a week ago"],
)
def test_a_change_is_dated_if_s3_keeps_its_time(
    processed: str | None, current: Current | None, dated: bool
) -> None:
    row = {"processed_at": processed} if processed else None
    assert is_dated(row, current, WHEN) == dated


KEYS = st.sets(st.text(min_size=1, max_size=4))


@given(KEYS, KEYS)
def test_both_sides_are_walked_in_step(rows: set[str], objects: set[str]) -> None:
    """In the order of the bytes, which for some characters is not that of UTF-16."""

    def by_bytes(keys: set[str]) -> list[str]:
        return sorted(keys, key=lambda key: key.encode())

    pairs = list(
        in_step(
            (replace(ROW, key=name) for name in by_bytes(rows)),
            (replace(OBJECT, key=name) for name in by_bytes(objects)),
        )
    )
    assert [row.key for row, _ in pairs if row] == by_bytes(rows)
    assert [current.key for _, current in pairs if current] == by_bytes(objects)
    assert {row.key for row, current in pairs if row and current} == rows & objects
    assert all(row.key == current.key for row, current in pairs if row and current)


@given(st.lists(st.text(min_size=1), unique=True))
def test_rows_come_out_of_the_file_in_the_order_of_their_bytes(keys: list[str]) -> None:
    with spill() as kept:
        kept.add([replace(ROW, key=name) for name in keys])
        assert [row.key for row in kept.sorted()] == sorted(keys, key=lambda name: name.encode())


def test_a_row_that_the_function_has_not_written_is_like_any_other() -> None:
    """Whatever stands in it, both ways of reading it find the same."""
    odd = {"processing_status": "completed", "etag": {"a": 1}, "version_id": ["v"]}
    for size in (2**80, -(2**80), 1.5, "5", None):
        row = Row.of({"file_key": "k", "file_size": size, **odd})
        with spill() as kept:
            kept.add([row])
            assert list(kept.sorted()) == [row]
        found = compare(row, OBJECT, ALL)
        assert found is not None
        assert found.kind == "differs"


def test_rows_come_out_of_the_file_as_they_went_in() -> None:
    rows = [ROW, Row("l", "", None, None, None), replace(ROW, key="m", size=2**50)]
    with spill() as kept:
        kept.add(rows)
        assert list(kept.sorted()) == rows
