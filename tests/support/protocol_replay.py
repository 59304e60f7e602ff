"""Steps of the model, made by the function itself on a bucket and a table.

Each handler runs in a thread that is held before each of its calls, until the model makes that
step. After every step the table's row and the calls that are held have to be the model's.
"""

import itertools
import queue
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from events import Notification
from support.handler_env import Bench, notified
from support.protocol import ABSENT, NONE
from support.protocol_search import DAMAGED, FROM_BEFORE, State, Step

CATALOG = Path(__file__).parents[2] / "handler" / "catalog.py"
EVENTS = {
    "put": "ObjectCreated:Put",
    "delete": "ObjectRemoved:DeleteMarkerCreated",
    "undelete": "ObjectRemoved:Delete",
    "expire": "LifecycleExpiration:DeleteMarkerCreated",
}
CALLS = {"get_item": "GetItem", "head_object": "HeadObject", "put_item": "PutItem"}
PATIENCE = 30
numbers = itertools.count()


class Crash(BaseException):
    """Ends a handler in the middle of a call."""


class Clock(datetime):
    """A clock that goes on by a microsecond whenever it is read, and by hours when told to."""

    at: ClassVar[datetime] = datetime(2026, 3, 14, tzinfo=UTC)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        Clock.at += timedelta(microseconds=1)
        return Clock.at


def edited(edits: Sequence[tuple[str, str]] = ()) -> ModuleType:
    """Load the function's ``catalog`` with other text in places, and a clock of the tests' own."""
    text = CATALOG.read_text(encoding="utf-8")
    for old, new in edits:
        assert text.count(old) == 1, f"catalog.py must have once: {old}"
        text = text.replace(old, new)
    module = ModuleType(f"catalog_{next(numbers)}")
    sys.modules[module.__name__] = module  # dataclasses look there
    exec(compile(text, CATALOG, "exec"), vars(module))  # noqa: S102 - the project's own code
    module.datetime = Clock  # type: ignore[attr-defined]
    return module


class Thread:
    """A handler under way."""

    def __init__(self, module: ModuleType, bench: Bench, notification: Notification) -> None:
        self.arrived: queue.Queue[str] = queue.Queue()
        self.allowed: queue.Queue[str] = queue.Queue()
        self.caught: dict[str, Any] = {}
        self.call = ""
        self.error: Exception | None = None
        shipped = bench.handler.CATALOG
        s3, dynamodb = Held(shipped.s3, self), Held(shipped.dynamodb, self)
        self._catalog = module.Catalog(s3, dynamodb, bench.bucket, "us-east-1", bench.table, 3)
        self._thread = threading.Thread(target=self._run, args=[notification], daemon=True)
        self._thread.start()
        self._wait()

    def go(self, how: str = "") -> None:
        """Let the held call be made, and wait for the next."""
        self.allowed.put(how)
        self._wait()

    def _wait(self) -> None:
        self.call = self.arrived.get(timeout=PATIENCE)
        if self.error:
            raise self.error

    def _run(self, notification: Notification) -> None:
        try:
            self._catalog.update(notification)
        except Crash:
            pass
        except Exception as err:
            self.error = err
        self.arrived.put("")


class Held:
    """The function's S3 or DynamoDB, whose calls wait until they are allowed."""

    def __init__(self, client: Any, thread: Thread) -> None:
        self._client, self._of = client, thread

    def __getattr__(self, name: str) -> Any:
        def call(*key: str, **parameters: Any) -> Any:
            self._of.arrived.put(CALLS[name])
            how = self._of.allowed.get(timeout=PATIENCE)
            if how == "late":
                self._of.caught = parameters
                raise Crash
            if how:
                parameters["Item"]["processed_at"] = {"S": how}
            return getattr(self._client, name)(*key, **parameters)

        return call


@dataclass
class Replay:
    """One story, made real."""

    module: ModuleType
    bench: Bench
    start: State
    key: str = field(default_factory=lambda: str(next(numbers)))
    threads: dict[int, Thread] = field(default_factory=dict)
    contents: dict[str, int] = field(default_factory=dict)
    """The model's number of each version."""
    events: dict[int, str] = field(default_factory=dict)
    late: list[dict[str, Any]] = field(default_factory=list)
    marker: str = ""

    def __post_init__(self) -> None:
        if self.start.current == FROM_BEFORE:
            self._put(FROM_BEFORE)

    def make(self, step: Step) -> None:
        """Make one step, and compare."""
        name, of = step.name, self.threads.get(step.label)
        if name.startswith("begin"):
            self.threads[step.label] = self._begin(name)
        elif of is not None and name.endswith("to land later"):
            of.go("late")
            self.late.append(of.caught)
        elif of is not None and name.endswith("a tie"):
            of.go(self.bench.item(self.key)["processed_at"]["S"])
        elif of is not None:
            of.go()
        else:
            self._change(name)
        self.compare(step)

    def compare(self, step: Step) -> None:
        """Compare the row and the calls that come next with the model's."""
        held = {label: of.call for label, of in self.threads.items() if of.call}
        expected = {handler.label: handler.calls[0] for handler in step.after.handlers}
        assert held == expected, f"after {step.name}: calls {held}, not {expected}"
        row, model = self.bench.item(self.key), step.after.row
        mark = row.get("unordered_until", {}).get("S", "")
        actual = (self.content(row), int(row.get("sequencer", {}).get("S", "0"), 16))
        assert actual == (model.content, model.sequencer), f"after {step.name}: row {actual}"
        if not self.module.LONGEST_HANDLING:
            return
        active = mark > Clock.at.isoformat().replace("+00:00", "Z")
        assert active == (model.unordered_until > 0), f"after {step.name}: mark {mark}"

    def content(self, row: dict[str, Any]) -> int:
        if not row:
            return ABSENT
        if row["processing_status"]["S"] == "deleted":
            return NONE
        return self.contents[row["version_id"]["S"]]

    def _begin(self, name: str) -> Thread:
        kind, sequencer = "Repair:Requested", None
        words = name.split()
        if "ordered" in words:
            n = int(words[-1])
            kind, sequencer = self.events[n], f"{n:032X}"
        elif "unordered" in words:
            kind = EVENTS["expire"]
        notification = notified(self.bench.bucket, self.key, sequencer, kind)
        thread = Thread(self.module, self.bench, notification)
        if "(" in name:
            thread.go()
        return thread

    def _change(self, name: str) -> None:
        dynamodb = self.bench.cloud("dynamodb")
        kind = name.split(maxsplit=1)[0]
        if kind in EVENTS:
            n = int(name.rsplit(maxsplit=1)[-1])
            self.events[n] = EVENTS["undelete" if name.startswith("delete an old") else kind]
            if "old" in name:
                return  # there may be none; only its notification makes a difference
            if kind == "put":
                self._put(n)
            elif kind == "undelete":
                self.bench.delete(self.key, self.marker)
            else:
                self.marker = self.bench.delete(self.key)
        elif name == "the late write lands":
            with suppress(dynamodb.exceptions.ConditionalCheckFailedException):
                dynamodb.put_item(**self.late.pop(0))
        elif name == "16 minutes pass":
            Clock.at += timedelta(minutes=17)
        elif name == "the tombstone expires":
            dynamodb.delete_item(TableName=self.bench.table, Key={"file_key": {"S": self.key}})
        elif name == "somebody writes the row":
            damaged = {"processing_status": {"S": "completed"}, "version_id": {"S": "damaged"}}
            self.contents["damaged"] = DAMAGED
            row = self.bench.item(self.key) | damaged
            dynamodb.put_item(TableName=self.bench.table, Item=row)

    def _put(self, content: int) -> None:
        self.contents[self.bench.put(self.key, b"x" * content)] = content
