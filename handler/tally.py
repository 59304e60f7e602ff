"""Counts outcomes instead of logging a line for each record, and logs the counts periodically."""

import logging
import threading
import time
from collections import Counter

MOST_RECORDS = 100
LONGEST_SECONDS = 60


class Tally:
    """The outcomes that one container has not logged yet.

    At log level WARNING there is no line for each record, so the metrics would have no data.
    Instead, each outcome's count is logged as a warning: the first at once, then every 100 records
    or with the first record after 60 seconds. If a container ends, its unlogged counts are lost.
    """

    def __init__(self, log: logging.Logger) -> None:
        """Store the log for the counts."""
        self._log = log
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._lags: dict[str, int] = {}
        self._logged = float("-inf")

    def add(self, outcome: str, lag_ms: int) -> None:
        """Count one record; ``lag_ms`` is the time from its event to its row."""
        with self._lock:
            self._counts[outcome] += 1
            self._lags[outcome] = lag_ms
            late = time.monotonic() - self._logged >= LONGEST_SECONDS
            if late or self._counts.total() >= MOST_RECORDS:
                self._write()

    def _write(self) -> None:
        for outcome, count in self._counts.items():
            # Only the last lag is logged, as a sample; the largest would not be typical.
            fields = {"outcome": outcome, "count": count, "lag_ms": self._lags[outcome]}
            self._log.warning(outcome, extra=fields)
        self._counts.clear()
        self._logged = time.monotonic()
