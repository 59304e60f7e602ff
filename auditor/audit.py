"""Compares bucket and table in windows of keys: lists the keys, reads their rows, compares both.

S3 lists the bucket in key order, but DynamoDB reads the table in no order. A window begins after
the last key that was compared, and ends when the listing has used its share of the time or of the
space. Then the rows of these keys are read by a scan of the whole table with a filter, and sorted
by key. If not all rows of a window could be read, nothing of the window counts. If the comparison
of a window stopped early, the keys compared until then count.
"""

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event

from auditor.progress import Deadline, Progress
from ops.bucket import state_pages
from ops.recheck import Rechecks
from ops.rows import BATCH
from ops.spill import Spill, spill
from ops.verify import Finding, Verifier, in_step

STATE_BYTES = 100
"""What a state takes in the file, without its key."""
BOOKED_EVERY = 1000
"""How many keys are compared before they are counted, and the time is checked."""
REPAIR_PAUSES = (2, 4, 8, 16, 30)
"""Seconds before each new comparison of the repaired rows, as long as some still disagree."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one invocation."""

    window_bytes: int = 400_000_000
    """The size of a window's listing in /tmp. Its rows take as much again; so does sorting them."""
    carried_bytes: int = 100_000
    """Keys passed to the next invocation, as JSON. Lambda's lowest limit of an event was 256 KB."""
    repairs: int = 10_000
    """Keys; the next audit repairs the rest. Requesting and reading them again takes a minute."""


@dataclass
class Audit:
    """One invocation's part of an audit."""

    verifier: Verifier
    progress: Progress
    walk: Deadline
    """When to stop comparing."""
    rechecks: Rechecks | None = None
    """Requests the repairs; None if the audit only reports."""
    limits: Limits = field(default_factory=Limits)
    findings: list[Finding] = field(default_factory=list)
    """The first findings of this invocation, to log them."""
    _to_repair: list[str] = field(default_factory=list)
    _carried: int = field(init=False)
    """Bytes of the keys that the next invocation gets."""

    def __post_init__(self) -> None:
        """Count the keys that the last invocation passed on."""
        self._carried = sum(map(_as_json, self.progress.undated))

    def run(self) -> bool:
        """Continue the audit as long as there is time; True if it is complete.

        Raises:
            botocore.exceptions.ClientError: AWS refused a call.
            ops.recheck.RefusedError: Lambda did not accept a repair.
            sqlite3.Error: there is no more space in /tmp.
        """
        took = 0.0
        # Start another window only if there may be time to finish it.
        while not self.progress.walked and self.walk.left() > took:
            before = self.walk.left()
            if not self._window():
                break
            took = 1.2 * (before - self.walk.left())
        done = self.progress.walked and self._confirm_undated()
        self._repair()
        return done

    def _window(self) -> bool:
        """Compare the next window; True if all its keys were compared."""
        progress = self.progress
        settled = datetime.now(UTC) - timedelta(seconds=progress.grace)
        with spill() as kept:
            until = self._list(kept)
            self.verifier.read_table(kept, "", after=progress.after, until=until, stop=self.walk)
            if self.walk.is_set():
                progress.aborted += 1
                progress.share /= 2
                return False
            progress.aborted = 0
            if not self._compare(kept, settled):
                return False
        progress.after = until
        progress.walked = not until
        return True

    def _list(self, kept: Spill) -> str:
        """List the next keys into the file; returns the last one, or "" at the bucket's end."""
        last, size = "", 0
        enough = self.walk.left() * (1 - self.progress.share)
        verifier = self.verifier
        for page in state_pages(verifier.s3, verifier.bucket, "", self.progress.after):
            kept.add_states(page)
            if page:
                last = page[-1].key
                size += sum(len(state.key.encode()) + STATE_BYTES for state in page)
            if self.walk.is_set() or (
                last and (size >= self.limits.window_bytes or self.walk.left() <= enough)
            ):
                return last
        return ""

    def _compare(self, kept: Spill, settled: datetime) -> bool:
        """Compare the window's keys, in order; True if all of them were compared."""
        suspects: list[str] = []
        verifier = self.verifier
        for row, current in in_step(kept.sorted(), kept.states()):
            one = row or current
            assert one is not None  # noqa: S101 - a pair has one of the two
            if verifier.judge(row, current, settled):
                suspects.append(one.key)
            if len(suspects) == BATCH or verifier.compared == BOOKED_EVERY:
                self._book(suspects)
                self.progress.after = one.key
                suspects = []
                if self.walk.is_set():
                    return False
        self._book(suspects)
        return True

    def _book(self, suspects: list[str]) -> None:
        """Read the keys that seem to disagree again, then count all keys compared."""
        # All are read before any is counted, so a refused call leaves them all uncounted.
        found = list(self.verifier.read_again(suspects))
        for finding in found:
            if finding.dated:
                self._count(finding)
            else:
                self._hand_on(finding.key)
        self.progress.compared += self.verifier.compared
        self.progress.too_recent += self.verifier.too_recent
        self.verifier.compared = self.verifier.too_recent = 0

    def _hand_on(self, key: str) -> None:
        """Keep a key that changed at an unknown time, to read it again after the grace."""
        size = _as_json(key)
        if self._carried + size > self.limits.carried_bytes:
            self.progress.unconfirmed += 1
            return
        self._carried += size
        self.progress.undated.append(key)
        self.progress.seen_at = time.time()

    def _count(self, finding: Finding) -> None:
        found = self.progress.found
        self.progress.found = found | {finding.kind: found.get(finding.kind, 0) + 1}
        if len(self.findings) < BATCH:
            self.findings.append(finding)
        if len(self._to_repair) < self.limits.repairs:
            self._to_repair.append(finding.key)

    def _confirm_undated(self) -> bool:
        """Read the keys that changed at an unknown time again; False if some are left."""
        progress = self.progress
        if not progress.undated:
            return True
        if self.walk.wait(max(0.0, progress.seen_at + progress.grace - time.time())):
            return False
        while progress.undated and not self.walk.is_set():
            for finding in self.verifier.read_again(progress.undated[:BATCH]):
                self._count(finding)
            progress.undated = progress.undated[BATCH:]
        return not progress.undated

    def _repair(self) -> None:
        """Have the function read the keys that disagree again, and count the repaired ones."""
        if self.rechecks is None or not self._to_repair:
            return
        requested = sum(self.rechecks.request(self._to_repair))
        left = self._to_repair[:requested]
        for pause in REPAIR_PAUSES:
            stopped = self.rechecks.pace.stop.wait(pause)
            left = self._left(left, self.rechecks.pace.stop)
            if not left or stopped:
                break
        self.progress.repaired += requested - len(left)

    def _left(self, keys: list[str], stop: Event) -> list[str]:
        """Return the keys that still disagree, or that there is no time to read again."""
        left: list[str] = []
        for start in range(0, len(keys), BATCH):
            some = keys[start : start + BATCH]
            if not stop.is_set():
                some = [finding.key for finding in self.verifier.read_again(some)]
            left += some
        return left


def _as_json(key: str) -> int:
    """How many bytes a key takes in an event."""
    return len(json.dumps(key, ensure_ascii=False).encode()) + len(", ")
