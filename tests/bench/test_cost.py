"""What the pipeline costs: prices with their sources, and sums that behave as a bill does."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cost import (
    AUDITED,
    PRICES,
    TABLE,
    Assumptions,
    Figures,
    idle_month,
    load_figures,
    main,
    markdown,
    per_million,
    replaced,
    tables,
    watching,
)
from pipeline.alarms import alarms
from pipeline.audit_watch import audit_alarms
from pipeline.dashboard import OUTCOMES
from pipeline.settings import Settings
from support.recorder import ROOT, Program

PAGE = ROOT / "docs" / "cost.md"
GIVEN = Assumptions()
WARM = Assumptions(cold_share=0.0)
OURS = Figures(
    cpu_ms=1.3,
    init_ms=700.0,
    first_cpu_ms=40.0,
    log_bytes={"INFO": 780.0, "WARNING": 4.0},
    metric_count=5,
)
CHECKED = {"aws", "secondary", "memory"}
ENTRIES = {
    f"{kind}.{name}": entry for kind, entries in TABLE.items() for name, entry in entries.items()
}


def cost(of: Figures, level: str = "INFO", size: int = 256, under: Assumptions = GIVEN) -> Any:
    return per_million(of, under, size, level)


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_each_price_says_where_and_when_it_was_seen(entry: dict[str, Any]) -> None:
    assert re.fullmatch(r"https://(docs\.)?aws\.amazon\.com/\S+", entry["source"])
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", entry["date"])
    assert entry["checked"] in CHECKED
    assert entry["unit"]
    assert entry.get("price", entry.get("value")) > 0


def test_a_million_plain_calls_cost_what_the_readme_says() -> None:
    parts = cost(OURS)
    calls = parts["requests"] + parts["S3 calls"] + parts["table"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [told] = re.findall(r"a million changes cost \$([\d.]+) in calls", readme)
    assert float(told) == pytest.approx(calls, abs=0.0051)


@pytest.mark.parametrize(("size", "expected"), [(128, 42.9945), (1769, 21.2), (10240, 21.2)])
def test_billed_time_is_the_cpu_s_by_the_share_of_a_vcpu_and_waits(
    size: int, expected: float
) -> None:
    """1.3 + 0.4 ms of CPU, 12 ms of waits, a hundredth of a start's 700 ms, 0.5 ms of rounding."""
    assert OURS.billed_ms(size, GIVEN) == pytest.approx(expected, abs=1e-4)


def test_a_gigabyte_second_costs_what_the_price_table_says() -> None:
    """10 ms at 1 GB, a million times: 10,000 GB-seconds."""
    bare = Figures(cpu_ms=0.0, init_ms=0.0, log_bytes=OURS.log_bytes)
    ten = replace(WARM, s3_wait_ms=9.5, dynamodb_wait_ms=0.0)
    assert cost(bare, size=1024, under=ten)["compute"] == pytest.approx(0.133334)


def test_arm_is_cheaper_than_x86() -> None:
    x86 = cost(OURS, under=replace(GIVEN, architecture="x86_64"))
    assert x86["compute"] == pytest.approx(cost(OURS)["compute"] * 1.25, rel=1e-4)
    assert x86 | {"compute": 0} == cost(OURS) | {"compute": 0}


def test_the_architecture_is_the_declared_one(dev: Program) -> None:
    [function] = dev.all("aws:lambda/function:Function")
    assert function.inputs["architectures"] == [GIVEN.architecture]


def test_every_unit_has_its_price_and_its_part() -> None:
    for name, part, price in (
        ("api_calls", "S3 calls", 0.40),
        ("write_units", "table", 0.625),
        ("metric_count", "metrics", 0.03),
    ):
        one_more: Any = {name: getattr(OURS, name) + 1}
        more = cost(replace(OURS, **one_more))
        assert more[part] - cost(OURS)[part] == pytest.approx(price)
        assert more | {part: 0} == cost(OURS) | {part: 0}


def test_the_alarms_that_are_priced_are_the_declared_ones() -> None:
    declared = alarms(queue="q", function="f", table="t", timeout=15)
    watched = PRICES["alarm"] * sum(len(alarm.metrics) for alarm in declared)
    assert idle_month(GIVEN)["alarms"] == watching(OURS, GIVEN)["alarms"] == watched


def test_an_audit_s_alarms_are_paid_for_in_prod() -> None:
    declared = audit_alarms(function="f", namespace="n", since=0)
    assert sum(len(alarm.metrics) for alarm in declared) == AUDITED


def test_the_page_counts_the_metrics_from_the_log() -> None:
    assert f"are {len(OUTCOMES) + 1} at ${PRICES['metric']:.2f} a month" in (
        PAGE.read_text(encoding="utf-8")
    )


def test_an_idle_stack_without_rows_pays_for_alarms_dashboard_and_key_alone() -> None:
    month = idle_month(GIVEN, keys=1)
    assert {part for part, dollars in month.items() if dollars} == {"alarms", "dashboard", "key"}


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


MEASURED = {"cpu_ms": 1.3, "init_ms": 700, "log_bytes": {"INFO": 780, "WARNING": 4}}


def test_figures_are_read_by_handler(tmp_path: Path) -> None:
    path = written(tmp_path / "f.json", {"cost": {"this project": MEASURED}, "other": 1})
    assert load_figures(path) == {"this project": Figures(**MEASURED)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"cost": []},
        {"cost": {"this project": 1}},
        {"cost": {"this project": MEASURED | {"new": 1}}},
        {"cost": {"this project": {"cpu_ms": 1}}},
        {"cost": {"this project": MEASURED | {"log_bytes": {"INFO": 1}}}},
    ],
)
def test_figures_of_another_form_are_refused_by_name(tmp_path: Path, content: object) -> None:
    result = CliRunner().invoke(main, ["--figures", str(written(tmp_path / "f.json", content))])
    assert result.exit_code == 1
    assert re.search(
        "f.json must be as `make bench` writes them|log_bytes must have", result.output
    )


def test_without_figures_the_way_to_get_them_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--figures", str(tmp_path / "none.json")])
    assert result.exit_code == 1
    assert "none.json: `make bench` measures and writes them" in result.output
    assert isinstance(result.exception, SystemExit)


def test_the_tables_are_printed_as_json_too(tmp_path: Path) -> None:
    path = str(written(tmp_path / "f.json", {"cost": {"this project": MEASURED}}))
    result = CliRunner().invoke(main, ["--figures", path, "--memory", "128", "--json"])
    assert set(json.loads(result.output)) == {"idle", "cost", "watching"}


@pytest.mark.parametrize("page", ["", "<!-- a -->\n", "<!-- a -->\nx\n<!-- /a -->\n" * 2])
def test_a_page_without_its_comments_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="must have <!-- a --> once"):
        replaced(page, "a", "new")


def test_only_the_text_between_the_comments_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    path = str(written(tmp_path / "f.json", {"cost": {"this project": MEASURED}}))
    result = CliRunner().invoke(main, ["--figures", path, "--write", str(page)])
    assert result.exit_code == 0, result.output
    blocks = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- /\2 -->)", re.DOTALL)
    before, after = PAGE.read_text(encoding="utf-8"), page.read_text(encoding="utf-8")
    assert blocks.sub(r"\1\3", before) == blocks.sub(r"\1\3", after)
    assert "| this project | INFO | 128 |" in after


def test_the_page_has_the_idle_month_as_it_is_computed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert replaced(page, "idle", markdown(tables({}, GIVEN, ())["idle"])) == page


def test_the_page_has_the_measured_figures_as_they_are_priced() -> None:
    page = PAGE.read_text(encoding="utf-8")
    [memory] = [option for option in main.params if option.name == "memory"]
    sizes = tuple(int(size) for size in str(memory.default).split(","))
    made = tables(load_figures(), GIVEN, sizes)
    for name in ("cost", "watching"):
        assert replaced(page, name, markdown(made[name])) == page


def test_the_page_states_the_waits_that_are_assumed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"{GIVEN.s3_wait_ms:g} ms for S3 and {GIVEN.dynamodb_wait_ms:g} ms for DynamoDB" in page
    longer = replace(GIVEN, s3_wait_ms=GIVEN.s3_wait_ms + 10)
    at_least = Settings.memory_size
    more = cost(OURS, size=at_least, under=longer)["compute"] - cost(OURS, size=at_least)["compute"]
    assert f"Ten milliseconds more cost ${more:.3f} per million at {at_least} MB" in page


def test_the_page_says_from_what_use_on_provisioned_writes_pay() -> None:
    page = PAGE.read_text(encoding="utf-8")
    used = PRICES["dynamodb_provisioned_write"] * 1_000_000 / 3600
    demand = PRICES["dynamodb_write"] * 1_000_000
    assert f"${used:.2f} per million writes when fully used, on-demand ${demand:.3f}" in page
    assert f"from {used / demand:.0%}".replace("%", " %") in page


def test_the_page_prices_a_queue_in_between() -> None:
    """A send for each object, a receive and a delete for every ten."""
    page = PAGE.read_text(encoding="utf-8")
    assert f"SQS costs up to ${PRICES['sqs_request'] * 1_200_000:.2f}" in page
