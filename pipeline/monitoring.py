"""Monitoring: topic, alarms, metrics from the log, and dashboard."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .alarms import Alarm, Metric, alarms, event_rule_alarms
from .audit import Audit
from .audit_watch import audit_alarms, audit_filters, audit_panels
from .bucket_reference import AnyBucket
from .dashboard import Names, Widget, dashboard, dashboard_url
from .event_rule import EventRule
from .extractor import Extractor
from .extractor_watch import extractor_alarms, extractor_filters, extractor_panels
from .failures import FailureQueue
from .log_metrics import Filters, processor_filters
from .names import dashboard_name, metric_namespace
from .processor import Processor
from .shared import Shared
from .table import MetadataTable


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """Arguments of the monitoring: the resources that it watches."""

    shared: Shared
    bucket: AnyBucket
    table: MetadataTable
    failures: FailureQueue
    processor: Processor
    extractor: Extractor | None
    audit: Audit | None
    rule: EventRule | None = None
    """The EventBridge rule, if the bucket is somebody else's."""


class Monitoring(pulumi.ComponentResource):
    """Alarms that publish to a topic, metrics from the function's log, and a dashboard."""

    topic_arn: pulumi.Output[str]
    dashboard_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("file-metadata:index:Monitoring", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._namespace = metric_namespace(args.shared.settings.environment_suffix)

        self.topic_arn, ready = self._topic()
        watched = alarms(
            queue=args.failures.queue_name,
            function=args.processor.function_name,
            table=args.table.table_name,
            timeout=args.shared.settings.timeout,
        )
        self._filters(args.processor.log_group_name, processor_filters(self._namespace))
        if extractor := args.extractor:
            watched += extractor_alarms(
                function=extractor.function_name,
                mapping=extractor.mapping_id,
                namespace=self._namespace,
            )
            self._filters(extractor.log_group_name, extractor_filters(self._namespace))
        if audit := args.audit:
            watched += audit_alarms(
                function=audit.function_name, namespace=self._namespace, since=audit.created
            )
            self._filters(audit.log_group_name, audit_filters(self._namespace))
        if rule := args.rule:
            undelivered = rule.undelivered.queue_name
            watched += event_rule_alarms(queue=undelivered, rule=rule.rule_name)
        made = [self._alarm(alarm, ready) for alarm in watched]
        board = self._dashboard([alarm.arn for alarm in made])

        self.dashboard_url = pulumi.Output.all(
            name=board.dashboard_name,
            region=args.shared.place.region,
            partition=args.shared.place.partition,
        ).apply(lambda of: dashboard_url(**of))
        self.register_outputs({"topic_arn": self.topic_arn, "dashboard_url": self.dashboard_url})

    def _topic(self) -> tuple[pulumi.Output[str], list[pulumi.Resource]]:
        """The topic's ARN, and what must be in place before the first alarm."""
        settings = self._args.shared.settings
        if settings.alarm_topic_arn:
            return pulumi.Output.from_input(settings.alarm_topic_arn), []
        topic = aws.sns.Topic(
            f"{self._name}-alarms",
            # Alarms cannot publish to a topic that is encrypted with the AWS managed key:
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
            kms_master_key_id=self._args.shared.key_arn,
            tags=self._args.shared.tags,
            opts=self._child,
        )
        policy = aws.sns.TopicPolicy(
            f"{self._name}-publishers",
            arn=topic.arn,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(
                    topic_arn=topic.arn, account_id=self._args.shared.place.account_id
                ).apply(lambda of: resource_policies.alarms_may_publish(**of))
            ),
            opts=self._child,
        )
        if settings.alarm_email:
            aws.sns.TopicSubscription(
                f"{self._name}-email",
                topic=topic.arn,
                protocol="email",
                endpoint=settings.alarm_email,
                opts=self._child,
            )
        return topic.arn, [policy]

    def _alarm(self, alarm: Alarm, ready: list[pulumi.Resource]) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{alarm.role}",
            alarm_description=alarm.description,
            **_watching(alarm),
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.periods,
            comparison_operator="GreaterThanThreshold",
            threshold=alarm.threshold,
            # An idle stack reports no data, which is fine.
            treat_missing_data="notBreaching" if alarm.missing_since is None else "missing",
            alarm_actions=[self.topic_arn],
            insufficient_data_actions=None if alarm.missing_since is None else [self.topic_arn],
            tags=self._args.shared.tags,
            # Without the policy an alarm may not publish, and its first message would be lost.
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
        )

    def _filters(self, log_group: pulumi.Input[str], filters: Filters) -> None:
        for role, (pattern, metric) in filters.items():
            aws.cloudwatch.LogMetricFilter(
                f"{self._name}-{role}",
                log_group_name=log_group,
                pattern=pattern,
                metric_transformation=metric,
                opts=self._child,
            )

    def _panels(self) -> pulumi.Output[list[Widget]]:
        """The panels of an extractor and of an audit, if there are any."""
        args, namespace, of_parts = self._args, self._namespace, []
        region = args.shared.place.region
        if extractor := args.extractor:
            names = pulumi.Output.all(
                region=region, function=extractor.function_name, mapping=extractor.mapping_id
            )
            of_parts.append(names.apply(lambda of: extractor_panels(**of, namespace=namespace)))
        if args.audit:
            of_parts.append(
                region.apply(lambda region: audit_panels(namespace=namespace, region=region))
            )
        return pulumi.Output.all(*of_parts).apply(
            lambda parts: [panel for part in parts for panel in part]
        )

    def _dashboard(self, alarm_arns: list[pulumi.Output[str]]) -> aws.cloudwatch.Dashboard:
        args = self._args
        suffix, timeout = args.shared.settings.environment_suffix, args.shared.settings.timeout
        names = pulumi.Output.all(
            region=args.shared.place.region,
            bucket=args.bucket.bucket_name,
            function=args.processor.function_name,
            table=args.table.table_name,
            queue=args.failures.queue_name,
            undelivered=args.rule.undelivered.queue_name if args.rule else "",
            log_group=args.processor.log_group_name,
            alarm_arns=alarm_arns,
        )
        return aws.cloudwatch.Dashboard(
            f"{self._name}-dashboard",
            dashboard_name=args.shared.place.region.apply(
                lambda region: dashboard_name(suffix, region)
            ),
            dashboard_body=pulumi.Output.json_dumps(
                pulumi.Output.all(names, self._panels()).apply(
                    lambda of: dashboard(
                        Names(**of[0], namespace=self._namespace, timeout=timeout), more=of[1]
                    )
                )
            ),
            opts=self._child,
        )


def _watching(alarm: Alarm) -> dict[str, Any]:
    """The metric of an alarm, or the sum of several metrics; AWS bills each of them.

    Without errors DynamoDB reports no data, and a sum with missing data has no data. AWS's pages
    disagree on whether an alarm on DynamoDB's metrics then keeps its state, whatever
    ``treat_missing_data`` is. ``FILL`` avoids the question:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """
    since = alarm.missing_since
    if since is None and len(alarm.metrics) == 1:
        return _stated(alarm.metrics[0], alarm.period) | {"statistic": alarm.metrics[0].statistic}
    ids = [f"m{number}" for number, _ in enumerate(alarm.metrics, start=1)]
    queries: list[dict[str, Any]] = [
        {"id": name, "metric": _stated(metric, alarm.period) | {"stat": metric.statistic}}
        for name, metric in zip(ids, alarm.metrics, strict=True)
    ]
    expression: pulumi.Input[str] = " + ".join(f"FILL({name}, 0)" for name in ids)
    if since is not None:
        expression = pulumi.Output.from_input(since).apply(_missing)
    return {
        "metric_queries": [
            *queries,
            {"id": "total", "expression": expression, "label": alarm.role, "return_data": True},
        ]
    }


def _missing(since: int) -> str:
    """1 for each period without data that began after a time, seconds since 1970; else 0.

    CloudWatch evaluates a new alarm at once over the periods before it. So an alarm that treats
    missing data as breaching would start at deployment. If ``FILL`` gives no value for a metric
    that never had data, the alarm is in ``INSUFFICIENT_DATA``, like every new alarm, and sends a
    message when it returns to that state:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    return f"IF(EPOCH(FILL(m1, 0)) < {since}, 0, FILL(m1, 0) < 1)"


def _stated(metric: Metric, period: int) -> dict[str, Any]:
    return {
        "namespace": metric.namespace,
        "metric_name": metric.name,
        "dimensions": dict(metric.dimensions),
        "period": period,
    }
