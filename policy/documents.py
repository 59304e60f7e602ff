"""The rules for policy documents: pure functions from documents to violations."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aws
from declared import UNKNOWN, Resource, value_at

WITH_DOCUMENTS = tuple(f"aws:{service}/" for service in ("iam", "s3", "sqs", "sns", "kms"))


# X-Ray has no resource to name for these two:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
WITHOUT_RESOURCE = {"xray:puttracesegments", "xray:puttelemetryrecords"}
# Condition keys that limit an Allow for everybody to some callers:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
WHO = {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:userid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "kms:calleraccount",
}
EQUALS = {"stringequals", "stringlike", "arnequals", "arnlike"}
# The action to deny over plain HTTP. SNS's page denies only `sns:Publish`, and SNS refuses a
# wildcard in a topic's policy:
# https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html
ALL_CALLS = {
    aws.BUCKET_POLICY: "s3:*",
    aws.QUEUE_POLICY: "sqs:*",
    aws.TOPIC_POLICY: "sns:publish",
}

OVER_PLAIN_HTTP = [("bool", "aws:securetransport", ["false"])]


@dataclass(frozen=True, kw_only=True)
class Document:
    """One policy document, and the property that holds it."""

    field: str
    text: Any
    """JSON, or UNKNOWN."""
    of_key: bool = False
    """Whether it is the policy of a KMS key."""

    def statements(self) -> list[Mapping[str, Any]]:
        """All statements; none of a document that is unknown or unreadable."""
        try:
            found = _listed(json.loads(self.text)["Statement"])
        except (KeyError, TypeError, ValueError):
            return []
        return [statement for statement in found if isinstance(statement, Mapping)]

    def unreadable(self) -> list[str]:
        """A document that no rule can judge."""
        if self.text is UNKNOWN or self.statements():
            return []
        return [f"{self.field} must be a policy document in JSON, got {self.text!r:.200}"]


def of(resource: Resource) -> Iterator[Document]:
    """Every policy document in a resource."""
    if not resource.type.startswith(WITH_DOCUMENTS):
        return
    found = {name: value_at(resource.props, name) for name in ("policy", "assumeRolePolicy")}
    inline = value_at(resource.props, "inlinePolicies")
    for index, policy in enumerate(inline if isinstance(inline, list) else []):
        found[f"inlinePolicies[{index}].policy"] = value_at(policy, "policy")
    for name, value in found.items():
        if value:
            yield Document(
                field=name, text=text(value), of_key=resource.type in (aws.KEY, aws.KEY_POLICY)
            )


def text(value: Any) -> Any:
    """A document as JSON, also if it is declared as an object; UNKNOWN if a part is unknown."""
    try:
        return json.dumps(value) if isinstance(value, Mapping) else value
    except TypeError:
        return UNKNOWN


def wildcard_actions(document: Document) -> list[str]:
    """Violations by wildcard actions.

    A KMS key's policy may allow ``kms:*`` to the account itself. Otherwise nobody could manage
    the key:
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return [
        f"{field} must name every action, got {action!r}"
        for statement, field in _allowing(document, "Action")
        if not (document.of_key and _only_the_account(statement.get("Principal")))
        for action in _listed(statement.get("Action", "NotAction"))
        if "*" in action or "?" in action or action == "NotAction"
    ]


def wildcard_resources(document: Document) -> list[str]:
    """Violations by wildcard resources.

    In a KMS key's policy, ``*`` is the key that the policy is attached to:
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
    """
    if document.of_key:
        return []
    return [
        f"{field} must name the resources, got {resource!r}"
        for statement, field in _allowing(document, "Resource")
        if not _lowered(statement.get("Action", "*")) <= WITHOUT_RESOURCE
        for resource in _listed(
            statement.get("Resource", "NotResource" if "NotResource" in statement else [])
        )
        if resource == "NotResource" or re.fullmatch(r"\*+|arn:([^:]*:){4}\*+", resource)
    ]


def unnamed_principals(document: Document) -> list[str]:
    """Statements that allow everybody, or all but some."""
    return [
        f"{field} must name a principal, or have a condition on account or source,"
        f" got {principal!r}"
        for statement, field in _allowing(document, "Principal")
        for principal in _principals(statement)
        if principal == "NotPrincipal" or ("*" in principal and not _tied(statement))
    ]


def refuses_plain_http(document: Document, kind: str, resources: Iterable[str]) -> bool:
    """Whether the document denies everybody every call over plain HTTP.

    Args:
        document: the policy of a bucket, a queue or a topic.
        kind: the type of the resource that holds it.
        resources: the ends of the ARNs that it must deny, such as ``:name`` and ``:name/*``.
    """
    covered = [
        resource
        for statement in document.statements()
        if statement.get("Effect") == "Deny"
        and "*" in _principals(statement)
        and _lowered(statement.get("Action", [])) & {"*", "*:*", ALL_CALLS[kind]}
        and list(_conditions(statement)) == OVER_PLAIN_HTTP
        for resource in _listed(statement.get("Resource", []))
    ]
    return all(any(arn == "*" or arn.endswith(end) for arn in covered) for end in resources)


def _allowing(document: Document, element: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    for number, statement in enumerate(document.statements()):
        if statement.get("Effect") == "Allow":
            name = statement.get("Sid", number)
            yield statement, f"{document.field}.Statement[{name}].{element}"


def _principals(statement: Mapping[str, Any]) -> list[str]:
    if "NotPrincipal" in statement:
        return ["NotPrincipal"]
    principal = statement.get("Principal", [])
    if isinstance(principal, Mapping):
        return [one for kind in principal.values() for one in _listed(kind)]
    return _listed(principal)


def _only_the_account(principal: Any) -> bool:
    account = principal.get("AWS") if isinstance(principal, Mapping) else None
    return isinstance(account, str) and bool(re.fullmatch(r"arn:[^:]+:iam::\d{12}:root", account))


def _tied(statement: Mapping[str, Any]) -> bool:
    # A value with a wildcard limits the callers only if it contains an account.
    return any(
        operator in EQUALS
        and key in WHO
        and all(not re.search(r"[*?]", v) or re.search(r"\b\d{12}\b", v) for v in values)
        for operator, key, values in _conditions(statement)
    )


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    condition = statement.get("Condition")
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            yield operator.lower(), key.lower(), [str(value).lower() for value in _listed(values)]


def _lowered(values: Any) -> set[str]:
    return {str(value).lower() for value in _listed(values)}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
