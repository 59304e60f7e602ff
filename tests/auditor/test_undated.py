"""Changes of which S3 keeps no time: they are no findings while their notification may be late."""

import secrets
import time
from collections.abc import Callable

import pytest

from support.audits import SHORT, SUCCESSOR, auditor, make_successor
from support.faults import FaultProxy
from support.journeys import Deployed
from support.tool import without_notification

GRACE = {"graceSeconds": 1}


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    stack = deploy(environmentSuffix="undated")
    make_successor(stack)
    return stack


def undeleted(stack: Deployed, key: str) -> str:
    """Remove a delete marker, so that the object is back."""
    version = stack.put(key)
    stack.completed(key, version)
    marker = stack.delete(key)
    stack.deleted(key)
    time.sleep(2)
    without_notification(stack, lambda: stack.delete(key, marker) and None)
    return version


def rolled_back(stack: Deployed, key: str) -> str:
    """Remove the current version, so that the one before is current again."""
    version = stack.put(key)
    stack.completed(key, version)
    newer = stack.put(key, b"newer")
    stack.completed(key, newer)
    time.sleep(2)
    without_notification(stack, lambda: stack.delete(key, newer) and None)
    return version


@pytest.mark.parametrize(("kind", "change"), [("missing", undeleted), ("differs", rolled_back)])
def test_what_came_back_is_reported_when_the_grace_is_over_and_its_row_has_not(
    stack: Deployed, proxy: FaultProxy, kind: str, change: Callable[[Deployed, str], str]
) -> None:
    key = secrets.token_hex(4)
    version = change(stack, key)
    with auditor(stack, proxy, "report") as audit:
        assert audit.run(GRACE, lambda _: SHORT) == {}
        assert audit.found() == {}
        handed_on = audit.invoked(SUCCESSOR)[-1]
        time.sleep(1)
        assert audit.run(handed_on)["disagree"] == 1
        assert audit.found() == {key: kind}
        with auditor(stack, proxy, "repair") as repairs:
            assert repairs.run()["repaired"] == 1
        stack.completed(key, version)
        assert audit.run(handed_on)["disagree"] == 0
