"""The metrics that are made of the log: every record once, and nothing else."""

import json
import logging
import re
from typing import Any

import pytest
from awslambdaric.lambda_runtime_log_utils import JsonFormatter

from support.extractors import EXTRACTOR
from support.faults import Fault
from support.handler_env import EARLIER, NEWER, Bench
from support.recorder import Program, declare
from tally import Tally


def test_each_filter_reads_the_log_of_its_function() -> None:
    program = declare("dev", {"extractor": EXTRACTOR, "audit": "report"})
    read: dict[str, set[str]] = {}
    for one in program.all("LogMetricFilter"):
        role = one.name.removeprefix("file-metadata-monitoring-")
        read.setdefault(one.inputs["logGroupName"], set()).add(role)
    assert read == {
        program.named("processor-logs").id: {"records", "freshness"},
        program.named("extractor-logs").id: {"extractions", "extraction-lag"},
        program.named("audit-logs").id: {
            "audit-disagreements",
            "audit-compared",
            "audits-incomplete",
        },
    }


def test_a_metric_with_dimensions_has_no_default(dev: Program) -> None:
    """CloudWatch Logs takes one of the two.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation.html
    """
    assert all("defaultValue" not in one for one in dev.log_metrics().values())


@pytest.fixture
def bench(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(bench.handler, "TALLY", Tally(bench.handler.LOG))
    return bench


def matches(pattern: str, line: dict[str, Any]) -> bool:
    """Whether CloudWatch Logs counts a line; knows the part of the syntax that the program uses.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """

    def compared(term: re.Match[str]) -> str:
        name, wanted, sign, least = term.groups()
        value = line.get(name)
        if wanted == "*":
            return str(name in line)
        if wanted:
            return str(value == wanted.strip('"'))
        if type(value) not in {int, float}:
            return "False"
        return str(value >= int(least) if sign == ">=" else value > int(least))

    term = r'\$\.(\w+) (?:= (\*|"\w+")|(>=?) (\d+))'
    logic = re.sub(term, compared, pattern).replace("&&", "and").replace("||", "or")
    if not re.fullmatch(r"\{ (True|False|and|or|[() ])+ \}", logic):
        raise ValueError(f"pattern must be of the known syntax, got {pattern!r}")
    return bool(eval(logic.strip("{ }")))  # noqa: S307 - of the words above alone


def counted(program: Program, records: list[logging.LogRecord]) -> list[tuple[str, float, Any]]:
    """What the declared filters make of real records, as the runtime would write them."""
    lines = [json.loads(JsonFormatter().format(record)) for record in records]
    return [
        (
            made["name"],
            float(line[made["value"].removeprefix("$.")]),
            tuple(line[field.removeprefix("$.")] for field in made.get("dimensions", {}).values()),
        )
        for declared in program.all("LogMetricFilter")
        for made in [declared.inputs["metricTransformation"]]
        for line in lines
        if matches(declared.inputs["pattern"], line)
    ]


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_every_record_is_counted_once_by_its_outcome(
    dev: Program, bench: Bench, caplog: pytest.LogCaptureFixture, level: int
) -> None:
    bench.update("known", NEWER)
    bench.put("there")
    with caplog.at_level(level, logger="process_file"):
        bench.handle(bench.record("there"))
        bench.handle(*(bench.record(f"gone {n}") for n in range(100)))
        bench.handle(bench.record("known", EARLIER[:18]))
        bench.proxy.fail("HeadObject", Fault(status=403))
        with pytest.raises(bench.handler.RecordsError):
            bench.handle(bench.record("refused"))
    totals: dict[str, float] = {}
    for name, value, dimensions in counted(dev, caplog.records):
        if name == "Records":
            totals[dimensions[0]] = totals.get(dimensions[0], 0) + value
    assert totals == {"completed": 1, "deleted": 100, "stale": 1, "failed": 1}


def test_only_a_row_that_was_written_tells_how_fresh_it_is(
    dev: Program, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.update("known", NEWER)
    with caplog.at_level(logging.INFO, logger="process_file"):
        bench.handle(bench.record("known", EARLIER[:18]))
        assert [name for name, _, _ in counted(dev, caplog.records)] == ["Records"]
        bench.handle(bench.record("gone"))
    names = [name for name, _, _ in counted(dev, caplog.records)]
    assert sorted(names) == ["FreshnessLag", "Records", "Records"]


def test_what_is_logged_for_debugging_is_not_counted(
    dev: Program, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="process_file"):
        bench.handle(bench.record("gone"))
    assert len(caplog.records) == 2
    counts = [value for name, value, _ in counted(dev, caplog.records) if name == "Records"]
    assert counts == [1]


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ('{ $.a = "x" }', {"a": "x"}, True),
        ('{ $.a = "x" }', {"a": "y"}, False),
        ('{ $.a = "x" }', {}, False),
        ("{ $.a = * }", {"a": None}, True),
        ("{ $.a = * }", {"b": 1}, False),
        ("{ $.a > 0 }", {"a": 1}, True),
        ("{ $.a > 0 }", {"a": 0}, False),
        ("{ $.a > 0 }", {"a": "1"}, False),
        ("{ $.a > 0 }", {"a": True}, False),
        ("{ $.a >= 1 }", {"a": 1}, True),
        ('{ $.a = "x" || $.b > 0 && $.c > 0 }', {"a": "x"}, True),
        ('{ ($.a = "x" || $.b > 0) && $.c > 0 }', {"a": "x"}, False),
    ],
)
def test_a_pattern_matches_as_cloudwatch_says(
    pattern: str, line: dict[str, Any], expected: bool
) -> None:
    assert matches(pattern, line) is expected


@pytest.mark.parametrize("pattern", ["", "word", "{ $.a }", "{ $.a != 1 }", "{ $.a = %r% }"])
def test_a_pattern_of_another_syntax_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern must"):
        matches(pattern, {})
