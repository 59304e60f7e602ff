"""Measures one handler in this process, and prints the figures as JSON.

`python -m bench.worker FOLDER MODULE` imports the handler as Lambda does, and runs the events of
its input, a JSON list, one after the other.
"""

import importlib
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

# The first calls find caches empty.
WARM_UP = 10


def main(folder: str, module: str) -> None:
    """Measure, and print the figures."""
    events = json.load(sys.stdin)
    sys.path.insert(0, folder)
    clocks = [_clocks()]
    handler = importlib.import_module(module).lambda_handler
    clocks.append(_clocks())
    for some in (events[:1], events[1:WARM_UP], events[WARM_UP:]):
        for event in some:
            handler(event, None)
        clocks.append(_clocks())
    records = sum(len(event["Records"]) for event in events[WARM_UP:])
    (imported, imported_cpu), (first, first_cpu), _, (warm, warm_cpu) = (
        (after[0] - before[0], after[1] - before[1]) for before, after in itertools.pairwise(clocks)
    )
    figures: dict[str, Any] = {
        "import_ms": imported * 1e3,
        "import_cpu_ms": imported_cpu * 1e3,
        "first_record_ms": first * 1e3,
        "cold_ms": (imported + first) * 1e3,
        "cold_cpu_ms": (imported_cpu + first_cpu) * 1e3,
        "peak_rss_mb": peak_kilobytes() / 1024,
    }
    if records:
        figures["warm_cpu_us"] = warm_cpu / records * 1e6
        figures["warm_wall_us"] = warm / records * 1e6
    print(json.dumps(figures))


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def peak_kilobytes() -> int:
    """The peak memory of this process."""
    # `getrusage` would return the peak of the parent process, if that was higher.
    status = Path("/proc/self/status")
    if not status.exists():
        import resource  # noqa: PLC0415 - only where there is no /proc

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(fields["VmHWM"].split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
