"""The dashboard that a program declares."""

import json
from typing import Any

from support.recorder import Program

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"

Widget = dict[str, Any]


def body(program: Program) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(program.one(DASHBOARD).inputs["dashboardBody"])
    return loaded


def panels(program: Program) -> list[Widget]:
    return [w["properties"] for w in body(program)["widgets"] if w["type"] == "metric"]
