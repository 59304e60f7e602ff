"""Wrong variants of the protocol: what the model does otherwise, and the edit of the function.

Each has bounds in which a search finds a wrong end.
"""

from typing import ClassVar

from support.protocol import ABSENT, NONE, Notification, Protocol, Row
from support.protocol_search import Bounds

TWO = Bounds(changes=2, handlers=2, early=True, labelled=True)
THREE = Bounds(changes=3, handlers=2, early=True, labelled=True)
REPAIRED = Bounds(changes=2, handlers=2, repairs=1, damages=1, early=True, labelled=True)
Edit = tuple[str, str]
READS_S3 = "    def _read_s3(self, notification: Notification, sequencer: str) -> Row:\n"
HEAD = "            self._head(notification.key),\n"
UNORDERED_READ = 'self._read_s3(notification, stored_text(seen, "sequencer") or NO_SEQUENCER)\n'
ORDERED_READ = "            new = self._read_s3(notification, sequencer)\n"
STARTED = "        started = datetime.now(UTC)\n"
# With these two a read of S3 takes an answer that is there already.
TAKES_AN_ANSWER: tuple[Edit, ...] = (
    (READS_S3, READS_S3.replace("sequencer: str", "sequencer: str, *first: object")),
    (HEAD, HEAD.replace("self", "first[0] if first else self")),
)


class Variant(Protocol):
    """A wrong one."""

    bounds: ClassVar[Bounds] = TWO
    edits: ClassVar[tuple[Edit, ...]]
    """What stands in ``handler/catalog.py``, and what makes it wrong."""


class NoCondition(Variant):
    """Every write overwrites."""

    edits = (("                **condition,\n", ""),)

    def takes(self, row: Row, seen: Row, new: Row, read_at: int) -> bool:
        return True


class TrustsTheEvent(Variant):
    """A notification of a deletion is believed."""

    believes = True
    edits = (
        (
            HEAD,
            "            self._head(notification.key)\n"
            '            if not notification.event_name.startswith("ObjectRemoved")\n'
            "            else self._head(notification.key) and None,\n",
        ),
    )

    def found(self, of: Notification, current: int) -> int:
        return NONE if of.kind == "ordered" and of.told == NONE else current


class NoSequencerInTheCondition(Variant):
    """An ordered write does not ask for the row's sequencer."""

    edits = (
        ("(attribute_not_exists(sequencer) OR sequencer < :sequencer)", ":sequencer = :sequencer"),
    )

    def is_newer(self, row: Row, new: Row) -> bool:
        return True


class NoMarkInTheCondition(Variant):
    """An ordered write does not ask for ``unordered_until``: race 1 of the two that were known."""

    edits = (
        (
            "(attribute_not_exists(unordered_until) OR unordered_until < :read_at)",
            ":read_at = :read_at",
        ),
    )

    def holds_back(self, row: Row, read_at: int) -> bool:
        return False


class NoTimeForOthers(Variant):
    """The 16 minutes are left out of ``unordered_until``."""

    compares_reads = True
    bounds = THREE
    edits = (("timedelta(seconds=960)", "timedelta(0)"),)

    def holds_back(self, row: Row, read_at: int) -> bool:
        return row.unordered_until >= read_at


class NoMark(Variant):
    """An unordered deletion leaves no ``unordered_until``."""

    edits = (
        ('                new["unordered_until"] = _latest_write(str(new["processed_at"]))\n', ""),
    )

    def mark(self, read_at: int) -> int:
        return 0


class MarkCleared(Variant):
    """The second write of an ordered handler clears ``unordered_until``."""

    bounds = THREE
    edits = (
        (
            "                new |= _mark(seen)\n                condition",
            "                condition",
        ),
    )

    def carried_by_ordered(self, seen: Row) -> int:
        return 0


class AnyMark(Variant):
    """Any ``unordered_until`` that has not passed is taken for a notification's own."""

    bounds = THREE
    edits = (("until > _latest_write(iso(started))", "until > iso(started)"),)

    def deletion_is_known(self, seen: Row, started: int) -> bool:
        return seen.content == NONE and seen.unordered_until > 0


class AnyTombstone(Variant):
    """Any tombstone is taken for that of a notification of S3's."""

    bounds = THREE
    edits = (
        (
            "until is None or stored_text(seen",
            "stored_text(seen, 'processing_status') == DELETED:\n        return True\n"
            "    if until is None or stored_text(seen",
        ),
    )

    def deletion_is_known(self, seen: Row, started: int) -> bool:
        return seen.content == NONE


class NoRowIsEnough(Variant):
    """No row is taken for a known deletion: race 2 of the two that were known."""

    bounds = Bounds(changes=1, handlers=2, repairs=1, from_before=True, early=True, labelled=True)
    edits = (
        ("    if notification.is_recheck:\n", "    if notification.is_recheck or not seen:\n"),
    )

    def deletion_is_known(self, seen: Row, started: int) -> bool:
        return seen.content == ABSENT or super().deletion_is_known(seen, started)


class AnyObject(Variant):
    """A row that says ``completed`` is left, whatever else it says."""

    bounds = REPAIRED
    edits = (
        (
            "elif says_the_same(seen, new):",
            'elif stored_text(seen, "processing_status") == COMPLETED:',
        ),
    )

    def says_the_same(self, seen: Row, content: int) -> bool:
        return seen.content > NONE


class RecheckLeavesAnyRow(Variant):
    """A repair that finds no object leaves any row."""

    bounds = REPAIRED
    edits = (
        ('return not seen or stored_text(seen, "processing_status") == DELETED', "return True"),
    )

    def is_gone(self, seen: Row) -> bool:
        return True


class SequencerForgotten(Variant):
    """An unordered write does not keep the row's sequencer."""

    bounds = REPAIRED
    edits = (('stored_text(seen, "sequencer") or NO_SEQUENCER', "NO_SEQUENCER"),)

    def kept(self, seen: Row) -> int:
        return 0


class SameTimeIsEnough(Variant):
    """A row is taken for the one that was seen by ``processed_at`` alone."""

    bounds = Bounds(changes=3, handlers=2, ties=1, early=True, labelled=True)
    edits = (('("file_key", "sequencer", "processed_at")', '("file_key", "processed_at")'),)

    def is_unchanged(self, row: Row, seen: Row) -> bool:
        return row.made == seen.made


class SameSequencerIsEnough(Variant):
    """A row is taken for the one that was seen by its sequencer alone."""

    bounds = THREE
    edits = (('("file_key", "sequencer", "processed_at")', '("file_key", "sequencer")'),)

    def is_unchanged(self, row: Row, seen: Row) -> bool:
        return row.sequencer == seen.sequencer


class NewRowOverwritten(Variant):
    """Where there was no row, one that came meanwhile is overwritten."""

    edits = (
        (
            '{"ConditionExpression": "attribute_not_exists(file_key)"}',
            "{}",
        ),
    )

    def takes(self, row: Row, seen: Row, new: Row, read_at: int) -> bool:
        return seen.content == ABSENT or super().takes(row, seen, new, read_at)


class RowReadAfterS3(Variant):
    """An unordered handler reads the row after S3."""

    edits = (
        *TAKES_AN_ANSWER,
        (STARTED, f"{STARTED}        first = (self._head(notification.key),)\n"),
        (UNORDERED_READ, f"{UNORDERED_READ[:-2]}, *first)\n            first = ()\n"),
    )

    def calls(self, of: Notification) -> tuple[str, ...]:
        return super().calls(of) if of.kind == "ordered" else ("HeadObject", "GetItem", "PutItem")


class S3ReadOnce(Variant):
    """An unordered handler whose write was refused does not read S3 again."""

    edits = (
        *TAKES_AN_ANSWER,
        (STARTED, f"{STARTED}        first = ()\n"),
        (
            f"            new = {UNORDERED_READ}",
            "            first = first or (self._head(notification.key),)\n"
            f"            new = {UNORDERED_READ[:-2]}, *first)\n",
        ),
    )

    def calls_again(self, of: Notification) -> tuple[str, ...]:
        return super().calls_again(of) if of.kind == "ordered" else ("PutItem",)


class S3ReadOnceIfOrdered(Variant):
    """An ordered handler whose write was refused does not read S3 again."""

    edits = (
        *TAKES_AN_ANSWER,
        ("        seen: Stored | None = None\n", "        seen = None\n        first = ()\n"),
        (
            ORDERED_READ,
            "            first = first or (self._head(notification.key),)\n"
            f"{ORDERED_READ[:-2]}, *first)\n",
        ),
    )

    def calls_again(self, of: Notification) -> tuple[str, ...]:
        return ("PutItem",) if of.kind == "ordered" else super().calls_again(of)


class NeverStale(Variant):
    """A refused write is made again, even though the row's sequencer is newer."""

    bounds = THREE
    edits = (('if (stored_text(seen, "sequencer") or "") >= sequencer:', "if False:"),)

    def is_stale(self, of: Notification, row: Row) -> bool:
        return False


class StaleIfRefused(Variant):
    """A refused write is stale, even though the row's sequencer is older."""

    edits = (('if (stored_text(seen, "sequencer") or "") >= sequencer:', "if seen is not None:"),)

    def is_stale(self, of: Notification, row: Row) -> bool:
        return of.kind == "ordered"


VARIANTS = Variant.__subclasses__()
