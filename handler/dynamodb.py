"""``PutItem``, ``UpdateItem`` and ``GetItem``, with the parameters that AWS's pages name.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
"""

import json
import os
from dataclasses import dataclass
from typing import Any

from answers import Answer, AnswerError
from endpoints import endpoint
from row import Stored
from service import RefusedError, Service
from signature import Request

TARGET = "DynamoDB_20120810"
CONTENT_TYPE = "application/x-amz-json-1.0"
Json = dict[str, Any]


class ConditionalCheckFailedError(Exception):
    """The current row does not meet the condition of a write."""

    def __init__(self, item: Stored) -> None:
        """Store the current row, empty if there is none."""
        super().__init__("the row does not meet the condition")
        self.item = item


@dataclass(frozen=True, slots=True)
class DynamoDB:
    """The tables of a region."""

    service: Service

    def put_item(self, **parameters: Any) -> None:
        """Write a row.

        Raises:
            ConditionalCheckFailedError: the condition is not met. The error has the row if
                ``ReturnValuesOnConditionCheckFailure`` asks for it.
            RefusedError: DynamoDB answered with another error.
            CallError: DynamoDB did not answer.
        """
        self._write("PutItem", parameters)

    def update_item(self, **parameters: Any) -> None:
        """Change attributes of a row.

        Raises:
            ConditionalCheckFailedError: the condition is not met. The error has the row if
                ``ReturnValuesOnConditionCheckFailure`` asks for it.
            RefusedError: DynamoDB answered with another error.
            CallError: DynamoDB did not answer.
        """
        self._write("UpdateItem", parameters)

    def get_item(self, **parameters: Any) -> Stored:
        """Read a row; empty if there is none.

        Raises:
            RefusedError: DynamoDB answered with an error.
            CallError: DynamoDB did not answer.
        """
        return _item(self._call("GetItem", parameters))

    def _write(self, operation: str, parameters: Json) -> None:
        try:
            self._call(operation, parameters)
        except RefusedError as err:
            if err.code == "ConditionalCheckFailedException":
                raise ConditionalCheckFailedError(_item(err.body)) from err
            raise

    def _call(self, operation: str, parameters: Json) -> Json:
        headers = {"content-type": CONTENT_TYPE, "x-amz-target": f"{TARGET}.{operation}"}
        request = Request("POST", "/", headers, json.dumps(parameters).encode())
        return self.service.call(operation, request, _read)


def tables(region: str) -> DynamoDB:
    """Return the tables of a region; environment variables may set the endpoint."""
    return DynamoDB(Service("dynamodb", region, endpoint("dynamodb", region, os.environ)))


def _read(answer: Answer) -> Json:
    try:
        read = json.loads(answer.body)
    except (ValueError, RecursionError) as err:
        raise AnswerError("answer must be JSON, got another text") from err
    if not isinstance(read, dict):
        raise AnswerError("answer must be an object")
    _item(read)
    return read


def _item(answer: Json) -> Stored:
    item = answer.get("Item", {})
    if not isinstance(item, dict) or not all(isinstance(part, dict) for part in item.values()):
        raise AnswerError("item must have typed attributes")
    return item
