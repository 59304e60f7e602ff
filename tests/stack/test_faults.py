"""Under every fault of the calls that the function makes, no file is lost and no row is guessed.

Each case deals with a few keys while the fault lasts; then every key has the right row or its
event is failed. Once the fault is over, ``ops redrive`` brings the rest.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote_plus

import psutil
import pytest

from local import emulator as emulators
from ops import redrive as redrives
from support.deployment import RETRIES_AT_ONCE, cloud_of, deploy_to
from support.failure_queue import redrive, waiting
from support.faults import FAULTS, OPERATIONS, SHARES, Fault, FaultProxy
from support.journeys import Deployed, eventually

FILES = 3
NUMBERS = itertools.count()


@dataclass
class Trial:
    """A few keys of one case, and what has become of them."""

    stack: Deployed
    keys: list[str]
    failed: set[str] = field(default_factory=set)

    def work(self) -> None:
        """Upload the files, overwrite the first, delete the second."""
        for number, key in enumerate(self.keys):
            self.stack.put(key, b"x" * (number + 1))
        self.stack.put(self.keys[0], b"overwritten")
        self.stack.delete(self.keys[1])

    def is_right(self, key: str) -> bool:
        """Whether a key's row says what the bucket says."""
        return [self._row(key)] == self._history(key, latest=True)

    def is_wrong(self, key: str) -> bool:
        """Whether a key's row says what was never true of the bucket."""
        row = self._row(key)
        return row is not None and row not in self._history(key)

    def settle(self) -> None:
        """Wait until each key has its right row or a failed event."""
        eventually(lambda: not self.lost(), lambda: f"row or failed event for {self.lost()}")

    def lost(self) -> set[str]:
        """The keys without either; those of failed events are noted, and stay in the queue."""
        for body in waiting(self.stack):
            event = json.loads(body)["requestPayload"]
            keys = {unquote_plus(record["s3"]["object"]["key"]) for record in event["Records"]}
            self.failed |= keys & set(self.keys)
        return {key for key in self.keys if key not in self.failed and not self.is_right(key)}

    def redriven(self) -> None:
        """Replay what is failed until every row is right."""

        def right() -> bool:
            # An event that fails again is a finding.
            redrive(self.stack, "--rate", "100", exits=None)
            return all(self.is_right(key) for key in self.keys)

        eventually(right, lambda: f"right rows after the replay, of {self.keys}")

    def _row(self, key: str) -> tuple[str, ...] | None:
        row = self.stack.row(key)
        if row is None:
            return None
        return (row["processing_status"], row.get("version_id", ""), str(row.get("file_size", "")))

    def _history(self, key: str, *, latest: bool = False) -> list[tuple[str, ...]]:
        """What the bucket said at any time, or what it says now."""
        answer = self.stack.client("s3").list_object_versions(Bucket=self.stack.bucket, Prefix=key)
        versions = [
            ("completed", version["VersionId"], str(version["Size"]))
            for version in answer.get("Versions", [])
            if version["IsLatest"] or not latest
        ]
        markers = [
            ("deleted", "", "")
            for marker in answer.get("DeleteMarkers", [])
            if marker["IsLatest"] or not latest
        ]
        return [*versions, *markers]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redrives, "WAIT_SECONDS", 0)
    monkeypatch.setattr(redrives, "RECOUNT_PAUSES", ())


@pytest.fixture(scope="module")
def deployed(deploy: Callable[..., Deployed], session_proxy: FaultProxy) -> Deployed:
    """A stack whose function reaches AWS through the fault proxy."""
    stack = deploy(environmentSuffix="faults")
    stack.configure(stack.function, AWS_ENDPOINT_URL=session_proxy.endpoint)
    return stack


ALWAYS = {
    ("500", "HeadObject", "all"),
    ("throttled", "PutItem", "20 %"),
    ("reset", "PutItem", "all"),
    ("answer lost", "PutItem", "all"),
}
"""One of each outcome: recovered, failed from either call, and written although it failed."""
MATRIX = [
    pytest.param(*case, marks=[] if case in ALWAYS else pytest.mark.soak)
    for case in itertools.product(FAULTS, OPERATIONS, SHARES)
]


@pytest.fixture
def trial(deployed: Deployed, proxy: FaultProxy) -> Iterator[Trial]:
    prefix = next(NUMBERS)
    yield Trial(deployed, [f"{prefix}/file {n}.txt" for n in range(FILES)])
    proxy.heal()
    deployed.client("sqs").purge_queue(QueueUrl=deployed.outputs["FailureQueueUrl"])


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str, Trial], None]:
    """Note a case's figures for the table at the end of the test run."""

    def note(case: str, trial: Trial) -> None:
        right = {key for key in trial.keys if trial.is_right(key)}
        wrong = {key for key in trial.keys if trial.is_wrong(key)}
        lost = set(trial.keys) - right - trial.failed
        figures = (len(trial.keys), len(right), len(trial.failed), len(wrong), len(lost))
        record_property("fault", f"{case:<36}" + "".join(f"{n:>8}" for n in figures))
        assert (wrong, lost) == (set(), set())

    return note


@pytest.mark.parametrize(("fault", "operation", "share"), MATRIX)
def test_under_a_fault_every_key_is_right_or_kept_and_the_replay_brings_the_rest(
    trial: Trial,
    proxy: FaultProxy,
    tell: Callable[[str, Trial], None],
    fault: str,
    operation: str,
    share: str,
) -> None:
    proxy.fail(operation, FAULTS[fault][operation], SHARES[share])
    trial.work()
    trial.settle()
    tell(f"{fault}, {share} of {operation}", trial)
    if SHARES[share] == 1:
        assert proxy.hits
    proxy.heal()
    trial.redriven()


def test_a_worker_killed_in_the_middle_of_a_record_loses_nothing(
    trial: Trial,
    proxy: FaultProxy,
    emulator: emulators.Emulator,
    tell: Callable[[str, Trial], None],
) -> None:
    """One event at a time.

    The emulator answers a worker that dies while it starts by killing all of the function's, and
    each counts as a failed attempt: with several events at once, on a busy machine, an event can
    take longer than the test waits.
    """
    trial = replace(trial, keys=trial.keys[:1])
    [key] = trial.keys
    killed: list[int] = []

    def kill(operation: str) -> None:
        if operation == "PutItem" and not killed:
            for worker in psutil.Process(emulator.process.pid).children(recursive=True):
                worker.kill()
                killed.append(worker.pid)

    proxy.before = kill
    for change in (
        lambda: trial.stack.put(key),
        lambda: trial.stack.put(key, b"overwritten"),
        lambda: trial.stack.delete(key),
    ):
        killed.clear()
        # The write is lost with the worker, so that only another attempt brings the row.
        proxy.fail("PutItem", Fault(reset=True), times=1)
        change()
        trial.settle()
        assert killed
    tell("worker killed before PutItem", trial)
    proxy.heal()
    trial.redriven()


def test_a_function_that_runs_into_its_timeout_loses_nothing(
    trial: Trial, proxy: FaultProxy, tell: Callable[[str, Trial], None]
) -> None:
    trial = replace(trial, keys=trial.keys[:1])
    trial.stack.configure(trial.stack.function, timeout=1)
    # Longer than the function waits for an answer, so that no write can land, however late it is
    # stopped.
    proxy.fail("HeadObject", Fault(delay=5))
    try:
        trial.stack.put(trial.keys[0])
        trial.settle()
        tell("function timeout", trial)
    finally:
        trial.stack.configure(trial.stack.function, timeout=15)
    assert trial.failed
    proxy.heal()
    trial.redriven()


def test_an_emulator_that_is_restarted_loses_nothing(
    tmp_path: Path, tell: Callable[[str, Trial], None]
) -> None:
    kept = {
        **RETRIES_AT_ONCE,
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "STATE_DIR": str(tmp_path / "state"),
        "S3_DATA_DIR": str(tmp_path / "s3"),
    }
    with emulators.running(kept) as first:
        stack = deploy_to(first, environmentSuffix="restarted")
        trial = Trial(stack, [f"file {n}" for n in range(FILES)])
        table = stack.table
        trial.work()
        trial.settle()
        stack.configure(stack.function, DYNAMODB_TABLE_NAME="no-such-table")
        stack.put(trial.keys[2], b"failed")
        trial.settle()
    with emulators.running(kept) as second:
        outputs = {k: v.replace(first.endpoint, second.endpoint) for k, v in stack.outputs.items()}
        stack = Deployed(cloud_of(second), outputs)
        trial = replace(trial, stack=stack, failed=set())
        trial.settle()
        tell("emulator restarted", trial)
        # On a busy machine an older event may still have been under way, and is failed, too.
        assert trial.keys[2] in trial.failed
        stack.configure(stack.function, DYNAMODB_TABLE_NAME=table)
        trial.redriven()
