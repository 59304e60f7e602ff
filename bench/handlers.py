"""Measures the handlers: cold, warm, a hundred records at once, calls, and log bytes."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence

from bench import runtime
from bench.counting import counting
from bench.testbed import HANDLERS, Resources
from bench.worker import WARM_UP

Figures = dict[str, float]
COMPARED = ("common design", "this project")
# Measured a second time under another name, to show the noise.
SECOND = "this project again"
ORDER = (*COMPARED, "bare HTTP", SECOND)
DELAY_SECONDS = 0.01


def measure(resources: Resources, rounds: int, records: int) -> dict[str, Figures]:
    """Run each handler in turn, round by round, each time in a new process.

    Args:
        resources: bucket and table.
        rounds: how often each handler runs.
        records: how many warm records a process handles one by one.

    Returns:
        The median of each figure, by handler; times of a process in ms, of a record in us.
    """
    ran: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(rounds):
        for name in ORDER:
            handler = HANDLERS["this project" if name == SECOND else name]
            figures = resources.measure(handler, resources.events(WARM_UP + records))
            if name in COMPARED:
                # Cold start in AWS's runtime client: process to first answer.
                figures["runtime_first_ms"], _ = runtime.run(
                    resources, handler, resources.events(1), "JSON", "INFO"
                )
            ran[name].append(figures)
    return {name: medians(of) for name, of in ran.items()}


def medians(ran: Sequence[Figures]) -> Figures:
    """The median of each figure."""
    return {figure: statistics.median(each[figure] for each in ran) for figure in ran[0]}


def hundred(resources: Resources, name: str) -> Figures:
    """Handle a hundred records in one event, and one by one; each call is answered after 10 ms.

    S3 and DynamoDB take about that long within a region. Without the delay there would be no waits
    on loopback, and concurrency would gain nothing.
    """
    with counting(resources.cloud.endpoint, Counter(), DELAY_SECONDS) as endpoint:
        one_by_one, together = (
            resources.measure(HANDLERS[name], events, AWS_ENDPOINT_URL=endpoint)
            for events in (
                resources.events(WARM_UP + 100),
                resources.events(WARM_UP) + resources.events(1, 100),
            )
        )
    return {
        "one_by_one_ms": one_by_one["warm_wall_us"] * 100 / 1e3,
        "together_ms": together["warm_wall_us"] * 100 / 1e3,
    }


def log_bytes(resources: Resources, name: str, records: int) -> Figures:
    """Billed bytes for each object, in warm single-record events, of the function and of Lambda.

    The common design logs text, with Lambda's own lines. This project has Lambda's own lines only
    at DEBUG, as `pipeline/processor.py` sets it. At DEBUG both log JSON.
    """

    def logged(log_format: str, level: str) -> float:
        events = resources.events(1 + records)
        return runtime.log_bytes(resources, HANDLERS[name], events, log_format, level)

    platform = as_json = runtime.billed(runtime.PLATFORM_JSON)
    if name == "this project":
        info, warning = logged("JSON", "INFO"), logged("JSON", "WARN")
    else:
        platform = runtime.billed(runtime.PLATFORM_TEXT)
        # Lambda's default, which most never change.
        info = warning = logged("Text", "INFO") + platform
    return {
        "log_bytes_INFO": info,
        "log_bytes_WARNING": warning,
        "log_bytes_DEBUG": logged("JSON", "DEBUG") + as_json,
        "platform_bytes": platform,
    }


def calls(resources: Resources, name: str, records: int, **more: str) -> Figures:
    """API calls and write units for each object, counted by a proxy before the emulator."""
    found = resources.count(HANDLERS[name], resources.events(records), **more)
    units = found.pop("write units")
    return {"calls": sum(found.values()), "write_units": units}
