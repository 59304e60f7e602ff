"""So many a second, at most."""

import threading
import time
from dataclasses import dataclass


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
