"""What every function of the pipeline has: runtime, log group, role, and JSON logs."""

import pulumi
import pulumi_aws as aws

from .policy_document import Policy
from .shared import Shared

RUNTIME = "python3.14"
ARCHITECTURES = ["arm64"]


def log_group_prefix(name: str) -> str:
    """The prefix of the log group's name, for the component with this name."""
    return f"{name}-logs"


def log_group(name: str, shared: Shared, opts: pulumi.ResourceOptions) -> aws.cloudwatch.LogGroup:
    """Declare a function's log group.

    A log group made by Lambda would have no retention, and would stay after a destroy.
    """
    return aws.cloudwatch.LogGroup(
        log_group_prefix(name),
        retention_in_days=shared.settings.log_retention_days,
        kms_key_id=shared.key_arn,
        tags=shared.tags,
        opts=opts,
    )


def role(
    name: str, trust: pulumi.Input[Policy], shared: Shared, opts: pulumi.ResourceOptions
) -> aws.iam.Role:
    """Declare a role, with the permissions boundary if there is one."""
    return aws.iam.Role(
        name,
        assume_role_policy=pulumi.Output.json_dumps(trust),
        permissions_boundary=shared.settings.permissions_boundary or None,
        tags=shared.tags,
        opts=opts,
    )


def tracing(shared: Shared) -> aws.lambda_.FunctionTracingConfigArgsDict:
    """Trace a function with AWS X-Ray, if ``tracing`` is set."""
    return {"mode": "Active" if shared.settings.tracing else "PassThrough"}


def json_logs(
    log_group: pulumi.Input[str], log_level: str
) -> aws.lambda_.FunctionLoggingConfigArgsDict:
    """Log JSON. Lambda's START and REPORT lines, half of all bytes, come only at level DEBUG.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    return {
        "log_format": "JSON",
        "log_group": log_group,
        "application_log_level": "WARN" if log_level == "WARNING" else log_level,
        "system_log_level": "INFO" if log_level == "DEBUG" else "WARN",
    }
