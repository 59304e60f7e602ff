"""The audit's process is killed: what it leaves behind, and what rings."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from local import emulator as emulators
from support.audits import plant
from support.faults import FaultProxy
from support.journeys import Deployed

CALLS = ("GetBucket", "Scan", "HeadObject", "GetItem")


@dataclass
class Function:
    """The audit's function, as it is deployed."""

    stack: Deployed
    emulator: emulators.Emulator
    found: dict[str, Any]

    def call_by(self, endpoint: str) -> None:
        """Have its calls of AWS go there."""
        variables = self.found["Environment"]["Variables"] | {"AWS_ENDPOINT_URL": endpoint}
        self.stack.client("lambda").update_function_configuration(
            FunctionName=self.found["FunctionName"], Environment={"Variables": variables}
        )

    def run(self) -> dict[str, Any]:
        """Invoke it; return Lambda's answer."""
        answer: dict[str, Any] = self.stack.client("lambda").invoke(
            FunctionName=self.found["FunctionName"], Payload=b'{"graceSeconds": 0}'
        )
        return answer

    def kill(self) -> None:
        """Send SIGKILL to its processes."""
        for process in psutil.Process(self.emulator.process.pid).children(recursive=True):
            if process.environ().get("AUDIT") and self.stack.table in process.environ().values():
                process.kill()

    def lines(self) -> list[dict[str, Any]]:
        """All that it has logged as JSON."""
        group = self.found["LoggingConfig"]["LogGroup"]
        pages = self.stack.client("logs").get_paginator("filter_log_events")
        events = [one for page in pages.paginate(logGroupName=group) for one in page["events"]]
        texts = [event["message"] for event in events]
        return [json.loads(text) for text in texts if text.startswith('{"timestamp"')]

    def errors(self) -> float:
        """Lambda's count, which the alarm on incomplete audits watches."""
        now = datetime.now(UTC)
        answer = self.stack.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[{"Name": "FunctionName", "Value": self.found["FunctionName"]}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in answer["Datapoints"])


def _variables(function: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = function.get("Environment", {}).get("Variables", {})
    return found


@pytest.fixture(scope="module")
def function(deploy: Callable[..., Deployed], emulator: emulators.Emulator) -> Function:
    stack = deploy(environmentSuffix="killed", audit="report")
    [found] = [
        one
        for one in stack.client("lambda").list_functions()["Functions"]
        if "AUDIT" in _variables(one) and stack.table in _variables(one).values()
    ]
    return Function(stack, emulator, found)


def test_an_audit_that_is_killed_is_an_error_of_lambdas_and_the_next_one_finds_all(
    function: Function, proxy: FaultProxy
) -> None:
    """It leaves no line, and so no metric of its own, wherever it is killed."""
    planted = plant(function.stack, f"{secrets.token_hex(4)}/")
    function.call_by(proxy.endpoint)
    for killed, call in enumerate(CALLS, start=1):
        proxy.before = lambda operation, call=call: operation == call and function.kill()
        assert "FunctionError" in function.run()
        assert function.lines() == []
        assert function.errors() == killed
    proxy.heal()
    assert "FunctionError" not in function.run()
    *found, ended = function.lines()
    assert {line["key"]: line["kind"] for line in found} == planted
    assert ended.items() >= {"audit": "ended", "complete": True, "disagree": 23}.items()
    assert function.errors() == len(CALLS)
