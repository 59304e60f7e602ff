"""The outputs of the component and of the stack, as data, without Pulumi."""

from typing import NamedTuple

S3_BUCKET_NAME = "S3BucketName"
S3_BUCKET_URL = "S3BucketURL"
DYNAMODB_TABLE_NAME = "DynamoDBTableName"
LAMBDA_FUNCTION_NAME = "LambdaFunctionName"
FAILURE_QUEUE_URL = "FailureQueueUrl"
DASHBOARD_URL = "DashboardUrl"
ALARM_TOPIC_ARN = "AlarmTopicArn"
BATCH_OPERATIONS_ROLE_ARN = "BatchOperationsRoleArn"
DYNAMODB_TABLE_STREAM_ARN = "DynamoDBTableStreamArn"
UNDELIVERED_QUEUE_URL = "UndeliveredQueueUrl"


class Output(NamedTuple):
    """One output."""

    attribute: str
    """The component's attribute."""
    means: str


OUTPUTS = {
    S3_BUCKET_NAME: Output("bucket_name", "The bucket to put files into"),
    S3_BUCKET_URL: Output("bucket_url", "Its address over HTTPS"),
    DYNAMODB_TABLE_NAME: Output("table_name", "The table to query"),
    LAMBDA_FUNCTION_NAME: Output("function_name", "The function that writes the table"),
    FAILURE_QUEUE_URL: Output(
        "failure_queue_url", "The queue for whole events whose last retry failed"
    ),
    DASHBOARD_URL: Output("dashboard_url", "The CloudWatch dashboard"),
    ALARM_TOPIC_ARN: Output(
        "alarm_topic_arn", "The topic that alarms publish to; subscribe what your team uses"
    ),
    BATCH_OPERATIONS_ROLE_ARN: Output(
        "batch_operations_role_arn",
        "The role for S3 Batch Operations; empty without `batchOperations`",
    ),
    DYNAMODB_TABLE_STREAM_ARN: Output(
        "table_stream_arn",
        "The table's stream, for your own consumers; empty without `stream` or `extractor`",
    ),
    UNDELIVERED_QUEUE_URL: Output(
        "undelivered_queue_url",
        "The queue for events that EventBridge could not deliver; empty without `eventSource`"
        " `eventbridge`",
    ),
}
"""Each output, by its name in the stack."""
