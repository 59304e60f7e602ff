"""``python -m local.dashboard``: what an operator sees, drawn from a local run with a bad patch.

The panels are those of the declared dashboard, read back from the emulator; the figures are
those of the run.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from local import emulator as emulators
from local import engine, show
from local.cloud import Cloud
from local.metrics import Metrics, QueueWatch, from_log, series_name
from local.resources import CloudMocks
from ops import redrive as redrives
from pipeline.dashboard import WIDTH

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = Path(__file__).resolve().parent / "runtime"
PICTURE = ROOT / "docs" / "dashboard.png"
STACK = "dev"
SECONDS = 40
OUTAGE = (0.35, 0.6)
"""The part of the run in which the table cannot be reached."""
A_SECOND = 6
PERIOD = 1.0
QUICK = {
    "PYTHONPATH": str(RUNTIME),
    "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.5",
    "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "1",
}
LABEL = "local run on an emulator, one second a point; not AWS"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pipeline for a while, break it, mend it, and draw its dashboard."""
    parser = argparse.ArgumentParser(prog="python -m local.dashboard", description=__doc__)
    parser.add_argument("--output", type=Path, default=PICTURE, help="the PNG to write")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long the run is")
    options = parser.parse_args(arguments)
    config = engine.stack_config(ROOT, STACK)
    out = show.console()
    with emulators.running(QUICK) as emulator:
        cloud = Cloud(emulator.endpoint, config["aws:region"])
        with show.stage(out, "program deployed"):
            outputs = engine.run(ROOT, STACK, config, CloudMocks(cloud))
        metrics = Metrics()
        with show.stage(out, "files uploaded, table lost and found, events redriven"):
            start, end = run(cloud, outputs, metrics, options.seconds)
        from_log(cloud, outputs["LambdaFunctionName"], outputs["DynamoDBTableName"], metrics)
        name = outputs["DashboardUrl"].rpartition("/")[2]
        body = cloud("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    with show.stage(out, f"{options.output} drawn"):
        drawn = figure(json.loads(body), metrics, start, end)
        drawn.savefig(options.output, metadata={"Software": None})
    return 0


def run(
    cloud: Cloud, outputs: Mapping[str, str], metrics: Metrics, seconds: float
) -> tuple[float, float]:
    """Upload, overwrite and delete; lose the table for a while; redrive what was parked.

    Returns:
        When it began and ended, seconds since the epoch.
    """
    watch = QueueWatch(cloud, outputs["FailureQueueUrl"], metrics)
    watch.start()
    start = time.time()
    dice = random.Random(2)  # noqa: S311 - the same run each time, not a secret
    broken = mended = False
    while (passed := time.time() - start) < seconds:
        if not broken and passed > OUTAGE[0] * seconds:
            _set_table(cloud, outputs, "no-such-table")
            broken = True
        if not mended and passed > OUTAGE[1] * seconds:
            _set_table(cloud, outputs, outputs["DynamoDBTableName"])
            mended = True
        _change(cloud, outputs["S3BucketName"], dice)
        time.sleep(dice.expovariate(A_SECOND))
    _settle(cloud, outputs)
    queue = redrives.FailureQueue(cloud("sqs"), outputs["FailureQueueUrl"])
    redrives.redrive(
        queue,
        cloud("lambda"),
        outputs["LambdaFunctionName"],
        rate=A_SECOND,
        until=queue.now(),
        stop=threading.Event(),
        done=lambda _: None,
    )
    time.sleep(3 * PERIOD)
    watch.end()
    return start, time.time()


def _change(cloud: Cloud, bucket: str, dice: random.Random) -> None:
    key = f"file {dice.randrange(60):02}.csv"
    if dice.random() < 0.15:
        cloud("s3").delete_object(Bucket=bucket, Key=key)
    else:
        cloud("s3").put_object(Bucket=bucket, Key=key, Body=b"x" * dice.randrange(2000))


def _set_table(cloud: Cloud, outputs: Mapping[str, str], table: str) -> None:
    function = outputs["LambdaFunctionName"]
    found = cloud("lambda").get_function_configuration(FunctionName=function)
    variables = found["Environment"]["Variables"] | {"DYNAMODB_TABLE_NAME": table}
    cloud("lambda").update_function_configuration(
        FunctionName=function, Environment={"Variables": variables}
    )


def _settle(cloud: Cloud, outputs: Mapping[str, str]) -> None:
    """Wait until the last retries are over."""
    depth, deadline = -1, time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = cloud("sqs").get_queue_attributes(
            QueueUrl=outputs["FailureQueueUrl"], AttributeNames=["ApproximateNumberOfMessages"]
        )
        before, depth = depth, int(answer["Attributes"]["ApproximateNumberOfMessages"])
        if depth == before:
            return
        time.sleep(3 * PERIOD)


def figure(body: Mapping[str, Any], metrics: Metrics, start: float, end: float) -> Figure:
    """Draw the metric panels of a dashboard's body, placed as they are there.

    Args:
        body: the dashboard's.
        metrics: the figures.
        start: when they begin, seconds since the epoch.
        end: when they end.
    """
    panels = [widget for widget in body["widgets"] if widget["type"] == "metric"]
    top = min(panel["y"] for panel in panels)
    bottom = max(panel["y"] + panel["height"] for panel in panels)
    drawn = Figure(figsize=(15, (bottom - top) * 0.52 + 0.6), dpi=80, layout="constrained")
    grid = drawn.add_gridspec(bottom - top, WIDTH)
    for panel in panels:
        row, column = panel["y"] - top, panel["x"]
        place = grid[row : row + panel["height"], column : column + panel["width"]]
        _panel(drawn.add_subplot(place), panel["properties"], metrics, (start, end))
    drawn.suptitle(LABEL)
    return drawn


def _panel(
    axes: Axes, properties: Mapping[str, Any], metrics: Metrics, span: tuple[float, float]
) -> None:
    axes.set_title(properties["title"], fontsize=11, loc="left")
    axes.set_ylabel(properties["yAxis"]["left"]["label"], fontsize=8)
    right: Axes | None = None
    drawn = []
    for number, line in enumerate(properties["metrics"]):
        given = line[-1] if isinstance(line[-1], dict) else {}
        namespace, metric, *pairs = [part for part in line if not isinstance(part, dict)]
        name = series_name(namespace, metric, dict(zip(pairs[::2], pairs[1::2], strict=True)))
        points = metrics.series(name, given.get("stat", properties["stat"]), *span, PERIOD)
        if not points:
            continue
        if given.get("yAxis") == "right" and right is None:
            right = axes.twinx()
            right.tick_params(labelsize=8)
            right.set_ylabel(properties["yAxis"]["right"]["label"], fontsize=8)
        target = right if given.get("yAxis") == "right" and right else axes
        label = given.get("label", metric) + (" (right)" if target is right else "")
        times, values = zip(*points, strict=True)
        seconds = [when - span[0] for when in times]
        drawn += target.plot(seconds, values, ".-", color=f"C{number}", label=label, linewidth=1)
    for line in properties.get("annotations", {}).get("horizontal", []):
        axes.axhline(line["value"], color="grey", linestyle="--", linewidth=1)
        end = span[1] - span[0]
        axes.annotate(
            line["label"], (end, line["value"]), fontsize=8, color="grey", va="top", ha="right"
        )
    axes.set_xlim(0, span[1] - span[0])
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    if drawn:
        axes.legend(handles=drawn, fontsize=8, loc="upper left")
    else:
        axes.text(0.5, 0.5, "nothing here measures it", transform=axes.transAxes, ha="center")


if __name__ == "__main__":
    sys.exit(main())
