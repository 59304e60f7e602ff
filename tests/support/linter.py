"""A linter of policies, and what it knows of AWS's actions."""

import warnings

with warnings.catch_warnings():
    # Importing it leaves a file open, and asks for resources in a deprecated way.
    warnings.simplefilter("ignore")
    import parliament

__all__ = ["lint", "parliament"]


def lint(text: str) -> list[tuple[str, str]]:
    found = parliament.analyze_policy_string(text).findings
    return [(finding.issue, str(finding.detail)) for finding in found]
