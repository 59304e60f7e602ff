"""The protocol of ``handler/catalog.py``, as a model that ``protocol_search`` walks through.

``Protocol`` has a method for each decision of the function; a wrong variant replaces one of them.
"""

from typing import NamedTuple

ABSENT, NONE = -1, 0


class Row(NamedTuple):
    """What the table has of the key."""

    content: int = ABSENT
    """A version's number, ``NONE`` for a tombstone, ``ABSENT`` for no row."""
    sequencer: int = 0
    made: int = 0
    """Stands for ``processed_at``: which write it was."""
    unordered_until: int = 0
    """When S3 was read for the unordered deletion, without the 16 minutes; 0 for never."""


NO_ROW = Row()
UNSEEN = Row(-2)
"""What a handler knows of a row that it has not seen yet."""


class Notification(NamedTuple):
    """What waits to be handled."""

    kind: str
    """``ordered``, ``unordered``, or ``recheck``, which no change caused."""
    sequencer: int = 0
    told: int = NONE
    """The content that the change made, which only a wrong protocol believes."""


class Handler(NamedTuple):
    """A handler between two of its calls."""

    calls: tuple[str, ...]
    """Those to come, of this attempt."""
    of: Notification
    started: int = 0
    seen: Row = UNSEEN
    content: int = ABSENT
    read_at: int = 0
    label: int = 0


class Protocol:
    """What is shipped."""

    # The order of the calls

    def calls(self, of: Notification) -> tuple[str, ...]:
        """The calls of a handler's first attempt."""
        first = () if of.kind == "ordered" else ("GetItem",)
        return (*first, "HeadObject", "PutItem")

    def calls_again(self, of: Notification) -> tuple[str, ...]:
        """The calls of each further attempt; the refused write has brought the row."""
        return ("HeadObject", "PutItem")

    # The conditions of the writes

    def takes(self, row: Row, seen: Row, new: Row, read_at: int) -> bool:
        """Whether DynamoDB takes a write."""
        if seen == UNSEEN:
            return self.is_newer(row, new) and not self.holds_back(row, read_at)
        is_there = (row.content == ABSENT) == (seen.content == ABSENT)
        return is_there and self.is_unchanged(row, seen)

    def is_newer(self, row: Row, new: Row) -> bool:
        return row.sequencer < new.sequencer

    def holds_back(self, row: Row, read_at: int) -> bool:
        return row.unordered_until > 0

    def is_unchanged(self, row: Row, seen: Row) -> bool:
        return (row.sequencer, row.made) == (seen.sequencer, seen.made)

    # What a handler makes of what it finds

    def found(self, of: Notification, current: int) -> int:
        """The content that the row is to have."""
        return current

    def is_stale(self, of: Notification, row: Row) -> bool:
        """Whether an ordered handler whose write was refused is done."""
        return of.kind == "ordered" and row.sequencer >= of.sequencer

    def is_settled(self, handler: Handler) -> bool:
        """Whether an unordered handler has nothing to write."""
        if handler.content != NONE:
            return self.says_the_same(handler.seen, handler.content)
        if handler.of.kind == "recheck":
            return self.is_gone(handler.seen)
        return self.deletion_is_known(handler.seen, handler.started)

    def says_the_same(self, seen: Row, content: int) -> bool:
        return seen.content == content

    def is_gone(self, seen: Row) -> bool:
        return seen.content in {ABSENT, NONE}

    def deletion_is_known(self, seen: Row, started: int) -> bool:
        return seen.content == NONE and seen.unordered_until > started

    def new_row(self, handler: Handler) -> Row:
        """The row that a handler writes, but for ``made``."""
        of, seen, content = handler.of, handler.seen, handler.content
        if of.kind == "ordered":
            return Row(content, of.sequencer, 0, self.carried_by_ordered(seen))
        until = self.mark(handler.read_at) if content == NONE else seen.unordered_until
        return Row(content, self.kept(seen), 0, until)

    def mark(self, read_at: int) -> int:
        return read_at

    def carried_by_ordered(self, seen: Row) -> int:
        return seen.unordered_until

    def kept(self, seen: Row) -> int:
        return seen.sequencer

    believes = False
    """Whether it matters what a notification tells of the object."""
    compares_reads = False
    """Whether it matters when S3 was read for a write that is not an unordered deletion."""
