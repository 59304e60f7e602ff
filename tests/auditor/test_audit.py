"""The audit: finds all that disagrees and nothing else, whatever happens to it on its way."""

import itertools
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from auditor import audit as audits
from auditor import run_audit
from auditor.audit import Audit, Limits
from auditor.progress import Deadline, Progress
from ops import bucket
from support.audits import LONG, SHORT, SUCCESSOR, Auditor, auditor, make_successor, plant
from support.faults import Fault, FaultProxy
from support.journeys import Deployed

TALLY = {"missing": 7, "gone": 8, "differing": 8}
DENIED = Fault(status=403, code="AccessDenied")
CALLS = {
    "ListObjectVersions": "GetBucket",
    "Scan": "Scan",
    "HeadObject": "HeadObject",
    "GetItem": "GetItem",
}
"""What an audit calls, and what the proxy calls that."""


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    stack = deploy(environmentSuffix="audit")
    make_successor(stack)
    return stack


@pytest.fixture(scope="module")
def planted(stack: Deployed) -> dict[str, str]:
    """What disagrees in the bucket for as long as nobody repairs it."""
    return plant(stack, f"{secrets.token_hex(4)}/")


@pytest.fixture
def reports(stack: Deployed, planted: dict[str, str], proxy: FaultProxy) -> Iterator[Auditor]:
    with auditor(stack, proxy, "report") as made:
        yield made


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a few keys each."""
    monkeypatch.setattr(bucket, "PAGE", 7)
    monkeypatch.setattr(audits, "BOOKED_EVERY", 3)
    monkeypatch.setattr(run_audit, "LIMITS", Limits(window_bytes=1))


def continued(audit: Auditor, left: Callable[[int], float] = lambda _: LONG) -> dict[str, Any]:
    """Do what the next invocation does, and those after it; return the last line."""
    for _ in range(run_audit.MOST_RUNS):
        event = audit.invoked(SUCCESSOR)[-1]
        if ended := audit.run(event, left):
            return ended
    raise AssertionError("it never ends")


def test_all_that_disagrees_is_found_and_counted_and_nothing_else(
    reports: Auditor, planted: dict[str, str]
) -> None:
    ended = reports.run()
    assert reports.found() == planted
    assert len(planted) == 23
    assert ended.items() >= {"complete": True, "disagree": 23, "repaired": 0, **TALLY}.items()
    assert ended["compared"] == 30


def test_a_report_only_reads(reports: Auditor) -> None:
    reports.run()
    assert set(reports.proxy.calls) == set(CALLS.values())


@pytest.mark.usefixtures("small")
def test_windows_cut_the_bucket_without_a_gap_or_an_overlap(
    reports: Auditor, planted: dict[str, str]
) -> None:
    ended = reports.run()
    assert reports.proxy.calls.count("GetBucket") > 4
    assert ended["compared"] == 30
    assert ended["complete"]
    assert reports.found() == planted


@pytest.mark.usefixtures("small")
def test_an_audit_goes_on_where_its_time_was_over(
    reports: Auditor, planted: dict[str, str]
) -> None:
    """Each invocation has time for some keys; all of them together report each key once."""

    def soon_over(asked: int) -> float:
        return LONG if asked < 12 else 0.0

    found: Counter[tuple[str, str]] = Counter()
    ended = reports.run(left=soon_over)
    while True:
        found.update(reports.found().items())
        if ended:
            break
        ended = reports.run(reports.invoked(SUCCESSOR)[-1], soon_over)
    assert ended["invocations"] > 2
    assert ended["compared"] == 30
    assert ended["complete"]
    assert found == Counter(planted.items())


@pytest.mark.usefixtures("small")
def test_what_was_not_compared_is_not_reported(reports: Auditor, planted: dict[str, str]) -> None:
    """The table cannot be read in time, however short the listing: it says so and gives up."""

    def over_after_the_listing(asked: int) -> float:
        return LONG if asked < 4 else 0.0

    assert reports.run(left=over_after_the_listing) == {}
    ended = continued(reports, over_after_the_listing)
    assert ended.items() >= {"complete": False, "compared": 0, "disagree": 0}.items()
    assert ended["because"] == "the table takes longer to read than an invocation may run"


def test_time_that_is_over_in_the_middle_of_a_window_loses_nothing_that_was_compared(
    reports: Auditor, planted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audits, "BOOKED_EVERY", 3)

    def over_once_keys_are_read_again(_: int) -> float:
        return 0.0 if "HeadObject" in reports.proxy.calls else LONG

    assert reports.run(left=over_once_keys_are_read_again) == {}
    first = reports.found()
    progress = Progress.of(reports.invoked(SUCCESSOR)[-1])
    assert 0 < progress.compared < 30
    assert not progress.aborted
    ended = reports.run(progress.event())
    assert ended.items() >= {"complete": True, "compared": 30, "disagree": 23}.items()
    assert not first.keys() & reports.found().keys()
    assert first | reports.found() == planted


def test_more_findings_than_are_shown_are_counted(
    reports: Auditor, planted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audits, "BATCH", 5)
    assert reports.run()["disagree"] == 23
    assert len(reports.found()) == 5
    assert reports.found().items() <= planted.items()


def test_an_audit_without_end_is_ended(reports: Auditor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda would stop it, without a line."""
    monkeypatch.setattr(run_audit, "MOST_RUNS", 1)
    monkeypatch.setattr(run_audit, "MOST_ABORTED", 9)
    ended = reports.run(left=lambda _: 0.0)
    assert ended["because"] == "it takes more than 1 invocations"
    assert reports.invoked(SUCCESSOR) == []


def test_a_row_without_an_object_is_reported_when_the_grace_is_over(
    reports: Auditor, planted: dict[str, str]
) -> None:
    """It is handed on for so long, with all that was counted."""
    hour = {"graceSeconds": 3600}
    assert reports.run(hour, left=lambda _: SHORT) == {}
    [handed_on] = reports.invoked(SUCCESSOR)
    progress = Progress.of(handed_on)
    gone = {key for key, kind in planted.items() if kind == "gone"}
    # A delete marker has a time, by which it is too young to be judged.
    assert set(progress.undated) < gone
    assert progress.too_recent == 23 - len(progress.undated)
    progress.grace = 0
    ended = reports.run(progress.event())
    assert ended["gone"] == len(progress.undated)
    assert ended["complete"]


def test_more_to_be_read_once_more_than_can_be_handed_on_leaves_it_incomplete(
    reports: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_audit, "LIMITS", Limits(carried_bytes=60))
    ended = reports.run()
    assert ended["disagree"] + ended["unconfirmed"] == 23
    assert ended["unconfirmed"] > 0
    assert not ended["complete"]
    assert "more keys to read again" in ended["because"]


def test_what_is_handed_on_fits_into_an_event_whatever_the_keys() -> None:
    """JSON writes a control character in six bytes."""
    walk = Deadline(lambda: LONG, 0)
    audit = Audit(cast(Any, None), Progress(), walk, limits=Limits(carried_bytes=1000))
    for number in range(100):
        audit._hand_on(f"\x01\x02é{number}")
    assert 900 < len(json.dumps(audit.progress.undated, ensure_ascii=False).encode()) <= 1000
    assert audit.progress.unconfirmed == 100 - len(audit.progress.undated)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_is_denied_ends_it_with_a_line_and_no_false_finding(
    reports: Auditor, planted: dict[str, str], call: str
) -> None:
    reports.proxy.fail(CALLS[call], DENIED)
    ended = reports.run()
    assert not ended["complete"]
    assert ended["because"]
    assert ended["disagree"] == 0
    assert reports.found() == {}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_now_and_then_is_made_again(
    reports: Auditor, planted: dict[str, str], call: str
) -> None:
    reports.proxy.fail(CALLS[call], Fault(status=500), times=1)
    reports.proxy.fail(CALLS[call], Fault(reset=True), times=1)
    assert reports.run()["complete"]
    assert reports.found() == planted


@pytest.mark.usefixtures("small")
def test_what_was_compared_before_a_failure_is_reported(
    reports: Auditor, planted: dict[str, str]
) -> None:
    listings = itertools.count(1)

    def deny_the_third(operation: str) -> None:
        if operation == "GetBucket" and next(listings) == 2:
            reports.proxy.fail("GetBucket", DENIED)

    reports.proxy.before = deny_the_third
    ended = reports.run()
    assert not ended["complete"]
    assert 0 < ended["compared"] < 30
    assert 0 < ended["disagree"] == len(reports.found()) < 23
    assert reports.found().items() <= planted.items()


def test_a_successor_that_cannot_be_invoked_ends_it_with_a_line(reports: Auditor) -> None:
    reports.proxy.fail("PostObject", DENIED)
    ended = reports.run(left=lambda asked: LONG if asked < 4 else 0.0)
    assert not ended["complete"]
    assert ended["invocations"] == 1
    assert "AccessDenied" in ended["because"]


def test_uploads_and_deletions_meanwhile_are_no_findings(
    deploy: Callable[..., Deployed], proxy: FaultProxy
) -> None:
    """Twenty a second; what is deleted for good has no time, and is read again after the grace."""
    stack = deploy(environmentSuffix="audited")
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
                    # By then the grace of 900 seconds is over.
                    progress = Progress.of(audit.invoked(SUCCESSOR)[-1])
                    progress.seen_at -= 900
                    time.sleep(1)
                    ended = audit.run(progress.event())
                assert ended.items() >= {"complete": True, "disagree": 0}.items(), audit.lines
        finally:
            over.set()
            uploads.join()


def test_a_repair_that_does_not_come_about_is_not_counted_as_one(
    stack: Deployed,
    planted: dict[str, str],
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audits, "REPAIR_PAUSES", (0, 0))
    with auditor(stack, proxy, "repair") as audit:
        monkeypatch.setenv("PROCESSOR_NAME", SUCCESSOR)
        ended = audit.run()
        assert len(audit.invoked(SUCCESSOR)) == 1
    assert ended.items() >= {"complete": True, "disagree": 23, "repaired": 0}.items()


def test_what_disagrees_is_repaired_and_the_next_audit_is_clean(
    stack: Deployed, planted: dict[str, str], proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of this module: it repairs what the others find."""
    monkeypatch.setattr(audits, "REPAIR_PAUSES", (1,) * 60)
    with auditor(stack, proxy, "repair") as audit:
        # A repair that is refused repairs nothing, and is no reason to be silent.
        proxy.fail("PostObject", DENIED)
        refused = audit.run()
        assert refused.items() >= {"complete": False, "disagree": 23, "repaired": 0}.items()
        proxy.heal()

        def asked() -> int:
            return sum(len(event["Records"]) for event in audit.invoked(stack.function))

        with monkeypatch.context() as fewer:
            fewer.setattr(run_audit, "LIMITS", Limits(repairs=10))
            some = audit.run()
        assert some.items() >= {"disagree": 13, "repaired": 10, **TALLY}.items()
        assert asked() == 10
        ended = audit.run()
        assert ended.items() >= {"complete": True, "disagree": 0, "repaired": 13}.items()
        assert asked() == 23
        clean = audit.run()
        assert clean.items() >= {"complete": True, "disagree": 0, "repaired": 0}.items()
        # Four have tombstones now, and no version any more.
        assert json.dumps(clean["compared"]) == "26"
