"""The metric filters that a program declares."""

from typing import Any

from support.recorder import Program

FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"


def transformations(program: Program) -> dict[str, dict[str, Any]]:
    """The metrics that they make, by name."""
    found = [declared.inputs["metricTransformation"] for declared in program.all(FILTER)]
    return {one["name"]: one for one in found}
