"""The alarms as data: metrics, threshold, meaning, and the first thing to do.

Names, dimensions and units are AWS's:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
"""

from dataclasses import dataclass

import pulumi

MINUTE = 60
FIVE_MINUTES = 300
RUNBOOK = "docs/operations.md"
OLDEST_EVENT_SECONDS = 7 * 24 * 60 * 60
EVENT_AGE_MS = 15 * 60 * 1000
TIMEOUT_SHARE = 0.8

SUM, MAXIMUM = "Sum", "Maximum"

Dimensions = tuple[tuple[str, pulumi.Input[str]], ...]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric of one of the pipeline's resources."""

    namespace: str
    name: str
    dimensions: Dimensions
    statistic: str


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Starts when the sum of its metrics exceeds a threshold."""

    role: str
    """Its name in the stack, and its heading in the runbook."""
    metrics: tuple[Metric, ...]
    threshold: float
    """In the metric's unit; the alarm starts above it."""
    period: int
    """Seconds."""
    periods: int = 1
    """How many periods in a row must exceed the threshold."""
    missing_since: pulumi.Input[int] | None = None
    """If set, the alarm starts for periods without data that began after this time, in
    seconds since 1970."""
    means: str
    first: str
    """The first thing to do."""

    @property
    def description(self) -> str:
        """The alarm's description, which its messages contain."""
        return f"{self.means} First: {self.first} More: {RUNBOOK}#{self.role}"


def queue_metric(queue: pulumi.Input[str], name: str) -> Metric:
    """A metric of a queue. SQS reports a state, so its maximum in a period is used."""
    return Metric(
        namespace="AWS/SQS", name=name, dimensions=(("QueueName", queue),), statistic=MAXIMUM
    )


def function_metric(function: pulumi.Input[str], name: str, statistic: str = SUM) -> Metric:
    """A metric of a function."""
    return Metric(
        namespace="AWS/Lambda",
        name=name,
        dimensions=(("FunctionName", function),),
        statistic=statistic,
    )


def table_metric(table: pulumi.Input[str], name: str, operation: str | None = None) -> Metric:
    """A metric of a table, or of one operation on it."""
    dimensions: Dimensions = (("TableName", table),)
    if operation is not None:
        dimensions += (("Operation", operation),)
    return Metric(namespace="AWS/DynamoDB", name=name, dimensions=dimensions, statistic=SUM)


def alarms(
    *,
    queue: pulumi.Input[str],
    function: pulumi.Input[str],
    table: pulumi.Input[str],
    timeout: int,
) -> list[Alarm]:
    """All alarms of a pipeline.

    Args:
        queue: the failure queue's name.
        function: the function's name.
        table: the table's name.
        timeout: the function's timeout, seconds.
    """
    return [
        *_of_the_queue(queue),
        *_of_the_function(function, timeout),
        *_of_the_table(table),
    ]


def _of_the_queue(queue: pulumi.Input[str]) -> list[Alarm]:
    return [
        Alarm(
            role="failed-events",
            metrics=(queue_metric(queue, "ApproximateNumberOfMessagesVisible"),),
            threshold=0,
            period=MINUTE,
            means="Events failed three times and wait in the failure queue; their rows are"
            " outdated.",
            first="`python -m ops redrive --dry-run` says why; fix the cause, then"
            " `python -m ops redrive`.",
        ),
        Alarm(
            role="oldest-failed-event",
            metrics=(queue_metric(queue, "ApproximateAgeOfOldestMessage"),),
            threshold=OLDEST_EVENT_SECONDS,
            period=FIVE_MINUTES,
            means="An event has been in the failure queue for 7 days; after 14 SQS deletes it.",
            first="`python -m ops redrive`.",
        ),
    ]


def _of_the_function(function: pulumi.Input[str], timeout: int) -> list[Alarm]:
    return [
        Alarm(
            # Lambda retries by itself, so a single error needs no action.
            role="function-errors",
            metrics=(function_metric(function, "Errors"),),
            threshold=0,
            period=FIVE_MINUTES,
            periods=3,
            means="The function has failed in three five-minute periods in a row.",
            first="`python -m ops status` shows the last errors.",
        ),
        Alarm(
            role="function-throttles",
            metrics=(function_metric(function, "Throttles"),),
            threshold=0,
            period=FIVE_MINUTES,
            periods=3,
            means="Lambda has refused to run the function for 15 minutes: events wait, at most"
            " 6 hours.",
            first="compare the account's concurrency and `reservedConcurrency` with the load.",
        ),
        Alarm(
            role="event-age",
            metrics=(function_metric(function, "AsyncEventAge", MAXIMUM),),
            threshold=EVENT_AGE_MS,
            period=FIVE_MINUTES,
            means="An event waited 15 minutes for the function: the table is behind the bucket.",
            first="`python -m ops status` for errors and lag; then check for throttles.",
        ),
        Alarm(
            role="delivery-failures",
            metrics=(function_metric(function, "DestinationDeliveryFailures"),),
            threshold=0,
            period=MINUTE,
            means="A failed event could not be sent to the failure queue: it is lost, and its row"
            " stays outdated.",
            first="`python -m ops verify --repair` finds and repairs the row; then fix the queue's"
            " policy or key.",
        ),
        Alarm(
            role="duration-near-timeout",
            metrics=(function_metric(function, "Duration", MAXIMUM),),
            threshold=TIMEOUT_SHARE * timeout * 1000,
            period=FIVE_MINUTES,
            means=f"An invocation took more than {TIMEOUT_SHARE:.0%} of its {timeout} seconds.",
            first="check whether S3 or DynamoDB is slow; else raise `memorySize` or `timeout`.",
        ),
    ]


def _of_the_table(table: pulumi.Input[str]) -> list[Alarm]:
    return [
        Alarm(
            role="table-throttles",
            metrics=(
                table_metric(table, "WriteThrottleEvents"),
                table_metric(table, "ReadThrottleEvents"),
            ),
            threshold=0,
            period=FIVE_MINUTES,
            periods=3,
            means="DynamoDB has throttled the table for 15 minutes.",
            first="slow down a backfill or repair with `--rate`; else see the table's quotas.",
        ),
        Alarm(
            # AWS says to expect single errors and to retry; the function does so.
            role="table-errors",
            metrics=(
                table_metric(table, "SystemErrors", "PutItem"),
                table_metric(table, "SystemErrors", "GetItem"),
            ),
            threshold=0,
            period=FIVE_MINUTES,
            periods=3,
            means="DynamoDB has answered with internal errors for 15 minutes.",
            first="see the AWS Health Dashboard; failed events wait in the failure queue.",
        ),
    ]


def event_rule_alarms(*, queue: pulumi.Input[str], rule: pulumi.Input[str]) -> list[Alarm]:
    """The alarm of a pipeline that follows somebody else's bucket.

    Args:
        queue: the name of the queue for undelivered events.
        rule: the rule's name.
    """
    lost = Metric(
        namespace="AWS/Events",
        name="InvocationsFailedToBeSentToDlq",
        dimensions=(("RuleName", rule),),
        statistic=SUM,
    )
    return [
        Alarm(
            role="undelivered-events",
            metrics=(queue_metric(queue, "ApproximateNumberOfMessagesVisible"), lost),
            threshold=0,
            period=MINUTE,
            means="EventBridge could not deliver events to the function: they wait in the rule's"
            " queue or, if the queue refuses them, are lost. Their rows are outdated.",
            first="`pulumi up` restores permission and queue; then `python -m ops redrive`.",
        )
    ]
