"""Limits how fast calls follow each other."""

import random
import threading
import time
from dataclasses import dataclass

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0


@dataclass
class Pace:
    """A limit of calls a second."""

    rate: float
    stop: threading.Event
    _next: float = 0.0

    def wait(self, count: int = 1) -> bool:
        """Wait until ``count`` calls may follow; False if stopped in the meantime."""
        stopped = self.stop.wait(max(0.0, self._next - time.monotonic()))
        self._next = max(self._next, time.monotonic()) + count / self.rate
        return not stopped


@dataclass
class Backoff:
    """Exponential backoff with jitter, before a call is repeated.

    botocore does this after a call that failed, but not after one that succeeded in part.
    """

    stop: threading.Event
    _longest: float = FIRST_PAUSE_SECONDS

    def wait(self) -> bool:
        """Wait; False if stopped in the meantime."""
        pause = random.uniform(self._longest / 2, self._longest)  # noqa: S311 - not for secrets
        self._longest = min(2 * self._longest, LONGEST_PAUSE_SECONDS)
        return not self.stop.wait(pause)
