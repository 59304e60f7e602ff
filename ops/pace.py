"""How fast calls follow each other."""

import random
import threading
import time
from dataclasses import dataclass

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0


@dataclass
class Pace:
    """Lets something happen so many times a second, at most."""

    rate: float
    stop: threading.Event
    _next: float = 0.0

    def wait(self, count: int = 1) -> bool:
        """Wait for the next turn, of so many at once; False if stopped meanwhile."""
        stopped = self.stop.wait(max(0.0, self._next - time.monotonic()))
        self._next = max(self._next, time.monotonic()) + count / self.rate
        return not stopped


@dataclass
class Backoff:
    """Pauses before a call that is made again: each about twice as long as the last, with jitter.

    botocore pauses so between attempts of a call that failed, but not where a call succeeds in
    part.
    """

    stop: threading.Event
    _longest: float = FIRST_PAUSE_SECONDS

    def wait(self) -> bool:
        """Wait; False if stopped meanwhile."""
        pause = random.uniform(self._longest / 2, self._longest)  # noqa: S311 - not for secrets
        self._longest = min(2 * self._longest, LONGEST_PAUSE_SECONDS)
        return not self.stop.wait(pause)
