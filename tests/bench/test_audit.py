"""The audit's bench: what it measures is a whole audit, and the page has what it prints."""

import re

from bench.audit import CASES, ROW_BYTES, case
from bench.cost import MILLION, PRICES
from support.recorder import ROOT


def test_a_case_compares_every_key_and_prices_each_call() -> None:
    row = case(50, 2, 1500, of=1500)
    # Its seconds are rounded, and may be none.
    assert row["compute"] > 0
    assert row["memory MB"] > 0
    # Two versions a key: 3 listings of 1,000 versions.
    assert row["listing"] == PRICES["s3_write"] * 3
    assert (row["invocations"], row["scans"]) == (1, 1)
    assert row["total"] == row["compute"] + row["listing"] + row["scan"]


def test_each_window_of_an_audit_is_a_scan_of_the_whole_table() -> None:
    """Of a million keys of 1,000 bytes no more than 364,000 fit into the space of a window."""
    row = case(1000, 1, 10_000)
    assert row["scans"] >= 3
    table = MILLION * (1000 + ROW_BYTES)
    assert row["scan"] == PRICES["dynamodb_read"] * row["scans"] * table / 8192


def test_the_page_has_a_row_of_each_case() -> None:
    page = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    [table] = re.findall(r"<!-- audit -->\n(.*?)<!-- /audit -->", page, re.DOTALL)
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    shown = [(int(row[0].strip("| ").replace(",", "")), int(row[1])) for row in rows]
    assert shown == list(CASES)
