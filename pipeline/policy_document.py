"""The parts of a policy document."""

from typing import Any

Policy = dict[str, Any]
VERSION = "2012-10-17"


def policy(*statements: dict[str, Any]) -> Policy:
    """A document of statements."""
    return {"Version": VERSION, "Statement": list(statements)}


def allow(sid: str, action: str | list[str], resource: str) -> dict[str, Any]:
    """A statement of a role's policy."""
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


def allow_service(
    sid: str,
    service: str,
    action: str | list[str],
    resource: str,
    condition: dict[str, Any],
) -> dict[str, Any]:
    """A statement of a resource's policy for one service."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }


def deny(
    sid: str, action: str, resource: str | list[str], condition: dict[str, Any]
) -> dict[str, Any]:
    """A statement of a resource's policy against everybody."""
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }


def trust(sid: str, service: str, condition: dict[str, Any] | None = None) -> Policy:
    """The trust policy of a role that one service assumes."""
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return policy(statement | ({"Condition": condition} if condition else {}))
