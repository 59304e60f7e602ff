"""The handlers side by side: cold, warm, a hundred at once, calls, and log bytes."""

import json
import statistics
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from bench import runtime
from bench.counting import counting
from bench.testbed import HANDLERS, Resources, write_events
from bench.worker import WARM_UP

Figures = dict[str, float]
# The second time, under another name, it shows what is noise.
SECOND = "this project again"
ORDER = ("common design", "this project", "bare HTTP", SECOND)
DELAY_SECONDS = 0.01


def measure(resources: Resources, rounds: int, records: int) -> dict[str, Figures]:
    """Run each handler in turn, round by round, each time in a fresh process.

    Args:
        resources: where they run.
        rounds: how many times.
        records: how many warm records a process handles one by one.

    Returns:
        The median of each figure, by handler; times of a process in ms, of a record in us.
    """
    seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name in ORDER:
                handler = HANDLERS["this project" if name == SECOND else name]
                one_by_one = resources.events(WARM_UP + records)
                for figure, value in _worker(resources, handler, folder, one_by_one).items():
                    seen[name][figure].append(value)
    return {
        name: {figure: statistics.median(values) for figure, values in figures.items()}
        for name, figures in seen.items()
    }


def _worker(
    resources: Resources, handler: tuple[Path, str], folder: str, events: list[dict[str, object]]
) -> Mapping[str, float]:
    path = write_events(Path(folder), events)
    found: Mapping[str, float] = json.loads(
        resources.run("bench.worker", str(handler[0]), handler[1], path)
    )
    return found


def hundred(resources: Resources) -> dict[str, Figures]:
    """A hundred records in one event and one by one, each call's answer after 10 ms.

    About what S3 and DynamoDB take within a region; on loopback alone nothing is waited for, and
    there is nothing to gain by doing it at the same time.
    """
    found: dict[str, Figures] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        counting(resources.cloud.endpoint, Counter(), DELAY_SECONDS) as endpoint,
    ):
        for name in ("common design", "this project"):
            figures = {}
            for figure, events in (
                ("one_by_one_ms", resources.events(WARM_UP + 100)),
                ("together_ms", resources.events(WARM_UP) + resources.events(1, 100)),
            ):
                path = write_events(Path(folder), events)
                where, module = HANDLERS[name]
                ran = json.loads(
                    resources.run(
                        "bench.worker", str(where), module, path, AWS_ENDPOINT_URL=endpoint
                    )
                )
                figures[figure] = ran["warm_wall_us"] * 100 / 1e3
            found[name] = figures
    return found


def in_runtime(resources: Resources, rounds: int) -> dict[str, Figures]:
    """Cold start in AWS's runtime client: process to first answer, ms."""
    seen: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name in ("common design", "this project"):
            ran = runtime.run(
                *HANDLERS[name],
                resources.events(1),
                resources.environment(),
                log_format="JSON",
                log_level="INFO",
            )
            seen[name].append(ran.first_ms)
    return {name: {"runtime_first_ms": statistics.median(v)} for name, v in seen.items()}


def log_bytes(resources: Resources, records: int) -> dict[str, Figures]:
    """Billed bytes an object, warm, single-record events: the function's lines and Lambda's.

    The common design logs text and has Lambda's own lines; this project has them at DEBUG alone, as
    `pipeline/processor.py` sets them. DEBUG is in JSON for both.
    """
    text, as_json = (runtime.billed(p) for p in (runtime.PLATFORM_TEXT, runtime.PLATFORM_JSON))
    logged = _logged(resources, "common design", records, "Text", "INFO")
    return {
        "common design": {
            "log_bytes_INFO": logged + text,
            # What most never change.
            "log_bytes_WARNING": logged + text,
            "log_bytes_DEBUG": _logged(resources, "common design", records, "JSON", "DEBUG")
            + as_json,
            "platform_bytes": text,
        },
        "this project": {
            "log_bytes_INFO": _logged(resources, "this project", records, "JSON", "INFO"),
            "log_bytes_WARNING": _logged(resources, "this project", records, "JSON", "WARN"),
            "log_bytes_DEBUG": _logged(resources, "this project", records, "JSON", "DEBUG")
            + as_json,
            "platform_bytes": as_json,
        },
    }


def _logged(resources: Resources, name: str, records: int, log_format: str, level: str) -> float:
    cold = 1
    ran = runtime.run(
        *HANDLERS[name],
        resources.events(cold + records),
        resources.environment(),
        log_format=log_format,
        log_level=level,
    )
    # Where the emulator is, is told by a variable that Lambda does not have.
    told = [line for line in ran.lines if "Found endpoint for" not in line]
    return runtime.billed(told) / (cold + records)


def calls(resources: Resources, records: int) -> dict[str, Figures]:
    """API calls and write units an object, counted on the way to the emulator."""
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("common design", "this project"):
            seen: Counter[str] = Counter()
            with counting(resources.cloud.endpoint, seen) as endpoint:
                events = write_events(Path(folder), resources.events(records))
                folder_of, module = HANDLERS[name]
                resources.run(
                    "bench.worker", str(folder_of), module, events, AWS_ENDPOINT_URL=endpoint
                )
            found[name] = {
                "calls": sum(n for what, n in seen.items() if what != "write units") / records,
                "write_units": seen["write units"] / records,
            }
    return found
