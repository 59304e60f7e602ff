"""One audit: the keys in windows, each of which is listed, its rows read, and both compared.

The bucket is listed in the order of its keys, and the table in none. So a window begins after the
last key that was compared, and ends where the listing has used its share of the time or of the
space. Then the rows of these keys are read, which DynamoDB filters from the whole table, and sorted
by key. A window whose rows were not all read counts for nothing; of one that was not compared to
its end, what was compared counts.
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
"""What a state takes in the file beside its key."""
BOOKED_EVERY = 1000
"""How many keys are compared before they are counted, and the time is asked."""
REPAIR_PAUSES = (2, 4, 8, 16, 30)
"""Seconds, until a repair is compared again, and again while it has not come about."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one invocation may take."""

    window_bytes: int = 400_000_000
    """Of a window's listing in /tmp; its rows and their sorting take as much again each."""
    carried_bytes: int = 100_000
    """Of keys that are handed on, as JSON; an event of Lambda's has been 256 KB at most."""
    repairs: int = 10_000
    """Keys; the next audit repairs the rest. To request and to read again these takes a minute."""


@dataclass
class Audit:
    """One invocation's part of an audit."""

    verifier: Verifier
    progress: Progress
    walk: Deadline
    """When to stop comparing."""
    rechecks: Rechecks | None = None
    """What repairs; None where the audit only reports."""
    limits: Limits = field(default_factory=Limits)
    findings: list[Finding] = field(default_factory=list)
    """The first of this invocation, to be shown."""
    _to_repair: list[str] = field(default_factory=list)
    _carried: int = field(init=False)
    """Bytes of the keys that are handed on."""

    def __post_init__(self) -> None:
        """Count what was handed on to this invocation."""
        self._carried = sum(map(_as_json, self.progress.undated))

    def run(self) -> bool:
        """Go on with it as long as there is time; whether it is at its end.

        Raises:
            botocore.exceptions.ClientError: AWS refused a call.
            ops.recheck.RefusedError: Lambda did not accept a repair.
            sqlite3.Error: there is no more space in /tmp.
        """
        took = 0.0
        # Another window is worth its while only if it may be compared to the end.
        while not self.progress.walked and self.walk.left() > took:
            before = self.walk.left()
            if not self._window():
                break
            took = 1.2 * (before - self.walk.left())
        done = self.progress.walked and self._confirm_undated()
        self._repair()
        return done

    def _window(self) -> bool:
        """Compare the next keys; whether all of the window were."""
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
        """List the next keys into the file; the last one, or nothing at the bucket's end."""
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
        """Compare the window's keys, in order; whether it came to the end."""
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
        """Read again what seems to disagree, and count it with all that was compared."""
        # All of them first: a call that is refused leaves these keys uncounted.
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
        """Keep a key that changed at an unknown time until the grace is over."""
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
        """Read what changed at an unknown time again; False if the next invocation is to."""
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
        """Have the function read again what disagrees, and see what came of it."""
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
        """Keys that still disagree, and those that there is no time to read again."""
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
