"""What an invocation of the audit takes stays within its space and its time."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from auditor import audit as audits
from auditor.audit import Audit, Limits
from auditor.progress import Deadline, Progress
from ops.bucket import Current
from ops.pace import Pace
from ops.spill import spill
from ops.verify import DIFFERS, Finding

WHEN = datetime(2026, 3, 14, tzinfo=UTC)
LONG = 900.0


@dataclass
class Known:
    """A verifier of which every key disagrees, and that takes a second for each."""

    s3: Any = None
    bucket: str = ""
    seconds: float = 0.0
    read: list[str] = field(default_factory=list)

    def read_again(self, keys: Iterable[str]) -> Iterator[Finding]:
        for key in keys:
            self.seconds += 1
            self.read.append(key)
            yield Finding(key, DIFFERS, "")


def audit_of(known: Known, **more: Any) -> Audit:
    walk = Deadline(lambda: LONG - known.seconds, 0)
    return Audit(cast(Any, known), more.pop("progress", Progress()), walk, **more)


def test_a_windows_size_is_that_of_its_keys_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A character takes up to four."""
    pages = [[Current(f"{number}{'é' * 100}", WHEN, 1)] for number in range(3)]
    monkeypatch.setattr(audits, "state_pages", lambda *_: iter(pages))
    with spill() as kept:
        until = audit_of(Known(), limits=Limits(window_bytes=600))._list(kept)
        assert until == pages[1][0].key
        assert [state.key for state in kept.states()] == [page[0].key for page in pages[:2]]


def test_a_listing_stops_with_the_time_even_if_all_its_versions_are_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = Known()

    def old_versions(*_: Any) -> Iterator[list[Current]]:
        while known.seconds < 2 * LONG:
            known.seconds += 1
            yield []

    monkeypatch.setattr(audits, "state_pages", old_versions)
    with spill() as kept:
        audit_of(known)._list(kept)
    assert known.seconds == LONG


def test_what_is_handed_on_fits_into_an_event_whatever_the_keys() -> None:
    """JSON writes a control character in six bytes."""
    audit = audit_of(Known(), limits=Limits(carried_bytes=1000))
    for number in range(100):
        audit._hand_on(f"\x01\x02é{number}")
    assert 900 < len(json.dumps(audit.progress.undated, ensure_ascii=False).encode()) <= 1000
    assert audit.progress.unconfirmed == 100 - len(audit.progress.undated)


def test_keys_without_an_object_are_read_once_more_only_while_there_is_time() -> None:
    """The others are for the next invocation, and each is counted once."""
    keys = [f"{number}" for number in range(2000)]
    progress = Progress(grace=0, walked=True, undated=list(keys))
    read: list[str] = []
    for done in (False, False, True):
        known = Known()
        audit = audit_of(known, progress=progress)
        assert audit.run() == done
        assert known.seconds < LONG + audits.BATCH
        read += known.read
    assert read == keys
    assert progress.found == {DIFFERS: 2000}


def test_repairs_are_compared_again_only_while_there_is_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What there was no time for is not counted as repaired."""
    monkeypatch.setattr(audits, "REPAIR_PAUSES", (0,))
    known = Known()
    end = Deadline(lambda: LONG - known.seconds, 0)

    class Requested:
        pace = Pace(1e9, end)

        def request(self, keys: list[str]) -> Iterator[int]:
            yield len(keys)

    progress = Progress(walked=True)
    audit = audit_of(known, progress=progress, rechecks=cast(Any, Requested()))
    for number in range(2000):
        audit._count(Finding(f"{number}", DIFFERS, ""))
    assert audit.run()
    assert known.seconds < LONG + audits.BATCH
    assert progress.repaired == 0
