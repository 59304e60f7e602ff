"""The progress of an audit, which one invocation passes to the next."""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

GRACE_SECONDS = 900.0
"""How long a change may take to reach the table, as with ``ops verify``."""


@dataclass
class Progress:
    """The progress; every field is a JSON value."""

    grace: float = GRACE_SECONDS
    """Seconds."""
    began: float = field(default_factory=time.time)
    """Seconds since 1970."""
    run: int = 1
    """The number of this invocation in the audit, from 1."""
    after: str = ""
    """The last key that was compared."""
    walked: bool = False
    """Whether that was the last key of all."""
    share: float = 0.3
    """The part of the remaining time for a window's listing; reading its rows takes longer."""
    aborted: int = 0
    """How many windows in a row ended before all their rows were read."""
    undated: list[str] = field(default_factory=list)
    """Keys that disagree and changed at an unknown time, to be read once more after the grace."""
    seen_at: float = 0.0
    """When the last key of ``undated`` was read, seconds since 1970."""
    unconfirmed: int = 0
    """How many such keys do not fit into ``undated``, and are not read again."""
    compared: int = 0
    too_recent: int = 0
    found: dict[str, int] = field(default_factory=dict)
    """The number of findings of each kind."""
    repaired: int = 0

    @classmethod
    def of(cls, event: dict[str, Any]) -> Self:
        """Read the progress from an event, or begin an audit.

        Args:
            event: an invocation's event, with the ``progress`` of the last invocation. Without
                ``progress`` an audit begins; ``graceSeconds`` then replaces the 900 seconds.
        """
        if "progress" in event:
            handed_on = cls(**event["progress"])
            handed_on.run += 1
            return handed_on
        return cls(grace=float(event.get("graceSeconds", GRACE_SECONDS)))

    def event(self) -> dict[str, Any]:
        """The event that continues the audit."""
        return {"progress": asdict(self)}

    @property
    def disagree(self) -> int:
        """How many rows disagree, after the repair if there was one."""
        return sum(self.found.values()) - self.repaired


class Deadline(threading.Event):
    """A stop event that is set by itself shortly before time is over."""

    def __init__(self, left: Callable[[], float], reserve: float) -> None:
        """Store when it is set.

        Args:
            left: returns the remaining seconds.
            reserve: how many seconds before the end it is set.
        """
        super().__init__()
        self._left, self._reserve = left, reserve

    def left(self) -> float:
        """Return the seconds until it is set."""
        return max(0.0, self._left() - self._reserve)

    def is_set(self) -> bool:
        """Whether it is time to stop."""
        return self.left() <= 0

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most ``timeout`` seconds; True if it is set."""
        left = self.left()
        over = timeout is None or timeout >= left
        time.sleep(left if over else timeout or 0.0)
        return over or self.is_set()
