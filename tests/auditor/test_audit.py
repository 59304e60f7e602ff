"""The audit: finds all that disagrees and nothing else, whatever happens to it on its way."""

import itertools
import secrets
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from botocore.retries.standard import ExponentialBackoff

from auditor import audit as audits
from auditor import run_audit
from auditor.audit import Limits
from auditor.progress import Progress
from ops import bucket
from support.audits import LONG, OWNER, SHORT, SUCCESSOR, Auditor, Line, auditor, plant
from support.faults import Fault, FaultProxy
from support.journeys import Deployed

TALLY = {"missing": 7, "gone": 8, "differing": 8}
DENIED = Fault(status=403, code="AccessDenied")
SLOW_DOWN = Fault(status=503, code="SlowDown")
TABLE_THROTTLES = Fault(status=400, code="ProvisionedThroughputExceededException")
ACCOUNT_THROTTLES = Fault(status=400, code="ThrottlingException")
LAMBDA_THROTTLES = Fault(status=429, code="TooManyRequestsException")
THROTTLED = {
    "GetBucket": [SLOW_DOWN],
    "HeadObject": [SLOW_DOWN],
    "Scan": [TABLE_THROTTLES, ACCOUNT_THROTTLES],
    "GetItem": [TABLE_THROTTLES, ACCOUNT_THROTTLES],
}
"""How AWS throttles what an audit calls, by the proxy's name: GetBucket is ListObjectVersions."""


def each_call(*more: Fault) -> pytest.MarkDecorator:
    """Each call of an audit, throttled and with more faults."""
    return pytest.mark.parametrize(
        ("call", "fault"),
        [(call, fault) for call, faults in THROTTLED.items() for fault in (*faults, *more)],
        ids=lambda value: value if isinstance(value, str) else value.code,
    )


refused = pytest.mark.parametrize("fault", [DENIED, LAMBDA_THROTTLES], ids=lambda one: one.code)


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="audit")


@pytest.fixture(scope="module")
def planted(stack: Deployed) -> dict[str, str]:
    """What disagrees in the bucket for as long as nobody repairs it."""
    return plant(stack, f"{secrets.token_hex(4)}/")


@pytest.fixture
def reports(stack: Deployed, planted: dict[str, str], proxy: FaultProxy) -> Iterator[Auditor]:
    with auditor(stack, proxy, "report") as made:
        yield made


@pytest.fixture
def repairs(stack: Deployed, planted: dict[str, str], proxy: FaultProxy) -> Iterator[Auditor]:
    with auditor(stack, proxy, "repair") as made:
        yield made


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have botocore try as often as it does, but at once."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a few keys each."""
    monkeypatch.setattr(bucket, "PAGE", 7)
    monkeypatch.setattr(audits, "BOOKED_EVERY", 3)
    monkeypatch.setattr(run_audit, "LIMITS", Limits(window_bytes=1))


def over_after_the_listing(asked: int) -> float:
    return LONG if asked < 4 else 0.0


def to_its_end(
    audit: Auditor, left: Callable[[int], float]
) -> tuple[Line, Counter[tuple[str, str]]]:
    """Run all of an audit's invocations; its last line, and how often each key was found."""
    found: Counter[tuple[str, str]] = Counter()
    event, ended = None, {}
    while not ended:
        ended = audit.run(event, left)
        found.update(audit.found().items())
        event = ended or audit.invoked(SUCCESSOR)[-1]
    return ended, found


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
    assert set(reports.proxy.calls) == THROTTLED.keys()


def test_every_call_of_s3_names_the_buckets_owner(reports: Auditor) -> None:
    """A bucket that was deleted, and made again by a stranger, must not be compared."""
    reports.run()
    owners = {
        call.headers.get("x-amz-expected-bucket-owner")
        for call in reports.proxy.received
        if call.operation in {"GetBucket", "HeadObject"}
    }
    assert owners == {OWNER}


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
    ended, found = to_its_end(reports, lambda asked: LONG if asked < 12 else 0.0)
    assert ended["invocations"] > 2
    assert ended["compared"] == 30
    assert ended["complete"]
    assert found == Counter(planted.items())


@pytest.mark.usefixtures("small")
def test_what_was_not_compared_is_not_reported(reports: Auditor, planted: dict[str, str]) -> None:
    """The table cannot be read in time, however short the listing: it says so and gives up."""
    ended, _ = to_its_end(reports, over_after_the_listing)
    assert ended["invocations"] == 2
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


@each_call(DENIED)
def test_a_call_that_is_refused_ends_it_with_a_line_and_no_false_finding(
    reports: Auditor, call: str, fault: Fault
) -> None:
    reports.proxy.fail(call, fault)
    ended = reports.run()
    assert ended.items() >= {"complete": False, "disagree": 0}.items()
    # The answer to a HEAD has no body, and so no code.
    assert (str(fault.status) if call == "HeadObject" else fault.code) in ended["because"]
    assert reports.found() == {}


def test_objects_under_a_customer_s_key_are_compared_as_they_are_listed(
    reports: Auditor, planted: dict[str, str]
) -> None:
    """S3 answers HeadObject with 400 if the key of SSE-C is not in the call."""
    reports.proxy.fail("HeadObject", Fault(status=400))
    assert reports.run()["complete"]
    assert reports.found() == planted


@each_call(Fault(status=500), Fault(code="Reset", reset=True))
def test_a_call_that_fails_for_a_while_is_made_again(
    reports: Auditor, planted: dict[str, str], call: str, fault: Fault
) -> None:
    reports.proxy.fail(call, fault, times=2)
    ended = reports.run()
    assert len(reports.proxy.hits) == 2
    assert ended.items() >= {"complete": True, "compared": 30, "disagree": 23}.items()
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


@refused
def test_a_successor_that_cannot_be_invoked_ends_it_with_a_line(
    reports: Auditor, fault: Fault
) -> None:
    reports.proxy.fail("PostObject", fault)
    ended = reports.run(left=over_after_the_listing)
    assert ended.items() >= {"complete": False, "compared": 0, "disagree": 0}.items()
    assert ended["invocations"] == 1
    assert fault.code in ended["because"]


def test_a_successor_is_invoked_again_while_lambda_throttles(reports: Auditor) -> None:
    reports.proxy.fail("PostObject", LAMBDA_THROTTLES, times=2)
    assert reports.run(left=over_after_the_listing) == {}
    assert len(reports.invoked(SUCCESSOR)) == 3


@refused
def test_a_repair_that_is_refused_is_none_and_no_reason_to_be_silent(
    repairs: Auditor, fault: Fault
) -> None:
    repairs.proxy.fail("PostObject", fault)
    ended = repairs.run()
    assert ended.items() >= {"complete": False, "disagree": 23, "repaired": 0}.items()
    assert fault.code in ended["because"]


def test_a_repair_that_does_not_come_about_is_not_counted_as_one(
    repairs: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda accepts the event, and nothing happens."""
    monkeypatch.setattr(audits, "REPAIR_PAUSES", (0, 0))
    repairs.proxy.fail("PostObject", Fault(status=202))
    ended = repairs.run()
    assert len(repairs.invoked(repairs.stack.function)) == 1
    assert ended.items() >= {"complete": True, "disagree": 23, "repaired": 0}.items()


def test_what_disagrees_is_repaired_and_the_next_audit_is_clean(
    repairs: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of this module: it repairs what the others find."""
    monkeypatch.setattr(audits, "REPAIR_PAUSES", (1,) * 60)

    def asked() -> list[int]:
        return [len(event["Records"]) for event in repairs.invoked(repairs.stack.function)]

    with monkeypatch.context() as fewer:
        fewer.setattr(run_audit, "LIMITS", Limits(repairs=10))
        some = repairs.run()
    assert some.items() >= {"disagree": 13, "repaired": 10, **TALLY}.items()
    assert asked() == [10]
    repairs.proxy.fail("PostObject", LAMBDA_THROTTLES, times=2)
    ended = repairs.run()
    assert ended.items() >= {"complete": True, "disagree": 0, "repaired": 13}.items()
    assert asked() == [10, 13, 13, 13]
    clean = repairs.run()
    # Four have tombstones now, and no version any more.
    assert clean.items() >= {"complete": True, "disagree": 0, "compared": 26}.items()
    assert clean["repaired"] == 0
