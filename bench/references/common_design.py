"""The common design, which most write first: one record after the other; the last write wins.

It is kept as it is usually written, faults included, only for comparison.
"""

import json
import logging
import os
import urllib.parse
from datetime import UTC, datetime
from typing import Any

import boto3

logger = logging.getLogger()
logger.setLevel(logging.INFO)

s3 = boto3.resource("s3")
dynamodb = boto3.resource("dynamodb")


def lambda_handler(event: Any, _context: object) -> dict[str, Any]:
    """Write a row for each record."""
    logger.info("Received event with %d records", len(event["Records"]))
    table = dynamodb.Table(os.environ["DYNAMODB_TABLE_NAME"])
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        file = s3.Object(bucket, key)
        table.put_item(
            Item={
                "file_key": key,
                "bucket_name": bucket,
                "region": os.environ["AWS_REGION"],
                "file_size": file.content_length,
                "content_type": file.content_type,
                "etag": file.e_tag.strip('"'),
                "last_modified": file.last_modified.isoformat(),
                "version_id": file.version_id,
                "event_name": record["eventName"],
                "event_time": record["eventTime"],
                "processed_at": datetime.now(UTC).isoformat(),
                "processing_status": "completed",
            }
        )
        logger.info("Processed s3://%s/%s (%d bytes)", bucket, key, file.content_length)
    return {"statusCode": 200, "body": json.dumps({"processed": len(event["Records"])})}
