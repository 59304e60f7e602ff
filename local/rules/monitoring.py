"""SNS, CloudWatch and EventBridge."""

from typing import Any

from local.cloud import Cloud
from local.inputs import Inputs, Outputs, of_module, pascal, renamed


def _topic(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    key = inputs.take("kmsMasterKeyId")
    arn = cloud("sns").create_topic(
        Name=name, Tags=inputs.tag_list(), Attributes={"KmsMasterKeyId": key} if key else {}
    )["TopicArn"]
    return arn, {"name": name, "arn": arn}


def _topic_policy(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    arn = inputs.take("arn")
    cloud("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=inputs.take("policy")
    )
    return arn, {}


def _subscription(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    created = cloud("sns").subscribe(
        TopicArn=inputs.take("topic"),
        Protocol=inputs.take("protocol"),
        Endpoint=inputs.take("endpoint"),
        ReturnSubscriptionArn=True,
    )
    return created["SubscriptionArn"], {"arn": created["SubscriptionArn"]}


def _alarm(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    declared = {
        **inputs.parameters("alarmDescription", "alarmActions", "insufficientDataActions"),
        **inputs.parameters("evaluationPeriods", "datapointsToAlarm", "comparisonOperator"),
        **inputs.parameters("threshold", "treatMissingData"),
        **inputs.parameters("namespace", "metricName", "statistic", "period"),
    }
    if dimensions := inputs.take("dimensions"):
        declared["Dimensions"] = _pairs(dimensions)
    if queries := inputs.take("metricQueries"):
        declared["Metrics"] = [_query(query) for query in queries]
    client = cloud("cloudwatch")
    client.put_metric_alarm(AlarmName=name, Tags=inputs.tag_list(), **declared)
    [made] = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return name, {"name": name, "arn": made["AlarmArn"]}


def _query(query: dict[str, Any]) -> dict[str, Any]:
    stated: dict[str, Any] = pascal({key: of for key, of in query.items() if key != "metric"})
    if metric := query.get("metric"):
        rest = dict(metric)
        of_metric = {key: rest.pop(key) for key in ("namespace", "metricName")}
        dimensions = _pairs(rest.pop("dimensions", {}))
        # boto3 refuses unknown properties in the rest.
        stated["MetricStat"] = pascal(rest) | {
            "Metric": pascal(of_metric) | {"Dimensions": dimensions}
        }
        # Pulumi's default is false; AWS's is true.
        stated.setdefault("ReturnData", False)
    return stated


def _pairs(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _metric_filter(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    transformation = renamed(
        inputs.take("metricTransformation"),
        name="metricName",
        namespace="metricNamespace",
        value="metricValue",
    )
    cloud("logs").put_metric_filter(
        filterName=name,
        logGroupName=inputs.take("logGroupName"),
        filterPattern=inputs.take("pattern"),
        metricTransformations=[transformation],
    )
    return name, {"name": name}


def _dashboard(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.take("dashboardName")
    cloud("cloudwatch").put_dashboard(
        DashboardName=name, DashboardBody=inputs.take("dashboardBody")
    )
    return name, {}


def _rule(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    made = cloud("events").put_rule(
        Name=name, Tags=inputs.tag_list(), **inputs.parameters("description", "eventPattern")
    )
    return name, {"name": name, "arn": made["RuleArn"]}


def _target(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    rule, target = inputs.take("rule"), inputs.take("targetId") or inputs.name
    declared = inputs.parameters("arn", "deadLetterConfig", "retryPolicy")
    cloud("events").put_targets(Rule=rule, Targets=[{"Id": target, **declared}])
    return f"{rule}-{target}", {"targetId": target}


def _schedule(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    arn = cloud("scheduler").create_schedule(
        Name=name, **inputs.parameters("scheduleExpression", "flexibleTimeWindow", "target")
    )["ScheduleArn"]
    return f"default/{name}", {"name": name, "arn": arn}


RULES = {
    **of_module(
        "sns",
        {"Topic": _topic, "TopicPolicy": _topic_policy, "TopicSubscription": _subscription},
    ),
    **of_module(
        "cloudwatch",
        {
            "MetricAlarm": _alarm,
            "LogMetricFilter": _metric_filter,
            "Dashboard": _dashboard,
            "EventRule": _rule,
            "EventTarget": _target,
        },
    ),
    **of_module("scheduler", {"Schedule": _schedule}),
}
