"""A failed event: a message of the failure queue."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

WHY = ("ERROR_CODE", "ERROR_MESSAGE")
"""The attributes of a message in which EventBridge says why a delivery failed."""


@dataclass(frozen=True)
class FailedEvent:
    """One message of the failure queue."""

    message_id: str
    receipt_handle: str
    sent: datetime
    """When Lambda sent it to the queue, UTC."""
    payload: bytes | None
    """The original event as JSON; None if the message cannot be read."""
    keys: tuple[str, ...]
    """The object keys in the event, to show them."""
    error: str
    """Why the function failed, or why the message cannot be read."""

    def described(self, now: datetime) -> dict[str, Any]:
        """Describe the event for JSON output; the age is in seconds."""
        return {
            "messageId": self.message_id,
            "readable": self.payload is not None,
            "keys": list(self.keys),
            "error": self.error,
            "ageSeconds": round((now - self.sent).total_seconds()),
        }


def read(message: "MessageTypeDef") -> FailedEvent:
    """Parse a message: an event in Lambda's envelope or, from a dead-letter queue, a bare event.

    EventBridge says in the message's attributes why it could not deliver an event:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
    """
    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    payload, keys, error = _envelope(message["Body"])
    attributes = message.get("MessageAttributes", {})
    said = [attributes[name].get("StringValue", "") for name in WHY if name in attributes]
    if payload is not None and any(said):
        error = ": ".join(filter(None, said))
    return FailedEvent(
        message["MessageId"], message["ReceiptHandle"], sent, payload, tuple(keys), error
    )


def _envelope(body: str) -> tuple[bytes | None, list[str], str]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as err:
        return None, [], f"body must be JSON, got {err}"
    if _is_event(envelope):
        envelope = {"requestPayload": envelope}
    if not isinstance(envelope, dict) or "requestPayload" not in envelope:
        return None, [], "body must be an S3 event or an object with requestPayload, got neither"
    event = envelope["requestPayload"]
    return json.dumps(event).encode(), _keys(event), _error(envelope)


def _is_event(body: object) -> bool:
    if _is_of_event_bridge(body):
        return True
    records = body.get("Records") if isinstance(body, dict) else None
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(record, dict) and "s3" in record for record in records)
    )


def _is_of_event_bridge(body: object) -> bool:
    return isinstance(body, dict) and body.get("source") == "aws.s3" and "detail-type" in body


def _keys(event: object) -> list[str]:
    if _is_of_event_bridge(event):
        return [_key_of_event_bridge(event)]
    records = event.get("Records") if isinstance(event, Mapping) else None
    found = []
    for record in records if isinstance(records, list) else []:
        try:
            found.append(unquote_plus(record["s3"]["object"]["key"]))
        except (KeyError, TypeError, AttributeError):
            found.append("?")
    return found


def _key_of_event_bridge(event: Any) -> str:
    try:
        return str(event["detail"]["object"]["key"])
    except (KeyError, TypeError):
        return "?"


def _error(envelope: Mapping[str, Any]) -> str:
    response = envelope.get("responsePayload")
    context = envelope.get("requestContext")
    parts = []
    if isinstance(response, Mapping):
        parts += [response.get("errorType"), response.get("errorMessage")]
    if isinstance(context, Mapping) and not any(parts):
        parts.append(context.get("condition"))
    return ": ".join(str(part) for part in parts if part) or "no error given"
