"""A pytest plugin, ``-p support.calls_made``: notes which permissions the calls to AWS need."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
PERMISSIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "lambda:Invoke": "lambda:InvokeFunction",
}


def permission(service: str, operation: str, parameters: dict[str, Any]) -> str:
    if operation == "DeleteObject" and "VersionId" in parameters:
        operation = "DeleteObjectVersion"
    called = f"{service}:{operation.removesuffix('Batch')}"
    return PERMISSIONS.get(called, called)


@pytest.fixture(scope="session", autouse=True)
def _written_down() -> Iterator[None]:
    needed: set[str] = set()
    call = BaseClient._make_api_call

    def noted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        needed.add(permission(service, operation, parameters))
        return call(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", noted)
        yield
    Path(os.environ["CALLS_MADE"]).write_text(json.dumps(sorted(needed)))
