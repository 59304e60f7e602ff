"""The dashboard of a local run: its panels are the declared ones, its figures those of the run."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from awslambdaric.lambda_runtime_log_utils import JsonFormatter

from local.dashboard import LABEL, RUNTIME, figure, main
from local.metrics import Metrics, QueueWatch, from_log, series_name
from support.dashboards import body, panels
from support.journeys import Deployed, eventually
from support.recorder import ROOT, Program

SOME = series_name("N", "m", {"D": "d"})


def published(*points: tuple[float, float]) -> Metrics:
    metrics = Metrics()
    for when, value in points:
        metrics.put("N", "m", {"D": "d"}, when, value)
    return metrics


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("Sum", 10), ("Maximum", 4), ("Minimum", 1), ("Average", 2.5), ("p50", 2), ("p99", 4)],
)
def test_a_period_has_the_statistic_of_its_points(statistic: str, expected: float) -> None:
    metrics = published((10.1, 4), (10.2, 1), (10.3, 2), (10.9, 3))
    assert metrics.series(SOME, statistic, 10, 12, 1) == [(10.5, expected)]


def test_points_fall_into_their_periods_and_those_outside_count_for_nothing() -> None:
    metrics = published((9.9, 100), (10, 1), (11.9, 2), (12, 4), (14.1, 100))
    assert metrics.series(SOME, "Sum", 10, 14, 2) == [(11, 3), (13, 4)]


def test_a_metric_of_other_dimensions_is_another() -> None:
    assert published((1, 1)).series(series_name("N", "m", {"D": "e"}), "Sum", 0, 2, 1) == []


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="drawn")


def test_the_log_becomes_the_metrics_that_the_program_filters_and_aws_measures(
    stack: Deployed,
) -> None:
    found = stack.client("lambda").get_function_configuration(FunctionName=stack.function)
    group = found["LoggingConfig"]["LogGroup"]
    stack.client("logs").create_log_stream(logGroupName=group, logStreamName="s")
    lines = [
        "START RequestId: 1 Version: $LATEST",
        json.dumps({"outcome": "completed", "count": 3, "lag_ms": 250}),
        json.dumps({"outcome": "stale", "count": 1, "lag_ms": 9}),
        json.dumps({"outcome": "failed", "count": 1}),
        "REPORT RequestId: 1\tDuration: 40.5 ms\tBilled Duration: 41 ms",
    ]
    now = time.time()
    events = [{"timestamp": int(now * 1000), "message": line} for line in lines]
    stack.client("logs").put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    metrics = Metrics()
    from_log(stack.client, stack.function, stack.table, metrics)  # type: ignore[arg-type]

    def total(namespace: str, name: str, **dimensions: str) -> float:
        values = metrics.points[series_name(namespace, name, dimensions)]
        return sum(value for _, value in values)

    ours, function = "FileMetadata/drawn", {"FunctionName": stack.function}
    outcomes = {o: total(ours, "Records", Outcome=o) for o in ("completed", "stale", "failed")}
    assert outcomes == {"completed": 3, "stale": 1, "failed": 1}
    assert total(ours, "FreshnessLag") == 250
    assert total("AWS/Lambda", "Invocations", **function) == 1
    assert total("AWS/Lambda", "Duration", **function) == 40.5
    assert total("AWS/Lambda", "Errors", **function) == 1
    table = {"TableName": stack.table}
    assert total("AWS/DynamoDB", "ConsumedWriteCapacityUnits", **table) == 4
    assert total("AWS/DynamoDB", "ConditionalCheckFailedRequests", **table) == 1
    size = sum(len(line) + 26 for line in lines)
    assert total("AWS/Logs", "IncomingBytes", LogGroupName=group) == size


def test_the_queue_is_watched(stack: Deployed) -> None:
    url = stack.outputs["FailureQueueUrl"]
    metrics = Metrics()
    watch = QueueWatch(stack.client, url, metrics)  # type: ignore[arg-type]
    watch.start()
    stack.client("sqs").send_message(QueueUrl=url, MessageBody="parked")
    of_queue = {"QueueName": url.rpartition("/")[2]}
    depth = series_name("AWS/SQS", "ApproximateNumberOfMessagesVisible", of_queue)
    age = series_name("AWS/SQS", "ApproximateAgeOfOldestMessage", of_queue)
    try:
        eventually(
            lambda: True if any(v > 0 for _, v in metrics.points[age]) else None, lambda: "age"
        )
    finally:
        watch.end()
    assert max(value for _, value in metrics.points[depth]) == 1


LOG_LINES = """
import logging
log = logging.getLogger("process_file")
log.info("completed", extra={"outcome": "completed", "count": 1, "lag_ms": 5})
try:
    raise ValueError("bad\\nkey")
except ValueError:
    log.exception("failed", extra={"outcome": "failed"})
log.debug("not shown")
"""


def test_the_function_logs_as_in_lambda() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOG_LINES],
        env=os.environ | {"PYTHONPATH": str(RUNTIME), "AWS_LAMBDA_FUNCTION_NAME": "f"},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = map(json.loads, done.stderr.splitlines())
    assert (first["level"], first["outcome"], first["count"]) == ("INFO", "completed", 1)
    assert (second["errorType"], second["errorMessage"]) == ("ValueError", "bad\nkey")


def test_the_lines_have_the_names_of_the_runtimes_own(caplog: pytest.LogCaptureFixture) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOG_LINES],
        env=os.environ | {"PYTHONPATH": str(RUNTIME), "AWS_LAMBDA_FUNCTION_NAME": "f"},
        capture_output=True,
        text=True,
        check=True,
    )
    with caplog.at_level("INFO"):
        exec(LOG_LINES, {})  # noqa: S102 - the lines above
    theirs = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    for ours, original in zip(map(json.loads, done.stderr.splitlines()), theirs, strict=True):
        lambdas_alone = {"requestId", "stackTrace", "location"}
        assert ours.keys() == {n for n, v in original.items() if v is not None} - lambdas_alone


def test_each_declared_panel_is_drawn_where_it_is_declared(dev: Program) -> None:
    metrics = Metrics()
    for namespace, name, dimensions in {
        (line[0], line[1], tuple(part for part in line[2:] if isinstance(part, str)))
        for panel in panels(dev)
        for line in panel["metrics"]
    }:
        pairs = dict(zip(dimensions[::2], dimensions[1::2], strict=True))
        for second in range(5):
            metrics.put(namespace, name, pairs, 100 + second, second)
    drawn = figure(body(dev), metrics, 100, 105)
    titles = [axes.get_title(loc="left") for axes in drawn.axes]
    assert [title for title in titles if title] == [panel["title"] for panel in panels(dev)]
    lines = sum(len(axes.lines) for axes in drawn.axes)
    limits = sum(len(p.get("annotations", {}).get("horizontal", [])) for p in panels(dev))
    assert lines == limits + sum(len(panel["metrics"]) for panel in panels(dev))
    assert drawn.get_suptitle() == LABEL


def test_a_panel_without_figures_says_so(dev: Program) -> None:
    drawn = figure(body(dev), Metrics(), 0, 1)
    said = [text.get_text() for axes in drawn.axes for text in axes.texts]
    assert said.count("nothing here measures it") == len(panels(dev))


def test_the_command_draws_a_run(tmp_path: Path) -> None:
    picture = tmp_path / "dashboard.png"
    assert main(["--seconds", "3", "--output", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_readme_shows_the_picture_that_the_command_draws() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile: Any = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "](docs/dashboard.png)" in readme
    assert "`make dashboard`" in readme
    assert "python -m local.dashboard\n" in makefile
