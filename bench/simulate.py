"""What becomes of N objects a second on Lambda's asynchronous path, second by second.

Events move in groups, so that minutes of ten thousand a second take a moment. The rules are AWS's:

- A throttled event goes back to the queue, is tried again after 1 s, 2 s ... 5 min, and given up
  at 6 h. One whose run failed is tried again after 1 and 2 minutes, then parked.
  https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
- For asynchronous events concurrency is the only limit on requests.
  https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
- A table on demand takes at once twice its peak of half an hour ago.
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html

Left out, for want of numbers: that a long queue is read more slowly and may drop events, that
idle containers end, how long S3 takes to announce. A throttled event waits half to all of its time.
"""

import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click

from bench.cost import Row, show

RETRY_SECONDS, LONGEST_BACKOFF, LONGEST_AGE = (60, 120), 300, 6 * 3600
# 1,000 containers, or 10,000 requests a second, more every 10 seconds; refilled all the time:
# https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
SCALING_UNITS, SCALING_SECONDS, REQUESTS_A_UNIT = 1_000, 10, 10
# A second, for each partitioned prefix:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
PREFIX_READS, PREFIX_WRITES = 5_500, 3_500
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
TABLE_QUOTA = 40_000
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html
NEW_TABLE, PARTITION_WRITES, PEAK_AGE = 4_000, 1_000, 30 * 60
# Mean wait of a call's one retry, as handler/service.py has it.
SDK_BACKOFF = 0.5
GROUPS, COUNT = 5_000, click.IntRange(min=1)  # events move in so many groups, or more


@dataclass(frozen=True, kw_only=True)
class Load:
    """What comes, and what is there to take it."""

    rate: int = 10_000  # objects a second
    seconds: int = 900
    duration_ms: float = 21.0  # mean of a run: 1.3 ms of CPU at 256 MB, and 12 ms of waits
    spread: float = 0.5  # sigma of the lognormal distribution of durations
    start_ms: float = 700.0  # of a container
    failures: float = 0.001  # share of runs that fail by themselves
    concurrency: int = 1_000  # the account's quota
    reserved: int | None = None  # the function's own part of it; it gets no more
    prefixes: int | None = None  # partitioned ones; None for as many as the uploads need
    table_writes: int = NEW_TABLE  # units a second that the table is warm for
    table_quota: int = TABLE_QUOTA
    hot_share: float = 0.0  # of the events, on one key, thus in one partition; others are even
    seed: int = 1

    @property
    def most(self) -> int:
        """Runs at once."""
        return min(self.concurrency, self.reserved or self.concurrency)


class Group(NamedTuple):
    """Events that came together and fared alike."""

    arrived: int
    piece: int
    failed: int = 0
    throttled: int = 0

    def backoff(self) -> int:
        """Seconds until they are tried again, spread so that pieces do not come together."""
        share = (self.piece * 0.618 + self.throttled * 0.382) % 1
        return max(1, round(min(LONGEST_BACKOFF, 1 << self.throttled) * (1 + share) / 2))


def limits(load: Load, peak: int = 0) -> dict[str, float]:
    """Events a second that each part takes, the table after a peak of half an hour ago."""
    return {
        "table": max(load.table_writes, 2 * peak),
        "table quota": load.table_quota,
        "one partition": PARTITION_WRITES / load.hot_share if load.hot_share else math.inf,
        "S3 prefixes": PREFIX_READS * (load.prefixes or math.ceil(load.rate / PREFIX_WRITES)),
    }


def first_limit(load: Load) -> str:
    """What holds the load back first; a limit that it stays below does not."""
    found = limits(load) | {"concurrency": load.most / load.duration_ms * 1000}
    lowest = min(found, key=lambda name: found[name])
    return f"{lowest}, {found[lowest]:,.0f} a second" if found[lowest] < load.rate else "none"


class Run:
    """A simulation under way."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.past: list[Row] = []
        self.due: dict[int, Counter[Group]] = defaultdict(Counter)  # by the second of the next try
        # Dice of their own, so that durations are the same whatever happens to the events.
        self._durations, self._faults = (random.Random(load.seed) for _ in range(2))  # noqa: S311
        self._tokens, self._units, self._containers = float(SCALING_UNITS), 0, 0
        self._peaks = [0] * PEAK_AGE
        self._waiting = self._parked = self._expired = 0

    def step(self, arriving: int) -> None:
        """Let a second pass, and note it: events, and the oldest one's age in seconds.

        ``parked`` are those so far that failed three times, ``expired`` those parked for their age.
        """
        now = len(self.past)
        pieces = math.ceil(GROUPS / self.load.seconds)
        for piece in range(pieces):
            count = arriving * (piece + 1) // pieces - arriving * piece // pieces
            self._wait(now, Group(now, piece), count)
        due = sorted(self.due.pop(now, Counter()).items())
        self._waiting -= sum(count for _, count in due)
        fresh = [(group, count) for group, count in due if now - group.arrived < LONGEST_AGE]
        offered = sum(count for _, count in fresh)
        self._expired += sum(count for _, count in due) - offered
        found = limits(self.load, self._peaks[now])
        taken = min(found.values())
        started, at_once = self._start(offered, taken)
        done = self._handle(now, fresh, started, min(started, math.floor(taken)))
        self._peaks.append(max(done, self._peaks[-1]))
        self.past.append(
            {
                "second": now,
                "arrived": arriving,
                "done": done,
                "throttled": offered - started,
                "waiting": self._waiting,
                "age": now - fresh[0][0].arrived if fresh else 0,
                "parked": self._parked,
                "expired": self._expired,
                "at once": at_once,
                "table takes": min(found["table"], found["table quota"]),
            }
        )

    def _wait(self, until: int, group: Group, count: int) -> None:
        if count:
            self.due[until][group] += count
            self._waiting += count

    def _start(self, offered: int, taken: float) -> tuple[int, int]:
        """How many runs start, and how many there are at once."""
        load = self.load
        sample = sum(self._durations.lognormvariate(0, load.spread) for _ in range(64)) / 64
        each = load.duration_ms / 1000 * sample / math.exp(load.spread**2 / 2)

        def at_once(runs: int) -> float:
            # If a share of runs is refused twice, its square root is refused once, and waits for
            # the SDK to try again.
            refused = math.sqrt(1 - taken / runs) if runs > taken else 0.0
            return runs * (each + refused * SDK_BACKOFF)

        self._tokens = min(SCALING_UNITS, self._tokens + SCALING_UNITS / SCALING_SECONDS)
        needed = math.ceil(max(at_once(offered), offered / REQUESTS_A_UNIT))
        more = max(0, min(int(self._tokens), needed - self._units))
        self._tokens, self._units = self._tokens - more, self._units + more
        new = min(load.most, self._units) - self._containers
        self._containers += new
        ready = self._containers - new * min(1.0, load.start_ms / 1000)
        low, high = 0, min(offered, self._units * REQUESTS_A_UNIT) + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if at_once(middle) <= ready else (low, middle)
        return low, math.ceil(at_once(low))

    def _handle(self, now: int, due: list[tuple[Group, int]], started: int, written: int) -> int:
        """Give runs to the oldest first, and writes to all alike; the rest waits again."""
        done = seen = 0
        for group, count in due:
            runs = min(count, started - seen)
            right = (seen + runs) * written // max(started, 1) - seen * written // max(started, 1)
            right -= min(right, int(right * self.load.failures + self._faults.random()))
            seen, done = seen + runs, done + right
            if group.failed == len(RETRY_SECONDS):
                self._parked += runs - right
            else:
                failed = group._replace(failed=group.failed + 1, throttled=0)
                self._wait(now + RETRY_SECONDS[group.failed], failed, runs - right)
            throttled = group._replace(throttled=group.throttled + 1)
            self._wait(now + group.backoff(), throttled, count - runs)
        return done


def simulate(load: Load) -> Run:
    """Let the load come, and what waits be worked off, as long as events can wait."""
    run = Run(load)
    while len(run.past) < load.seconds or run.due:
        run.step(load.rate if len(run.past) < load.seconds else 0)
    return run


def summary(name: str, run: Run) -> Row:
    """A run in a line."""
    past = run.past
    return {
        "load": name,
        "first limit": first_limit(run.load),
        "at once": max(second["at once"] for second in past),
        "longest queue": max(second["waiting"] for second in past),
        "oldest, s": max(second["age"] for second in past),
        "throttled": sum(second["throttled"] for second in past),
        "parked": past[-1]["parked"],
        "too old": past[-1]["expired"],
        "empty after, s": len(past) - run.load.seconds,
    }


SCENARIOS = {
    "10,000 a second for 15 minutes, as deployed": Load(),
    "the same, `reservedConcurrency` 90": Load(reserved=90),
    "the same, table warm for 12,000": Load(table_writes=12_000),
    "a million in 10 seconds, as deployed": Load(rate=100_000, seconds=10),
    "50,000 a second, table warm for 40,000": Load(rate=50_000, table_writes=40_000),
    "the same, quota and table 60,000, concurrency 3,000": Load(
        rate=50_000, table_writes=60_000, table_quota=60_000, concurrency=3_000
    ),
}


@click.command()
@click.option("--rate", default=10_000, type=COUNT, help="Objects a second.")
@click.option("--seconds", default=900, type=COUNT, help="How long they come.")
@click.option("--concurrency", default=1_000, type=COUNT, help="The account's quota.")
@click.option("--reserved", type=COUNT, help="The function's reserved concurrency.")
@click.option("--table-writes", default=NEW_TABLE, type=COUNT, help="What it is warm for.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.option("--write", type=click.Path(path_type=Path, exists=True), help="Cases into a page.")
def main(as_json: bool, write: Path | None, **given: Any) -> None:
    """What becomes of so many objects a second."""
    cases = SCENARIOS if write else {"as given": Load(**given)}
    runs = {name: simulate(load) for name, load in cases.items()}
    tables = {"load": [summary(name, run) for name, run in runs.items()]}
    if not write:
        tables["minutes"] = runs["as given"].past[::60]
    show(tables, write, as_json)


if __name__ == "__main__":
    main()
