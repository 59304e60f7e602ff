"""The alarm of a pipeline that follows somebody else's bucket, as data.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
"""

import pulumi

from .alarms import MINUTE, SUM, Alarm, Metric, queue_metric


def event_rule_alarms(*, queue: pulumi.Input[str], rule: pulumi.Input[str]) -> list[Alarm]:
    """The alarms of a rule.

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
