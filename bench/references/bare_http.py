"""The same two calls by plain HTTP, without signature, checks and error handling."""

import http.client
import json
import os
import urllib.parse
from typing import Any

ENDPOINT = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
TABLE = os.environ["DYNAMODB_TABLE_NAME"]
CONNECTION = http.client.HTTPConnection(str(ENDPOINT.hostname), ENDPOINT.port)
HEADERS = {
    "X-Amz-Target": "DynamoDB_20120810.PutItem",
    "Content-Type": "application/x-amz-json-1.0",
    # The emulator reads the service from this header, and does not check the signature.
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request",
}


def lambda_handler(event: Any, _context: object) -> None:
    """Call HeadObject and PutItem."""
    for record in event["Records"]:
        encoded = record["s3"]["object"]["key"]
        key = urllib.parse.unquote_plus(encoded)
        path = urllib.parse.quote(f"/{record['s3']['bucket']['name']}/{key}")
        CONNECTION.request("HEAD", path)
        head = CONNECTION.getresponse()
        head.read()
        row = {
            "file_key": {"S": key},
            "file_size": {"N": head.headers["Content-Length"]},
            "content_type": {"S": head.headers["Content-Type"]},
            "etag": {"S": head.headers["ETag"]},
            "last_modified": {"S": head.headers["Last-Modified"]},
        }
        body = json.dumps({"TableName": TABLE, "Item": row})
        CONNECTION.request("POST", "/", body, HEADERS)
        answer = CONNECTION.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"PutItem answered {answer.status}")
