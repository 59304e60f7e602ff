"""Who is told when something needs a person: a topic, and the alarms that publish to it."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from pipeline import policies

PERIOD_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What is watched, and who is told."""

    account_id: pulumi.Input[str]
    queue_name: pulumi.Input[str]
    key_arn: pulumi.Input[str] | None
    """The KMS key to encrypt with; None for none."""
    alarm_email: str
    """Who is told by e-mail, once they confirm; empty for nobody."""
    tags: dict[str, str]


class Monitoring(pulumi.ComponentResource):
    """An alarm that rings while the failure queue is not empty, and the topic that it rings on."""

    topic_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare topic, policy, subscription and alarm."""
        super().__init__("file-metadata:index:Monitoring", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        topic = aws.sns.Topic(
            f"{name}-alarms",
            # Alarms cannot publish to a topic that is encrypted with the AWS managed key:
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
            kms_master_key_id=args.key_arn,
            tags=args.tags,
            opts=child,
        )
        policy = aws.sns.TopicPolicy(
            f"{name}-publishers",
            arn=topic.arn,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(topic_arn=topic.arn, account_id=args.account_id).apply(
                    lambda of: policies.alarms_may_publish(**of)
                )
            ),
            opts=child,
        )
        if args.alarm_email:
            aws.sns.TopicSubscription(
                f"{name}-email",
                topic=topic.arn,
                protocol="email",
                endpoint=args.alarm_email,
                opts=child,
            )
        aws.cloudwatch.MetricAlarm(
            f"{name}-events-parked",
            alarm_description=(
                "Events failed three times and wait in the failure queue. See why with"
                " `python -m ops redrive --dry-run`, mend the cause, then `python -m ops redrive`."
            ),
            namespace="AWS/SQS",
            metric_name="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": args.queue_name},
            statistic="Maximum",
            period=PERIOD_SECONDS,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            # An idle queue reports nothing, and has nothing to report.
            treat_missing_data="notBreaching",
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
            tags=args.tags,
            # The first alarm would be lost on a topic that does not let it publish yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.topic_arn = topic.arn
        self.register_outputs({"topic_arn": self.topic_arn})
