"""Reports the figures: a table beside the references, and which goals are met."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from bench.cost import Assumptions, Figures, per_million, times
from bench.cost import markdown as table
from pipeline.settings import Settings

Found = Mapping[str, Any]
Measured = Mapping[str, float]
"""A handler's figures."""
METRICS = {"common design": 0, "this project": 5}
"""Custom metrics made from a handler's log: four outcomes and the lag."""


@dataclass(frozen=True)
class Goal:
    """A limit of a value of this project, or of its ratio to the common design's."""

    text: str
    value: Callable[[Measured], float]
    most: float
    is_ratio: bool = True

    def measured(self, found: Found, name: str) -> float:
        """The value of a handler; raises KeyError if it has no such figure."""
        value = self.value(found["handlers"][name])
        return value / self.value(found["handlers"]["common design"]) if self.is_ratio else value


def cost_figures(of: Measured, metrics: int = 0) -> dict[str, Any]:
    """Convert to the figures that `bench.cost` prices. DynamoDB's calls are billed by unit."""
    return {
        **times(of),
        "api_calls": of["calls"] - of["write_units"],
        "write_units": of["write_units"],
        "log_bytes": {level: of[f"log_bytes_{level}"] for level in ("INFO", "WARNING")},
        "metric_count": metrics,
    }


def _dollars(of: Measured) -> float:
    """Price a million objects, without metrics, whose monthly price does not depend on the load."""
    figures = Figures(**cost_figures(of))
    return sum(per_million(figures, Assumptions(), Settings.memory_size, "WARNING").values())


def _together(of: Measured) -> float:
    return of["together_ms"] / of["one_by_one_ms"]


GOALS = {
    "warm": Goal(
        "CPU per warm record, relative to the common design", itemgetter("warm_cpu_us"), 0.2
    ),
    "cold": Goal(
        "import and first record, relative to the common design", itemgetter("cold_ms"), 0.2
    ),
    "memory": Goal("peak memory, relative to the common design", itemgetter("peak_rss_mb"), 0.45),
    "info": Goal(
        "log bytes per object at INFO, relative to the common design",
        itemgetter("log_bytes_INFO"),
        0.5,
    ),
    "warning": Goal(
        "log bytes per object at WARNING, relative to the common design",
        itemgetter("log_bytes_WARNING"),
        0.1,
    ),
    "calls": Goal("API calls per object", itemgetter("calls"), 2, is_ratio=False),
    "units": Goal("write units per object", itemgetter("write_units"), 1, is_ratio=False),
    "hundred": Goal(
        "100 records in one event, relative to one by one", _together, 0.15, is_ratio=False
    ),
    "cost": Goal(
        "dollars per million objects at WARNING, relative to the common design", _dollars, 0.78
    ),
}
ROWS = {
    "warm_cpu_us": "CPU per warm record, µs",
    "warm_wall_us": "time per warm record, µs",
    "import_ms": "import, ms",
    "first_record_ms": "first record after it, ms",
    "cold_ms": "cold to the first row, ms",
    "runtime_first_ms": "the same in AWS's runtime client, ms",
    "peak_rss_mb": "peak memory, MB",
    "one_by_one_ms": "100 records one by one, calls of 10 ms, ms",
    "together_ms": "100 records in one event, calls of 10 ms, ms",
    "log_bytes_INFO": "billed log bytes per object, INFO",
    "log_bytes_WARNING": "billed log bytes per object, WARNING",
    "log_bytes_DEBUG": "billed log bytes per object, DEBUG, as JSON",
    "platform_bytes": "of which Lambda's own lines, where it writes them",
    "calls": "API calls per object",
    "write_units": "write units per object",
}


def verdicts(found: Found) -> dict[str, bool]:
    """Whether each goal is met."""
    return {name: goal.measured(found, "this project") <= goal.most for name, goal in GOALS.items()}


def markdown(found: Found) -> str:
    """Two tables: goals, with a second measurement and bare HTTP beside them; all handlers."""
    met = verdicts(found)
    compared = ("this project", "this project again", "bare HTTP")
    goals = [
        {
            "Goal": goal.text,
            **{name: _measured(goal, found, name) for name in compared},
            "At most": str(goal.most),
            "Met": "yes" if met[key] else "no",
        }
        for key, goal in GOALS.items()
    ]
    handlers = [
        {"Handler": text}
        | {
            name: _shown(found["handlers"].get(name, {}).get(figure))
            for name in ("common design", *compared)
        }
        for figure, text in ROWS.items()
    ]
    head = (
        f"Taken {found['taken']} in {found['seconds']} s: Python {found['python']},"
        f" botocore {found['botocore']}, {found['machine']}."
    )
    return f"{head}\n\n{table(goals)}\n\n{table(handlers)}\n"


def _measured(goal: Goal, found: Found, name: str) -> str:
    try:
        return f"{goal.measured(found, name):.2f}"
    except KeyError:
        return ""


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
