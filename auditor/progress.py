"""How far an audit has come: what one invocation hands on to the next."""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

GRACE_SECONDS = 900.0
"""How long a change may take to reach the table, as with ``ops verify``."""


@dataclass
class Progress:
    """All of it is JSON."""

    grace: float = GRACE_SECONDS
    """Seconds."""
    began: float = field(default_factory=time.time)
    """Seconds since 1970."""
    run: int = 1
    """Which invocation of this audit it is."""
    after: str = ""
    """The last key that was compared."""
    walked: bool = False
    """Whether that was the last of all."""
    share: float = 0.3
    """Of the time that is left, for a window's listing; its rows take longer."""
    aborted: int = 0
    """How many invocations in a row could not read the rows of the keys that they had listed."""
    undated: list[str] = field(default_factory=list)
    """Keys that disagree and changed at an unknown time, to be read once more after the grace."""
    seen_at: float = 0.0
    """When the last of them was read, seconds since 1970."""
    unconfirmed: int = 0
    """How many more of them there are than are handed on."""
    compared: int = 0
    too_recent: int = 0
    found: dict[str, int] = field(default_factory=dict)
    """How many by kind of finding."""
    repaired: int = 0

    @classmethod
    def of(cls, event: dict[str, Any]) -> Self:
        """Take up an audit, or begin one.

        Args:
            event: of an invocation. ``progress`` is what the last one handed on; without it
                ``graceSeconds`` replaces the 900 seconds.
        """
        if "progress" in event:
            handed_on = cls(**event["progress"])
            handed_on.run += 1
            return handed_on
        return cls(grace=float(event.get("graceSeconds", GRACE_SECONDS)))

    def event(self) -> dict[str, Any]:
        """The event that takes it up."""
        return {"progress": asdict(self)}

    @property
    def disagree(self) -> int:
        """How many rows disagree, after the repair if there was one."""
        return sum(self.found.values()) - self.repaired


class Deadline(threading.Event):
    """A request to stop that comes by itself when time is nearly over."""

    def __init__(self, left: Callable[[], float], reserve: float) -> None:
        """Set it that many seconds before none is left.

        Args:
            left: how many seconds are.
            reserve: how many of them are for what comes after.
        """
        super().__init__()
        self._left, self._reserve = left, reserve

    def left(self) -> float:
        """Return how many seconds there are until it is set."""
        return max(0.0, self._left() - self._reserve)

    def is_set(self) -> bool:
        """Whether it is time to stop."""
        return self.left() <= 0

    def wait(self, timeout: float | None = None) -> bool:
        """Wait so many seconds, or until it is set; whether it is."""
        left = self.left()
        over = timeout is None or timeout >= left
        time.sleep(left if over else timeout or 0.0)
        return over or self.is_set()
