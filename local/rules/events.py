"""EventBridge: a rule and its target."""

from local.cloud import Cloud
from local.inputs import Inputs, Outputs, of_module, pascal


def _rule(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    made = cloud("events").put_rule(
        Name=name,
        Description=inputs.take("description"),
        EventPattern=inputs.take("eventPattern"),
        Tags=inputs.tag_list(),
    )
    return name, {"name": name, "arn": made["RuleArn"]}


def _target(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    rule, target = inputs.take("rule"), inputs.take("targetId") or inputs.name
    cloud("events").put_targets(
        Rule=rule,
        Targets=[
            {
                "Id": target,
                "Arn": inputs.take("arn"),
                "DeadLetterConfig": pascal(inputs.take("deadLetterConfig")),
                "RetryPolicy": pascal(inputs.take("retryPolicy")),
            }
        ],
    )
    return f"{rule}-{target}", {"targetId": target}


RULES = of_module("cloudwatch", {"EventRule": _rule, "EventTarget": _target})
