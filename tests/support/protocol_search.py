"""Every order of every step of one key's handling, walked through.

A state is the key's object, the notifications that wait, the handlers under way, and the row. A
step is a change of the bucket, the begin of a handler, one call of one, a write that lands after
its handler was given up, the passing of 16 minutes, or the removal of a tombstone by TTL. Where
nothing waits and nothing is under way, row and bucket have to agree.

Time is an order of moments, of which only the ranks are kept. 16 minutes pass only while no handler
and no write is under way: Lambda ends a handler within 15. A handler that crashes before its write
has changed nothing, so it is one that did not begin; after its write it is a duplicate; with its
write under way, a late write.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from support.protocol import ABSENT, NO_ROW, NONE, Handler, Notification, Protocol, Row

FROM_BEFORE = 99
"""The content of an object whose notification never came."""
DAMAGED = 98
"""The content of a row that somebody else wrote."""


class Write(NamedTuple):
    """A ``PutItem`` on its way."""

    seen: Row
    new: Row
    read_at: int


class State(NamedTuple):
    """All that can make a difference."""

    current: int = NONE
    previous: int = NONE
    """The content below a delete marker."""
    waiting: tuple[Notification, ...] = ()
    handlers: tuple[Handler, ...] = ()
    row: Row = NO_ROW
    late: tuple[Write, ...] = ()
    changes: int = 0
    duplicates: int = 0
    repairs: int = 0
    late_writes: int = 0
    expirations: int = 0
    ties: int = 0
    damages: int = 0
    begun: int = 0
    """How many handlers, where they are labelled."""
    is_damaged: bool = False
    """Whether no repair has begun since somebody else wrote the row."""


@dataclass(frozen=True)
class Bounds:
    """How far to search: how many of each, at most."""

    changes: int
    handlers: int
    """At once."""
    duplicates: int = 0
    repairs: int = 0
    late_writes: int = 0
    expirations: int = 0
    """Removals of a tombstone by TTL."""
    ties: int = 0
    """Writes with the row's own ``processed_at``, but another sequencer."""
    damages: int = 0
    """Writes of the row by somebody else."""
    from_before: bool = False
    early: bool = False
    """Whether ``processed_at`` is as early as it can be, rather than as late."""
    labelled: bool = False
    """Whether handlers are told from one another, so that a story can be played."""

    @property
    def start(self) -> State:
        """The state from which to search."""
        return State(current=FROM_BEFORE if self.from_before else NONE)


class Step(NamedTuple):
    """Something that may happen."""

    name: str
    after: State
    label: int = 0
    """Which handler it is of, where they are labelled."""


class Result(NamedTuple):
    """What a search found."""

    states: int
    wrong: int
    """States that are a wrong end."""
    story: list[Step]
    """The shortest way to one."""
    seconds: float


def is_wrong_end(state: State) -> bool:
    """Whether all is handled, and row and bucket disagree."""
    if state.waiting or state.handlers or state.late or state.is_damaged:
        return False
    if not (state.changes or state.repairs):
        return False
    if state.current == NONE:
        return state.row.content not in {NONE, ABSENT}
    return state.row.content != state.current


@dataclass(frozen=True)
class Search:
    """A walk through all that a protocol allows within bounds."""

    protocol: Protocol
    bounds: Bounds

    def run(self, *, first: bool = False) -> Result:
        """Walk through all states, nearest first; with ``first`` until a wrong end is found."""
        began = time.monotonic()
        # A search that is to find nothing keeps no ways: they take most of the memory.
        ways: dict[State, tuple[Step, State]] = {}
        known, frontier, wrong = {self.bounds.start}, [self.bounds.start], 0
        while frontier:
            reached: list[State] = []
            for state in frontier:
                if is_wrong_end(state):
                    wrong += 1
                    if first:
                        story = _story(ways, state)
                        return Result(len(known), wrong, story, time.monotonic() - began)
                for step in self.steps(state):
                    if step.after not in known:
                        known.add(step.after)
                        reached.append(step.after)
                        if first:
                            ways[step.after] = (step, state)
            frontier = reached
        return Result(len(known), wrong, [], time.monotonic() - began)

    def steps(self, state: State) -> Iterator[Step]:
        """Whatever may happen next."""
        if state.changes < self.bounds.changes:
            yield from self._changes(state)
        if len(state.handlers) < self.bounds.handlers:
            yield from self._begins(state)
        for handler in dict.fromkeys(state.handlers):
            yield from self._call(state, handler)
        for write in state.late[:1]:
            landed = write.new if self.protocol.takes(state.row, *write) else state.row
            after = state._replace(late=state.late[1:], row=landed)
            yield Step("the late write lands", _ranked(after))
        if state.row.content != ABSENT and state.damages < self.bounds.damages:
            wrong = state.row._replace(content=DAMAGED)
            damaged = state._replace(row=wrong, damages=state.damages + 1, is_damaged=True)
            yield Step("somebody writes the row", damaged)
        if state.handlers or state.late:
            return
        if state.row.unordered_until:
            later = state.row._replace(unordered_until=0)
            yield Step("16 minutes pass", _ranked(state._replace(row=later)))
        if state.row.content == NONE and state.expirations < self.bounds.expirations:
            gone = state._replace(row=NO_ROW, expirations=state.expirations + 1)
            yield Step("the tombstone expires", _ranked(gone))

    def _changes(self, state: State) -> Iterator[Step]:
        n = state.changes + 1

        def change(kind: str, current: int, previous: int) -> State:
            told = n if self.protocol.believes and current == n else NONE
            of = Notification(kind, n if kind == "ordered" else 0, told)
            waiting = tuple(sorted((*state.waiting, of)))
            return state._replace(changes=n, current=current, previous=previous, waiting=waiting)

        yield Step(f"put {n}", change("ordered", n, NONE))
        yield Step(f"delete an old version {n}", change("ordered", state.current, state.previous))
        yield Step(f"expire an old version {n}", change("unordered", state.current, state.previous))
        if state.current != NONE:
            yield Step(f"delete {n}", change("ordered", NONE, state.current))
            yield Step(f"expire {n}", change("unordered", NONE, state.current))
        elif state.previous != NONE:
            yield Step(f"undelete {n}", change("ordered", state.previous, NONE))

    def _begins(self, state: State) -> Iterator[Step]:
        for of in dict.fromkeys(state.waiting):
            rest = list(state.waiting)
            rest.remove(of)
            yield self._begin(state._replace(waiting=tuple(rest)), of, "begin")
            if state.duplicates < self.bounds.duplicates:
                again = state._replace(duplicates=state.duplicates + 1)
                yield self._begin(again, of, "begin a duplicate of")
        if state.repairs < self.bounds.repairs:
            repaired = state._replace(repairs=state.repairs + 1, is_damaged=False)
            yield self._begin(repaired, Notification("recheck"), "begin")

    def _begin(self, state: State, of: Notification, name: str) -> Step:
        handler = Handler(self.protocol.calls(of), of)
        if self.bounds.labelled:
            state = state._replace(begun=state.begun + 1)
            handler = handler._replace(label=state.begun)
        if of.kind == "unordered":
            handler = handler._replace(started=_now(state))
        state = state._replace(handlers=tuple(sorted((*state.handlers, handler))))
        if of.kind != "unordered":
            # When it started makes no difference, so its first call may as well be made at once.
            name = f"{name} ({handler.calls[0]})"
            state = self._called(state, handler)
        return Step(f"{name} {_name(of)}", _ranked(state), handler.label)

    def _call(self, state: State, handler: Handler) -> Iterator[Step]:
        name = f"{handler.calls[0]} for {_name(handler.of)}"
        if handler.calls[0] != "PutItem":
            yield Step(name, _ranked(self._called(state, handler)), handler.label)
            return
        row, new = state.row, self.protocol.new_row(handler)._replace(made=_newest(state) + 1)
        yield Step(name, _ranked(self._written(state, handler, new)), handler.label)
        if state.ties < self.bounds.ties and row.made and row.sequencer != new.sequencer:
            tie = state._replace(ties=state.ties + 1)
            after = self._written(tie, handler, new._replace(made=row.made))
            yield Step(f"{name}, a tie", _ranked(after), handler.label)
        if state.late_writes < self.bounds.late_writes:
            crashed = _with(state, handler)._replace(
                late_writes=state.late_writes + 1,
                late=(*state.late, Write(handler.seen, new, handler.read_at)),
                waiting=tuple(sorted((*state.waiting, handler.of))),
            )
            yield Step(f"{name}, to land later", _ranked(crashed), handler.label)

    def _called(self, state: State, handler: Handler) -> State:
        """A handler has made a call that reads."""
        call, *calls = handler.calls
        after = handler._replace(calls=tuple(calls))
        is_ordered = handler.of.kind == "ordered"
        early = self.bounds.early and not is_ordered
        if call == "GetItem":
            after = after._replace(seen=state.row, read_at=_now(state) if early else 0)
        else:
            content = self.protocol.found(handler.of, state.current)
            read_at = handler.read_at if early else _now(state)
            # When else S3 was read makes no difference.
            matters = self.protocol.compares_reads or (content == NONE and not is_ordered)
            after = after._replace(content=content, read_at=read_at if matters else 0)
        if after.calls == ("PutItem",) and not is_ordered:
            if self.protocol.is_settled(after):
                return _with(state, handler)
            # From here on only which row was seen makes a difference.
            until = 0 if after.content == NONE else after.seen.unordered_until
            seen = after.seen._replace(content=min(after.seen.content, 0), unordered_until=until)
            after = after._replace(seen=seen)
        return _with(state, handler, after)

    def _written(self, state: State, handler: Handler, new: Row) -> State:
        """A handler has made a write, which was taken or refused."""
        if self.protocol.takes(state.row, handler.seen, new, handler.read_at):
            return _with(state, handler)._replace(row=new)
        if self.protocol.is_stale(handler.of, state.row):
            return _with(state, handler)
        again = handler._replace(calls=self.protocol.calls_again(handler.of), seen=state.row)
        if handler.of.kind == "ordered":
            again = again._replace(seen=state.row._replace(content=min(state.row.content, 0)))
        if "HeadObject" in again.calls:
            again = again._replace(content=ABSENT, read_at=0)
        if self.bounds.early and handler.of.kind != "ordered":
            again = again._replace(read_at=_now(state))
        return _with(state, handler, again)


def _with(state: State, old: Handler, *new: Handler) -> State:
    """Put another handler in one's place, or none."""
    handlers = list(state.handlers)
    handlers.remove(old)
    return state._replace(handlers=tuple(sorted((*handlers, *new))))


def _rows(state: State) -> Iterator[Row]:
    yield state.row
    for handler in state.handlers:
        yield handler.seen
    for write in state.late:
        yield write.seen
        yield write.new


def _newest(state: State) -> int:
    return max(row.made for row in _rows(state))


def _moments(state: State) -> set[int]:
    moments = {0, *(row.unordered_until for row in _rows(state))}
    for handler in state.handlers:
        moments |= {handler.started, handler.read_at}
    return moments | {write.read_at for write in state.late}


def _now(state: State) -> int:
    return max(_moments(state)) + 1


def _ranked(state: State) -> State:
    """Give writes and moments the lowest numbers that keep their order, so that states meet."""
    moments, made = _moments(state), {0, *(row.made for row in _rows(state))}
    if len(moments) == max(moments) + 1 and len(made) == max(made) + 1:
        return state
    moment = {at: rank for rank, at in enumerate(sorted(moments))}
    nth = {at: rank for rank, at in enumerate(sorted(made))}

    def row_of(old: Row) -> Row:
        return Row(old[0], old[1], nth[old[2]], moment[old[3]])

    handlers = [
        h._replace(started=moment[h.started], seen=row_of(h.seen), read_at=moment[h.read_at])
        for h in state.handlers
    ]
    return state._replace(
        handlers=tuple(sorted(handlers)),
        row=row_of(state.row),
        late=tuple(Write(row_of(w.seen), row_of(w.new), moment[w.read_at]) for w in state.late),
    )


def _name(of: Notification) -> str:
    return f"{of.kind} {of.sequencer}" if of.sequencer else of.kind


def _story(ways: dict[State, tuple[Step, State]], end: State) -> list[Step]:
    story = []
    while end in ways:
        step, end = ways[end]
        story.append(step)
    return story[::-1]
