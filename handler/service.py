"""Calls one AWS service: signs a request, and repeats it once after a transient error."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from time import sleep
from typing import Any, TypeVar

from answers import Answer, AnswerError
from connection import Host
from signature import Credentials, Request, signed

ATTEMPTS = 2
MAX_BACKOFF_SECONDS = 1.0
MAX_SHOWN = 500
ANSWERED = (200, 206)  # 206: the requested range
TRANSIENT_STATUS = {429, 500, 502, 503, 504}
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
TRANSIENT = {
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}
T = TypeVar("T")


class CallError(Exception):
    """A call got no answer, or an invalid one."""

    is_transient = True
    """Whether the same call may succeed soon."""


class RefusedError(CallError):
    """A service answered with an error."""

    def __init__(self, service: str, operation: str, answer: Answer, by: Credentials) -> None:
        """Read the service's error, and hide credentials that it may quote."""
        self.body = _error(answer.body)
        """DynamoDB's JSON, or S3's XML, which its answer to ``HeadObject`` does not have."""
        self.status = answer.status
        code = str(self.body.get("__type") or self.body.get("Code") or self.status)
        code = code.rpartition("#")[2]
        self.code = code if code.isalnum() else "unknown"
        message = str(self.body.get("message") or self.body.get("Message") or "")
        self.message = by.hide(message)[:MAX_SHOWN]
        headers = answer.headers
        request_id = headers.get("x-amzn-requestid") or headers.get("x-amz-request-id") or ""
        self.request_id = by.hide(request_id)[:MAX_SHOWN]
        self.is_transient = self.status in TRANSIENT_STATUS or self.code in TRANSIENT
        super().__init__(
            f"{service} refused {operation}: {by.hide(self.code)[:MAX_SHOWN]} {self.message!r}"
            f" (status {self.status}, request id {self.request_id!r})"
        )


class Service:
    """A client of one service."""

    def __init__(self, name: str, region: str, url: str) -> None:
        """Store the service's name and region, as signatures contain them, and its host's URL.

        Raises:
            ValueError: the environment has no credentials.
        """
        _credentials(os.environ)
        self.name, self.region = name, region
        self.host = Host(url)

    def call(self, operation: str, request: Request, read: Callable[[Answer], T]) -> T:
        """Make a call, and repeat it once if its error is transient.

        Args:
            operation: its name in AWS's API.
            request: not yet signed.
            read: reads an answer of status 200 or 206; raises AnswerError.

        Raises:
            RefusedError: the service answered with an error.
            CallError: there was no answer, or an invalid one.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return self._attempt(operation, request, read)
            except CallError as err:
                if not err.is_transient:
                    raise
            # Not `random`: an extractor may have a module of that name.
            sleep(os.urandom(1)[0] / 256 * MAX_BACKOFF_SECONDS)
        return self._attempt(operation, request, read)

    def _attempt(self, operation: str, request: Request, read: Callable[[Answer], T]) -> T:
        credentials = _credentials(os.environ)
        request = signed(
            replace(request, headers={**request.headers, "host": self.host.name}),
            credentials=credentials,
            region=self.region,
            service=self.name,
            now=datetime.now(UTC),
        )
        try:
            answer = self.host.exchange(request)
            if answer.status in ANSWERED:
                return read(answer)
        except (OSError, AnswerError) as err:
            cause = f"{type(err).__name__}: {err}"
            raise CallError(f"{self.name} did not answer {operation}: {cause}") from err
        raise RefusedError(self.name, operation, answer, credentials)


def _credentials(environment: Mapping[str, str]) -> Credentials:
    """Read the credentials. Each request reads them again, because Lambda may replace them.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if not environment.get(name):
            raise ValueError(f"missing {name} in the environment")
    return Credentials(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        environment.get("AWS_SESSION_TOKEN"),
    )


def _error(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        parts = re.findall(rb"<(Code|Message)>([^<]*)</", body)
        return {name.decode(): text.decode("utf-8", "replace") for name, text in parts}
    return found if isinstance(found, dict) else {}
