"""The audit's process is killed: what it leaves behind, and what rings."""

import secrets
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psutil

from local import emulator as emulators
from support.audits import DeployedAudit, plant
from support.faults import FaultProxy
from support.journeys import Deployed

CALLS = ("GetBucket", "Scan", "HeadObject", "GetItem")


def kill(audit: DeployedAudit, emulator: emulators.Emulator) -> None:
    """Send SIGKILL to its processes."""
    for process in psutil.Process(emulator.process.pid).children(recursive=True):
        if process.environ().get("PROCESSOR_NAME") == audit.stack.function:
            process.kill()


def errors(audit: DeployedAudit) -> float:
    """Lambda's count, which the alarm on incomplete audits watches."""
    now = datetime.now(UTC)
    answer = audit.stack.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": audit.name}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])


def test_an_audit_that_is_killed_is_an_error_of_lambdas_and_the_next_one_finds_all(
    deploy: Callable[..., Deployed], emulator: emulators.Emulator, proxy: FaultProxy
) -> None:
    """It leaves no line, and so no metric of its own, wherever it is killed or times out."""
    audit = DeployedAudit(deploy(environmentSuffix="killed", audit="report"))
    planted = plant(audit.stack, f"{secrets.token_hex(4)}/")
    audit.stack.configure(audit.name, AWS_ENDPOINT_URL=proxy.endpoint)
    for killed, call in enumerate(CALLS, start=1):
        proxy.before = lambda operation, call=call: operation == call and kill(audit, emulator)
        lines, error = audit.run()
        assert (lines, bool(error), errors(audit)) == ([], True, killed)
    # It takes connections and never answers: no call of the audit ends, so that it times out.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        elsewhere = f"http://127.0.0.1:{silent.getsockname()[1]}"
        audit.stack.configure(audit.name, timeout=1, AWS_ENDPOINT_URL=elsewhere)
        lines, error = audit.run()
    assert (lines, errors(audit)) == ([], len(CALLS) + 1)
    assert "imed out" in error
    proxy.heal()
    audit.stack.configure(audit.name, timeout=900, AWS_ENDPOINT_URL=proxy.endpoint)
    (*found, ended), error = audit.run()
    assert error == ""
    assert {line["key"]: line["kind"] for line in found} == planted
    assert ended.items() >= {"audit": "ended", "complete": True, "disagree": 23}.items()
    assert errors(audit) == len(CALLS) + 1
