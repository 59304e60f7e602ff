"""With an extractor, a row says whether the contents of its version have been read."""

from dataclasses import replace
from typing import Any

import pytest

from support.handler_env import EARLIER, NEWER, NEWEST, Bench

KEY = "read.txt"
FOUND = {
    "extraction": {"S": "done"},
    "extracted": {"M": {"n": {"N": "1"}, "l": {"L": [{"NULL": True}, {"M": {}}]}}},
    "extracted_at": {"S": "2026-03-01T00:00:00.000000Z"},
}
FAILED = {
    "extraction": {"S": "failed"},
    "extraction_error": {"S": "ValueError: no"},
    "extracted_at": {"S": "2026-03-01T00:00:00.000000Z"},
}
NAMES = FOUND.keys() | FAILED.keys()


@pytest.fixture
def bench(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    catalog = replace(bench.handler.CATALOG, extracts=True)
    monkeypatch.setattr(bench.handler, "CATALOG", catalog)
    return bench


def extraction(bench: Bench) -> dict[str, Any]:
    return {name: value for name, value in bench.item(KEY).items() if name in NAMES}


@pytest.mark.parametrize("sequencer", [NEWER, None], ids=["ordered", "unordered"])
def test_a_row_of_a_new_object_is_pending(bench: Bench, sequencer: str | None) -> None:
    bench.put(KEY)
    bench.update(KEY, sequencer)
    assert extraction(bench) == {"extraction": {"S": "pending"}}


def test_an_ordered_write_asks_anew_and_drops_what_was_found(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY, EARLIER)
    bench.change(KEY, **FOUND)
    bench.update(KEY, NEWER)
    assert extraction(bench) == {"extraction": {"S": "pending"}}


@pytest.mark.parametrize("found", [FOUND, FAILED], ids=["done", "failed"])
def test_an_unordered_write_of_the_same_version_keeps_what_was_found(
    bench: Bench, found: dict[str, Any]
) -> None:
    bench.put(KEY)
    bench.update(KEY)
    bench.change(KEY, **{"extraction": None, "checksum": None, **found})
    bench.update(KEY, None)
    assert extraction(bench) == found
    assert "checksum" in bench.item(KEY)


@pytest.mark.parametrize(
    "changes",
    [
        *(FOUND | {name: {"S": "another"}} for name in ("version_id", "etag", "last_modified")),
        {"extraction": None, "checksum": None},
    ],
    ids=["another version", "another content", "written again", "from before the extractor"],
)
def test_an_unordered_write_asks_where_nothing_was_found_in_this_version(
    bench: Bench, changes: dict[str, Any]
) -> None:
    bench.put(KEY)
    bench.update(KEY)
    bench.change(KEY, **changes)
    bench.update(KEY, None)
    assert extraction(bench) == {"extraction": {"S": "pending"}}


def test_an_unordered_notification_of_a_row_that_is_right_writes_nothing(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY)
    bench.change(KEY, **FOUND)
    bench.proxy.calls.clear()
    bench.update(KEY, None)
    assert bench.proxy.calls == ["GetItem", "HeadObject"]


@pytest.mark.parametrize("sequencer", [NEWEST, None], ids=["ordered", "unordered"])
def test_a_tombstone_has_none_of_it(bench: Bench, sequencer: str | None) -> None:
    bench.put(KEY)
    bench.update(KEY, NEWER)
    bench.change(KEY, **FOUND)
    bench.delete(KEY)
    assert bench.update(KEY, sequencer, "ObjectRemoved:DeleteMarkerCreated") == "deleted"
    assert extraction(bench) == {}


@pytest.mark.parametrize(
    ("before", "meanwhile"),
    [
        ({}, FOUND),
        (FOUND, {"extraction": {"S": "pending"}, "extracted_at": {"S": "2026-03-02"}}),
    ],
    ids=["it was extracted", "it was asked for again"],
)
def test_what_changes_between_read_and_write_is_not_overwritten(
    bench: Bench, before: dict[str, Any], meanwhile: dict[str, Any]
) -> None:
    bench.put(KEY)
    bench.update(KEY)
    bench.change(KEY, checksum=None, **before)
    bench.before_first("PutItem", lambda: bench.change(KEY, **meanwhile))
    bench.update(KEY, None)
    assert extraction(bench) == {"extraction": {"S": "pending"}} | before | meanwhile
    assert "checksum" in bench.item(KEY)


def test_neither_a_call_nor_a_write_is_added(bench: Bench) -> None:
    bench.put(KEY)
    bench.update(KEY, NEWER)
    bench.put(KEY)
    bench.update(KEY, None)
    assert bench.proxy.calls == ["HeadObject", "PutItem", "GetItem", "HeadObject", "PutItem"]
