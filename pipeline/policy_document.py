"""Builds policy documents."""

from typing import Any

Policy = dict[str, Any]
VERSION = "2012-10-17"


def policy(*statements: dict[str, Any]) -> Policy:
    """A document with these statements."""
    return {"Version": VERSION, "Statement": list(statements)}


def allow(sid: str, action: str | list[str], resource: str) -> dict[str, Any]:
    """A statement for a role's policy that allows actions."""
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


def allow_service(
    sid: str,
    service: str,
    action: str | list[str],
    resource: str,
    condition: dict[str, Any],
) -> dict[str, Any]:
    """A statement for a resource's policy that allows a service actions."""
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
    """A statement for a resource's policy that denies everybody an action."""
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
