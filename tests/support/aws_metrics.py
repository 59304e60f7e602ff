"""The metrics of AWS that we rely on, as AWS's pages list them: no emulator knows them."""

from dataclasses import dataclass

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


FUNCTION = (frozenset({"FunctionName"}), frozenset({"FunctionName", "Resource"}))
QUEUE = (frozenset({"QueueName"}),)
TABLE = (frozenset({"TableName"}),)
MAPPING = (frozenset({"EventSourceMappingUUID"}),)
OPERATION = (frozenset({"TableName", "Operation"}),)
RULE = (frozenset({"RuleName"}),)
LOG_GROUP = (frozenset({"LogGroupName"}),)

AWS_METRICS = {
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    ("AWS/Lambda", "Invocations"): AwsMetric("Count", FUNCTION, COUNTED),
    ("AWS/Lambda", "Errors"): AwsMetric("Count", FUNCTION, COUNTED),
    ("AWS/Lambda", "Throttles"): AwsMetric("Count", FUNCTION, COUNTED),
    ("AWS/Lambda", "DestinationDeliveryFailures"): AwsMetric("Count", FUNCTION, COUNTED),
    # The time of all invocations together is what is billed.
    ("AWS/Lambda", "Duration"): AwsMetric("Milliseconds", FUNCTION, MEASURED | COUNTED),
    ("AWS/Lambda", "AsyncEventAge"): AwsMetric("Milliseconds", FUNCTION, MEASURED),
    ("AWS/Lambda", "IteratorAge"): AwsMetric("Milliseconds", FUNCTION, MEASURED),
    ("AWS/Lambda", "DroppedEventCount"): AwsMetric("Count", MAPPING, COUNTED),
    ("AWS/Lambda", "ConcurrentExecutions"): AwsMetric("Count", FUNCTION, STATE),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): AwsMetric("Count", QUEUE, STATE),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): AwsMetric("Seconds", QUEUE, STATE),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): AwsMetric("Count", TABLE, COUNTED),
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits"): AwsMetric("Count", TABLE, COUNTED),
    ("AWS/DynamoDB", "WriteThrottleEvents"): AwsMetric("Count", TABLE, COUNTED),
    ("AWS/DynamoDB", "ReadThrottleEvents"): AwsMetric("Count", TABLE, COUNTED),
    ("AWS/DynamoDB", "ConditionalCheckFailedRequests"): AwsMetric("Count", TABLE, COUNTED),
    ("AWS/DynamoDB", "SystemErrors"): AwsMetric("Count", OPERATION, COUNTED),
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    ("AWS/Events", "InvocationsFailedToBeSentToDlq"): AwsMetric("Count", RULE, COUNTED),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
    ("AWS/Logs", "IncomingBytes"): AwsMetric("Bytes", LOG_GROUP, COUNTED),
}
