"""The extractor's bench: what it measures is whole extractions, and the page has what it priced."""

import json

import pytest

from bench.cost import PRICES, Assumptions, markdown, replaced
from bench.counting import item_bytes
from bench.extraction import CSV, FOUND, GIVEN, measure, table, write_units
from bench.testbed import running
from pipeline.extractor_watch import extractor_alarms
from pipeline.settings import Settings
from result import typed
from support.recorder import ROOT

PAGE = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")


def test_a_file_is_read_once_and_its_row_is_written_once() -> None:
    with running() as resources:
        found = measure(resources, rounds=1, records=10)
    assert found["first"] == {"calls": 2, "write_units": 1}
    extractor = found["extractor"]
    assert (extractor["api_calls"], extractor["write_units"]) == (1, 1)
    assert extractor["log_bytes"]["INFO"] > 100 > extractor["log_bytes"]["WARNING"] > 0
    assert min(extractor["cpu_ms"], extractor["init_ms"]) > 0


@pytest.mark.parametrize("large", ["before", "after"])
def test_the_larger_row_is_billed(large: str) -> None:
    rows = [{"extraction": {"S": "done"}}, {"extraction": {"S": "done"}, "text": {"S": "x" * 1020}}]
    before, after = rows if large == "after" else reversed(rows)
    assert write_units([before], [after]) == 2


def test_rows_without_a_result_stop_the_measuring() -> None:
    with pytest.raises(RuntimeError, match="each row must have a result"):
        write_units([], [{"extraction": {"S": "done"}}, {"extraction": {"S": "pending"}}])


def test_an_item_s_size_counts_what_is_in_maps_and_lists() -> None:
    found = {"columns": ["id", "é"], "rows": 1204, "none": None, "yes": True}
    [columns, rows, none, yes] = (3 + 2 + 2 + 2, 3, 1, 1)
    names = len("columns") + len("rows") + len("none") + len("yes")
    size = len("extracted") + 3 + 4 + names + columns + rows + none + yes
    assert item_bytes({"extracted": {"M": typed(found)}}) == size


def test_the_page_has_the_extraction_as_it_is_priced() -> None:
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    assert replaced(PAGE, "extraction", markdown(table(found))) == PAGE
    assert found["bytes"] == len(CSV)
    assert f"a CSV of {len(CSV) // 1000} KB" in PAGE


def test_the_page_says_what_a_longer_extraction_costs() -> None:
    size = Settings.extractor_memory_size
    more = PRICES[f"lambda_{Assumptions.architecture}"] * 0.010 * 1_000_000 * size / 1024
    assert f"with the default {size} MB" in PAGE
    assert f"`GetObject` is assumed to take {GIVEN.s3_wait_ms:g} ms" in PAGE
    assert f"cost ${more:.3f} per million.\n\nThe extractor's alarms" in PAGE


def test_the_page_has_the_price_of_the_extractor_s_alarms() -> None:
    alarms = extractor_alarms(function="f", mapping="m", namespace="n")
    price = PRICES["alarm"] * sum(len(alarm.metrics) for alarm in alarms)
    assert f"The extractor's alarms cost ${price:.2f} a month" in PAGE
