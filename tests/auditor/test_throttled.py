"""The audit while AWS throttles its calls: it waits, or says that it is incomplete."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from botocore.retries.standard import ExponentialBackoff

from support.audits import LONG, SUCCESSOR, Auditor, Line, auditor, make_successor, plant
from support.faults import Fault, FaultProxy
from support.journeys import Deployed

SLOW_DOWN = Fault(status=503, code="SlowDown")
TOO_MANY = Fault(status=429, code="TooManyRequestsException")
THROTTLED = {
    "ListObjectVersions": ("GetBucket", SLOW_DOWN),
    "HeadObject": ("HeadObject", SLOW_DOWN),
    "Scan, table": ("Scan", Fault(status=400, code="ProvisionedThroughputExceededException")),
    "Scan, account": ("Scan", Fault(status=400, code="ThrottlingException")),
    "GetItem, table": ("GetItem", Fault(status=400, code="ProvisionedThroughputExceededException")),
    "GetItem, account": ("GetItem", Fault(status=400, code="ThrottlingException")),
}
"""What the proxy calls a call, and how AWS refuses it."""


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    stack = deploy(environmentSuffix="throttled")
    make_successor(stack)
    return stack


@pytest.fixture(scope="module")
def planted(stack: Deployed) -> dict[str, str]:
    return plant(stack, f"{secrets.token_hex(4)}/")


@pytest.fixture
def reports(stack: Deployed, planted: dict[str, str], proxy: FaultProxy) -> Iterator[Auditor]:
    with auditor(stack, proxy, "report") as made:
        yield made


@pytest.fixture
def repairs(stack: Deployed, planted: dict[str, str], proxy: FaultProxy) -> Iterator[Auditor]:
    with auditor(stack, proxy, "repair") as made:
        yield made


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have botocore try as often as it does, but at once."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


def goes_on(audit: Auditor) -> Line:
    """Have time for the listing alone, so that it invokes the next one."""
    return audit.run(left=lambda asked: LONG if asked < 4 else 0.0)


@pytest.mark.parametrize("case", THROTTLED)
def test_an_audit_that_is_throttled_for_a_while_is_complete(
    reports: Auditor, planted: dict[str, str], case: str
) -> None:
    call, refused = THROTTLED[case]
    reports.proxy.fail(call, refused, times=2)
    ended = reports.run()
    assert len(reports.proxy.hits) == 2
    assert ended.items() >= {"complete": True, "compared": 30, "disagree": 23}.items()
    assert reports.found() == planted


@pytest.mark.usefixtures("without_pauses")
@pytest.mark.parametrize("case", THROTTLED)
def test_an_audit_that_is_throttled_for_good_is_incomplete_and_says_why(
    reports: Auditor, case: str
) -> None:
    call, refused = THROTTLED[case]
    reports.proxy.fail(call, refused)
    ended = reports.run()
    assert ended.items() >= {"complete": False, "disagree": 0}.items()
    # The answer to a HEAD has no body, and so no code.
    assert ("503" if call == "HeadObject" else refused.code) in ended["because"]
    assert reports.found() == {}


def test_the_next_invocation_is_asked_for_again_while_lambda_throttles(reports: Auditor) -> None:
    reports.proxy.fail("PostObject", TOO_MANY, times=2)
    assert goes_on(reports) == {}
    assert len(reports.invoked(SUCCESSOR)) == 3


@pytest.mark.usefixtures("without_pauses")
def test_an_audit_that_lambda_does_not_let_go_on_is_incomplete_and_says_why(
    reports: Auditor,
) -> None:
    reports.proxy.fail("PostObject", TOO_MANY)
    ended = goes_on(reports)
    assert ended.items() >= {"complete": False, "compared": 0, "disagree": 0}.items()
    assert TOO_MANY.code in ended["because"]


@pytest.mark.usefixtures("without_pauses")
def test_repairs_that_lambda_throttles_for_good_are_none(repairs: Auditor) -> None:
    repairs.proxy.fail("PostObject", TOO_MANY)
    ended = repairs.run()
    assert ended.items() >= {"complete": False, "disagree": 23, "repaired": 0}.items()
    assert TOO_MANY.code in ended["because"]


def test_repairs_that_lambda_throttles_for_a_while_are_made(repairs: Auditor) -> None:
    """The last of this module: it repairs what the others find."""
    repairs.proxy.fail("PostObject", TOO_MANY, times=2)
    ended = repairs.run()
    assert len(repairs.proxy.hits) == 2
    assert ended.items() >= {"complete": True, "disagree": 0, "repaired": 23}.items()
