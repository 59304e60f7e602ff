"""The measuring itself: references do the same work, and what is counted is what was done."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from bench import handlers, runtime
from bench.counting import counting
from bench.report import GOALS, ROWS, markdown, verdicts
from bench.testbed import BUCKET, HANDLERS, TABLE, Resources, key, running
from bench.worker import WARM_UP
from local.cloud import Cloud

OURS = HANDLERS["this project"]


@pytest.fixture(scope="module")
def resources() -> Iterator[Resources]:
    with running() as made:
        yield made


def rows(of: Resources) -> dict[str, dict[str, Any]]:
    items = of.cloud("dynamodb").scan(TableName=TABLE)["Items"]
    return {item["file_key"]["S"]: item for item in items}


@pytest.mark.parametrize("name", HANDLERS)
def test_each_handler_makes_the_row_of_each_record(resources: Resources, name: str) -> None:
    for file in rows(resources):
        resources.cloud("dynamodb").delete_item(TableName=TABLE, Key={"file_key": {"S": file}})
    events = resources.events(WARM_UP + 2)
    figures = resources.measure(HANDLERS[name], events)
    keys = {event["Records"][0]["s3"]["object"]["key"] for event in events}
    assert rows(resources).keys() == keys
    assert all(row["file_size"]["N"] == "1024" for row in rows(resources).values())
    assert all(value > 0 for value in figures.values())


def test_a_handler_that_fails_stops_the_measuring(resources: Resources) -> None:
    broken = resources.events(1)
    broken[0]["Records"][0]["s3"]["bucket"]["name"] = "another"
    with pytest.raises(RuntimeError, match=f"s3.bucket.name must be {BUCKET}"):
        resources.measure(OURS, broken)


@pytest.mark.parametrize("level", ["INFO", "WARN"])
def test_the_runtime_client_runs_the_handler(resources: Resources, level: str) -> None:
    first_ms, lines = runtime.run(resources, OURS, resources.events(3), "JSON", level)
    told = [json.loads(line) for line in lines]
    counted = [line["count"] for line in told if line.get("outcome") == "completed"]
    assert counted == ([1, 1, 1] if level == "INFO" else [1])
    assert first_ms > 0


def test_a_failure_in_the_runtime_client_is_told(resources: Resources) -> None:
    with pytest.raises(RuntimeError, match="must have a list Records"):
        runtime.run(resources, OURS, [{"no": "records"}], "JSON", "INFO")


def test_each_event_of_the_log_is_billed_26_bytes_more_than_its_text() -> None:
    assert runtime.billed(["é", ""]) == 2 + 26 + 26


def test_calls_and_write_units_are_counted_on_the_way(resources: Resources) -> None:
    for name in handlers.COMPARED:
        assert handlers.calls(resources, name, 12) == {"calls": 2, "write_units": 1}


def test_a_large_item_takes_more_units(resources: Resources) -> None:
    seen: Counter[str] = Counter()
    with counting(resources.cloud.endpoint, seen) as endpoint:
        item = {"file_key": {"S": "large"}, "text": {"S": "x" * 2000}}
        Cloud(endpoint, "us-east-1")("dynamodb").put_item(TableName=TABLE, Item=item)
    assert seen == {"PutItem": 1, "write units": math.ceil((8 + 5 + 4 + 2000) / 1024)}


def test_each_answer_is_held_back_as_long_as_told(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[float] = []
    monkeypatch.setattr("bench.counting.time.sleep", held.append)
    with counting(resources.cloud.endpoint, Counter(), 0.25) as endpoint:
        for _ in range(2):
            Cloud(endpoint, "us-east-1")("s3").head_object(Bucket=BUCKET, Key=key(0))
    assert held == [0.25, 0.25]


def found(**changed: float) -> dict[str, Any]:
    """Figures that meet each goal just so, but for those that are changed."""
    common = dict.fromkeys([*ROWS, "import_cpu_ms", "cold_cpu_ms"], 100.0)
    common |= {"warm_cpu_us": 100_000, "calls": 2, "write_units": 1}
    project = common | {
        "warm_cpu_us": 20_000,
        "cold_ms": 20,
        "peak_rss_mb": 45,
        "log_bytes_INFO": 50,
        "log_bytes_WARNING": 10,
        "together_ms": 15,
    }
    project |= changed
    about = {"taken": "now", "seconds": 1, "python": "3", "botocore": "1", "machine": "m"}
    return {**about, "handlers": {"common design": common, "this project": project}}


def test_a_goal_is_met_at_its_bound() -> None:
    assert all(verdicts(found()).values())


@pytest.mark.parametrize(
    ("figure", "value", "goal"),
    [
        ("warm_cpu_us", 20_001, "warm"),
        ("import_ms", 100_000, "cost"),
        ("cold_ms", 20.1, "cold"),
        ("peak_rss_mb", 45.1, "memory"),
        ("log_bytes_INFO", 50.1, "info"),
        ("log_bytes_WARNING", 10.1, "warning"),
        ("calls", 2.1, "calls"),
        ("write_units", 1.1, "units"),
        ("together_ms", 15.1, "hundred"),
    ],
)
def test_a_goal_beyond_its_bound_is_missed_alone(figure: str, value: float, goal: str) -> None:
    missed = [name for name, met in verdicts(found(**{figure: value})).items() if not met]
    assert missed == [goal]


def test_the_table_has_every_goal_and_figure() -> None:
    table = markdown(found())
    texts = [goal.text for goal in GOALS.values()] + list(ROWS.values())
    assert [text for text in texts if f"| {text} |" not in table] == []
