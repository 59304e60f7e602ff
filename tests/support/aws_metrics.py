"""The metrics of AWS that we rely on, as AWS's pages list them: no emulator knows them."""

from dataclasses import dataclass

LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
DYNAMODB = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html"
)
EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"
LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html"

COUNTED = frozenset({"Sum"})
MEASURED = frozenset({"Average", "Minimum", "Maximum", "p50", "p90", "p99"})
STATE = frozenset({"Average", "Minimum", "Maximum"})


@dataclass(frozen=True)
class AwsMetric:
    """One row of a page."""

    unit: str
    dimensions: tuple[frozenset[str], ...]
    """The sets of dimensions with which it is published."""
    statistics: frozenset[str]
    """Those that say something."""
    page: str


FUNCTION = (frozenset({"FunctionName"}), frozenset({"FunctionName", "Resource"}))
QUEUE = (frozenset({"QueueName"}),)
TABLE = (frozenset({"TableName"}),)
MAPPING = (frozenset({"EventSourceMappingUUID"}),)
OPERATION = (frozenset({"TableName", "Operation"}),)

AWS_METRICS = {
    ("AWS/Lambda", "Invocations"): AwsMetric("Count", FUNCTION, COUNTED, LAMBDA),
    ("AWS/Lambda", "Errors"): AwsMetric("Count", FUNCTION, COUNTED, LAMBDA),
    ("AWS/Lambda", "Throttles"): AwsMetric("Count", FUNCTION, COUNTED, LAMBDA),
    ("AWS/Lambda", "DestinationDeliveryFailures"): AwsMetric("Count", FUNCTION, COUNTED, LAMBDA),
    # The time of all invocations together is what is billed.
    ("AWS/Lambda", "Duration"): AwsMetric("Milliseconds", FUNCTION, MEASURED | COUNTED, LAMBDA),
    ("AWS/Lambda", "AsyncEventAge"): AwsMetric("Milliseconds", FUNCTION, MEASURED, LAMBDA),
    ("AWS/Lambda", "IteratorAge"): AwsMetric("Milliseconds", FUNCTION, MEASURED, LAMBDA),
    ("AWS/Lambda", "DroppedEventCount"): AwsMetric("Count", MAPPING, COUNTED, LAMBDA),
    ("AWS/Lambda", "ConcurrentExecutions"): AwsMetric("Count", FUNCTION, STATE, LAMBDA),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): AwsMetric("Count", QUEUE, STATE, SQS),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): AwsMetric("Seconds", QUEUE, STATE, SQS),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): AwsMetric("Count", TABLE, COUNTED, DYNAMODB),
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits"): AwsMetric("Count", TABLE, COUNTED, DYNAMODB),
    ("AWS/DynamoDB", "WriteThrottleEvents"): AwsMetric("Count", TABLE, COUNTED, DYNAMODB),
    ("AWS/DynamoDB", "ReadThrottleEvents"): AwsMetric("Count", TABLE, COUNTED, DYNAMODB),
    ("AWS/DynamoDB", "ConditionalCheckFailedRequests"): AwsMetric(
        "Count", TABLE, COUNTED, DYNAMODB
    ),
    ("AWS/DynamoDB", "SystemErrors"): AwsMetric("Count", OPERATION, COUNTED, DYNAMODB),
    ("AWS/Events", "InvocationsFailedToBeSentToDlq"): AwsMetric(
        "Count", (frozenset({"RuleName"}),), COUNTED, EVENTS
    ),
    ("AWS/Logs", "IncomingBytes"): AwsMetric(
        "Bytes", (frozenset({"LogGroupName"}),), COUNTED, LOGS
    ),
}
