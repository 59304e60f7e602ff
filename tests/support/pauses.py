"""An event that nobody waits for, and that notes for how long they would have."""

import threading
from collections.abc import Callable


class Pauses(threading.Event):
    """Stands for the request to stop: each wait ends at once."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Say what happens meanwhile."""
        super().__init__()
        self.seconds: list[float] = []
        self.meanwhile = meanwhile

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0)
        self.meanwhile()
        return self.is_set()
