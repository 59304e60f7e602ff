"""What tells people: SNS and CloudWatch alarms."""

from local.cloud import Cloud
from local.inputs import Inputs, Outputs, of_module, pascal


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
    texts = ("alarmDescription", "namespace", "metricName", "statistic")
    numbers = ("period", "evaluationPeriods", "threshold", "comparisonOperator")
    rest = ("treatMissingData", "alarmActions")
    declared = pascal({key: inputs.take(key) for key in (*texts, *numbers, *rest)})
    cloud("cloudwatch").put_metric_alarm(
        AlarmName=name,
        OKActions=inputs.take("okActions"),
        Dimensions=[{"Name": key, "Value": of} for key, of in inputs.take("dimensions").items()],
        Tags=inputs.tag_list(),
        **declared,
    )
    return name, {"name": name}


RULES = {
    **of_module(
        "sns",
        {"Topic": _topic, "TopicPolicy": _topic_policy, "TopicSubscription": _subscription},
    ),
    **of_module("cloudwatch", {"MetricAlarm": _alarm}),
}
