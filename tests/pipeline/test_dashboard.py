"""The dashboard and the metrics from the log: each line is of a metric that somebody publishes."""

import json
import re
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from catalog import COMPLETED, DELETED, STALE
from support.aws_metrics import AWS_METRICS
from support.handler_env import Bench
from support.journeys import Deployed
from support.recorder import REGIONS, Program, declare

Widget = dict[str, Any]


@pytest.fixture(params=["dev", "extracting"])
def shown(request: pytest.FixtureRequest) -> Program:
    """A stack without an extractor, and one with."""
    program: Program = request.getfixturevalue(request.param)
    return program


def body(program: Program) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(program.one("Dashboard").inputs["dashboardBody"])
    return loaded


def panels(program: Program) -> list[Widget]:
    return [w["properties"] for w in body(program)["widgets"] if w["type"] == "metric"]


def lines(program: Program) -> list[tuple[str, str, dict[str, str], str]]:
    """Each line of each panel: namespace, metric, dimensions, statistic."""
    found = []
    for panel in panels(program):
        for line in panel["metrics"]:
            options = line[-1] if isinstance(line[-1], dict) else {}
            namespace, name, *pairs = [part for part in line if not isinstance(part, dict)]
            dimensions = dict(zip(pairs[::2], pairs[1::2], strict=True))
            found.append((namespace, name, dimensions, options.get("stat", panel["stat"])))
    return found


def test_every_line_from_aws_is_of_a_metric_as_aws_publishes_it(shown: Program) -> None:
    from_aws = [line for line in lines(shown) if line[0].startswith("AWS/")]
    assert from_aws
    for namespace, name, dimensions, statistic in from_aws:
        known = AWS_METRICS[namespace, name]
        assert frozenset(dimensions) in known.dimensions
        assert statistic in known.statistics


def test_every_other_line_is_of_a_metric_that_a_filter_makes(shown: Program) -> None:
    ours = [line for line in lines(shown) if not line[0].startswith("AWS/")]
    assert ours
    made = shown.log_metrics()
    for namespace, name, dimensions, _ in ours:
        assert namespace == made[name]["namespace"]
        assert set(dimensions) == set(made[name].get("dimensions", {}))


def test_every_line_is_of_this_stack(dev: Program) -> None:
    ours = {
        "QueueName": dev.one("Queue").id,
        "FunctionName": dev.one("Function").id,
        "TableName": dev.one("Table").id,
        "LogGroupName": dev.one("LogGroup").id,
    }
    for _, name, dimensions, _ in lines(dev):
        if name != "Records":
            assert dimensions.items() <= ours.items()


def test_the_extractor_s_lines_are_of_its_own(extracting: Program) -> None:
    added = [line for line in lines(extracting) if "extract" in str(line).lower()]
    assert {
        (name, *dimensions.items()) for _, name, dimensions, _ in added if name != "Extractions"
    } == {
        ("ExtractionLag",),
        ("DroppedEventCount", ("EventSourceMappingUUID", "file-metadata-extractor-stream-1234567")),
        *(
            (name, ("FunctionName", "file-metadata-extractor-function-1234567"))
            for name in ("IteratorAge", "Duration", "Errors", "Throttles", "ConcurrentExecutions")
        ),
    }


def test_every_outcome_has_a_line(dev: Program, bench: Bench) -> None:
    shown = [line[2]["Outcome"] for line in lines(dev) if line[1] == "Records"]
    assert sorted(shown) == sorted([COMPLETED, DELETED, STALE, bench.handler.FAILED])


def test_the_panels_show_what_an_operator_asks_for(dev: Program) -> None:
    shown = {(name, statistic) for _, name, _, statistic in lines(dev)}
    assert shown >= {
        ("Records", "Sum"),
        ("FreshnessLag", "p50"),
        ("FreshnessLag", "p99"),
        ("Errors", "Sum"),
        ("Throttles", "Sum"),
        ("ApproximateNumberOfMessagesVisible", "Maximum"),
        ("ApproximateAgeOfOldestMessage", "Maximum"),
        ("ConsumedWriteCapacityUnits", "Sum"),
        ("Invocations", "Sum"),
        ("Duration", "Sum"),
        ("IncomingBytes", "Sum"),
    }


def test_the_alarms_panel_shows_every_alarm(shown: Program) -> None:
    [widget] = [w for w in body(shown)["widgets"] if w["type"] == "alarm"]
    names = [arn.rpartition(":")[2] for arn in widget["properties"]["alarms"]]
    assert sorted(names) == sorted(alarm.id for alarm in shown.all("MetricAlarm"))


def test_every_panel_says_where_how_often_and_what(dev: Program) -> None:
    for panel in panels(dev):
        assert panel["region"] == "eu-west-1"
        assert panel["period"] % 60 == 0
        assert panel["title"]


def test_every_axis_names_the_units_of_its_lines(shown: Program) -> None:
    made = shown.log_metrics()
    for panel in panels(shown):
        units: dict[str, set[str]] = {}
        for line in panel["metrics"]:
            options = line[-1] if isinstance(line[-1], dict) else {}
            known = AWS_METRICS.get((line[0], line[1]))
            unit = known.unit if known else made[line[1]]["unit"]
            units.setdefault(options.get("yAxis", "left"), set()).add(unit)
        assert units.keys() == panel["yAxis"].keys()
        for side, of_lines in units.items():
            label = panel["yAxis"][side]["label"]
            said = set(re.split(r",? ", label)) & {"seconds", "milliseconds", "bytes"}
            assert label
            assert said == {unit.lower() for unit in of_lines - {"Count"}}


def test_the_timeout_is_drawn_where_durations_are(dev: Program) -> None:
    [panel] = [panel for panel in panels(dev) if panel["title"] == "Duration of invocations"]
    assert [line["value"] for line in panel["annotations"]["horizontal"]] == [15_000]


def test_no_two_widgets_overlap_and_all_lie_within_the_grid(shown: Program) -> None:
    """24 columns wide.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    widgets = body(shown)["widgets"]
    cells = [
        {
            (x, y)
            for x in range(w["x"], w["x"] + w["width"])
            for y in range(w["y"], w["y"] + w["height"])
        }
        for w in widgets
    ]
    assert all(x < 24 for taken in cells for x, _ in taken)
    assert not any(one & other for one, other in combinations(cells, 2))


@pytest.mark.parametrize(
    ("partition", "console"),
    [
        ("aws", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_address_leads_to_the_dashboard(partition: str, console: str) -> None:
    region = REGIONS[partition]
    program = declare("dev", region=region)
    name = program.one("Dashboard").inputs["dashboardName"]
    assert program.outputs["DashboardUrl"] == (
        f"https://{console}/cloudwatch/home?region={region}#dashboards/dashboard/{name}"
    )


def test_a_dashboard_is_named_after_its_region() -> None:
    """Dashboards are of the whole account, and saving one replaces what had its name.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
    """
    names = [
        declare("dev", region=region).one("Dashboard").inputs["dashboardName"]
        for region in ("eu-west-1", "eu-central-1")
    ]
    assert names == ["file-metadata-eu-west-1-dev", "file-metadata-eu-central-1-dev"]


def test_the_emulator_holds_dashboard_and_filters(deploy: Callable[..., Deployed]) -> None:
    stack = deploy(environmentSuffix="panels")
    name = stack.outputs["DashboardUrl"].rpartition("/")[2]
    held = stack.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    assert stack.function in held
    found = stack.client("lambda").get_function_configuration(FunctionName=stack.function)
    group = found["LoggingConfig"]["LogGroup"]
    filters = stack.client("logs").describe_metric_filters(logGroupName=group)["metricFilters"]
    [made] = [
        f["metricTransformations"][0]
        for f in filters
        if "dimensions" in f["metricTransformations"][0]
    ]
    assert made["metricNamespace"] == "FileMetadata/panels"
    assert made["metricValue"] == "$.count"
