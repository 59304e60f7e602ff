"""Changes of which S3 keeps no time: they are no findings while their notification may be late."""

import itertools
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from auditor.progress import Progress
from support.audits import SHORT, SUCCESSOR, auditor
from support.faults import FaultProxy
from support.journeys import Deployed
from support.tool import without_notification

GRACE = {"graceSeconds": 1}


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="undated")


def deleted(stack: Deployed, key: str) -> str:
    marker = stack.delete(key)
    stack.deleted(key)
    return marker


def overwritten(stack: Deployed, key: str) -> str:
    newer = stack.put(key, b"newer")
    stack.completed(key, newer)
    return newer


@pytest.mark.parametrize(("kind", "change"), [("missing", deleted), ("differs", overwritten)])
def test_what_came_back_is_reported_when_the_grace_is_over_and_its_row_has_not(
    stack: Deployed, proxy: FaultProxy, kind: str, change: Callable[[Deployed, str], str]
) -> None:
    """A version is current again because the delete marker or version after it was removed."""
    key = secrets.token_hex(4)
    version = stack.put(key)
    stack.completed(key, version)
    newer = change(stack, key)
    time.sleep(2)
    without_notification(stack, lambda: stack.delete(key, newer) and None)
    with auditor(stack, proxy, "report") as audit:
        assert audit.run(GRACE, lambda _: SHORT) == {}
        assert audit.found() == {}
        handed_on = audit.invoked(SUCCESSOR)[-1]
        time.sleep(1)
        assert audit.run(handed_on)["disagree"] == 1
        assert audit.found() == {key: kind}
    proxy.heal()
    with auditor(stack, proxy, "repair") as repairs:
        assert repairs.run()["repaired"] == 1
        stack.completed(key, version)
        assert repairs.run(handed_on)["disagree"] == 0


def test_uploads_and_deletions_meanwhile_are_no_findings(
    stack: Deployed, proxy: FaultProxy
) -> None:
    """Twenty a second; what is deleted for good has no time, and is read again after the grace."""
    over = threading.Event()

    def work() -> None:
        for number in itertools.count():
            key = f"{number % 40:02}"
            version = stack.put(key, f"{number}".encode())
            if number % 3 == 0:
                stack.delete(key, version)
            if over.wait(0.05):
                return

    with auditor(stack, proxy, "report") as audit:
        uploads = threading.Thread(target=work)
        uploads.start()
        try:
            time.sleep(2)
            for _ in range(4):
                event: dict[str, Any] = {}
                if not (ended := audit.run(event, lambda _: SHORT)):
                    # When the grace of 900 seconds is over, later notifications have arrived, too.
                    progress = Progress.of(audit.invoked(SUCCESSOR)[-1])
                    progress.seen_at -= 900
                    stack.completed("later", stack.put("later"))
                    time.sleep(1)
                    ended = audit.run(progress.event())
                assert ended.items() >= {"complete": True, "disagree": 0}.items(), audit.lines
        finally:
            over.set()
            uploads.join()
