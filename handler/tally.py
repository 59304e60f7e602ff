"""Counts outcomes that are not worth a log line each, and logs the counts now and then."""

import logging
import threading
import time
from collections import Counter

MOST_RECORDS = 100
LONGEST_SECONDS = 60


class Tally:
    """What one container has done and not yet logged.

    Where the log level leaves out a line a record, metrics would go dark. So the outcomes are
    added up and logged in one warning each: the first at once, then every 100 records or with the
    first record after 60 seconds. Counts that an idle container has not logged are lost.
    """

    def __init__(self, log: logging.Logger) -> None:
        """Take the log that the counts go to."""
        self._log = log
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._lags: dict[str, int] = {}
        self._logged = float("-inf")

    def add(self, outcome: str, lag_ms: int) -> None:
        """Count one record, whose row came so many milliseconds after the event."""
        with self._lock:
            self._counts[outcome] += 1
            self._lags[outcome] = lag_ms
            late = time.monotonic() - self._logged >= LONGEST_SECONDS
            if late or self._counts.total() >= MOST_RECORDS:
                self._write()

    def _write(self) -> None:
        for outcome, count in self._counts.items():
            # The last lag stands for all: a sample, which the largest would not be.
            fields = {"outcome": outcome, "count": count, "lag_ms": self._lags[outcome]}
            self._log.warning(outcome, extra=fields)
        self._counts.clear()
        self._logged = time.monotonic()
