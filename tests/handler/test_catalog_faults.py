"""A call that fails is retried once, then raised; a row is never written on a guess."""

import pytest

import service
from service import CallError, RefusedError
from support.faults import Fault
from support.handler_env import Bench

KEY = "faulty.txt"
SLOW = Fault(delay=2.5)  # longer than the client waits for an answer
TRANSIENT = [
    ("HeadObject", Fault(status=500)),
    ("HeadObject", Fault(status=503, code="SlowDown")),
    ("HeadObject", Fault(reset=True)),
    ("HeadObject", SLOW),
    ("PutItem", Fault(status=500, code="InternalServerError")),
    ("PutItem", Fault(status=503, code="ServiceUnavailable")),
    ("PutItem", Fault(status=400, code="ProvisionedThroughputExceededException")),
    ("PutItem", Fault(status=400, code="ThrottlingException")),
    ("PutItem", Fault(reset=True)),
]
IDS = [
    f"{operation}-{fault.code if fault.status else 'slow' if fault.delay else 'reset'}"
    for operation, fault in TRANSIENT
]


@pytest.fixture
def bench(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(service, "MAX_BACKOFF_SECONDS", 0)
    bench.put(KEY, b"there")
    return bench


def size(bench: Bench) -> str | None:
    return bench.row(KEY).get("file_size")


@pytest.mark.parametrize(("operation", "fault"), TRANSIENT, ids=IDS)
def test_a_fault_that_passes_is_retried_without_a_trace(
    bench: Bench, operation: str, fault: Fault
) -> None:
    bench.proxy.fail(operation, fault, times=1)
    assert bench.update(KEY) == "completed"
    assert bench.proxy.calls.count(operation) == 2
    assert size(bench) == "5"


@pytest.mark.parametrize(("operation", "fault"), TRANSIENT, ids=IDS)
def test_a_fault_that_stays_is_raised_after_one_retry(
    bench: Bench, operation: str, fault: Fault
) -> None:
    bench.proxy.fail(operation, fault)
    with pytest.raises(CallError) as caught:
        bench.update(KEY)
    assert ("TimeoutError" in str(caught.value)) == (fault is SLOW)
    assert bench.proxy.calls.count(operation) == 2
    assert bench.row(KEY) == {}


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("HeadObject", Fault(status=403, code="AccessDenied")),
        ("HeadObject", Fault(status=405, code="MethodNotAllowed")),
        ("PutItem", Fault(status=400, code="AccessDeniedException")),
        ("PutItem", Fault(status=400, code="ValidationException")),
    ],
    ids=lambda value: value.code if isinstance(value, Fault) else value,
)
def test_a_refusal_is_raised_at_once_and_writes_nothing(
    bench: Bench, operation: str, fault: Fault
) -> None:
    bench.proxy.fail(operation, fault)
    with pytest.raises(RefusedError) as caught:
        bench.update(KEY)
    assert caught.value.status == fault.status
    # A 403 may be of the checksum alone, so S3 is asked once without.
    twice = fault.status == 403
    assert bench.proxy.calls[-1] == operation
    assert bench.proxy.calls.count(operation) == (2 if twice else 1)
    assert bench.row(KEY) == {}


@pytest.mark.parametrize("fault", [Fault(lose_answer=True), SLOW], ids=["lost", "slow"])
def test_a_write_whose_answer_is_lost_has_happened_once(bench: Bench, fault: Fault) -> None:
    bench.proxy.fail("PutItem", fault, times=1)
    assert bench.update(KEY) == "stale"
    assert bench.proxy.calls.count("PutItem") == 2
    assert size(bench) == "5"


def test_a_write_whose_every_answer_is_lost_is_raised_and_has_happened(bench: Bench) -> None:
    bench.proxy.fail("PutItem", Fault(lose_answer=True))
    with pytest.raises(CallError):
        bench.update(KEY)
    assert size(bench) == "5"
