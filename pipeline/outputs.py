"""The outputs: of the component, and as the stack exports them. Data, without Pulumi."""

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
    """Of the component."""
    means: str


OUTPUTS = {
    S3_BUCKET_NAME: Output("bucket_name", "The bucket to put files into"),
    S3_BUCKET_URL: Output("bucket_url", "Its address over HTTPS"),
    DYNAMODB_TABLE_NAME: Output("table_name", "The table to query"),
    LAMBDA_FUNCTION_NAME: Output("function_name", "The function between them"),
    FAILURE_QUEUE_URL: Output(
        "failure_queue_url", "Where an event waits, whole, after its last retry"
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
        "The table's stream, for consumers of your own; empty without `stream` or `extractor`",
    ),
    UNDELIVERED_QUEUE_URL: Output(
        "undelivered_queue_url",
        "Where an event waits that EventBridge could not deliver; empty without `eventSource`"
        " `eventbridge`",
    ),
}
"""By the name under which a stack exports it."""
