"""Lambda and IAM."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pulumi

from local.cloud import Cloud
from local.inputs import Inputs, Outputs, UnknownPropertyError, of_module, renamed


def _role(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    made = cloud("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=inputs.take("assumeRolePolicy"),
        Tags=inputs.tag_list(),
        **inputs.parameters("permissionsBoundary"),
    )["Role"]
    when = made["CreateDate"].isoformat()
    return name, {"name": name, "arn": made["Arn"], "createDate": when}


def _role_policy(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name, role = inputs.auto_name(), inputs.take("role")
    cloud("iam").put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=inputs.take("policy")
    )
    return f"{role}:{name}", {"name": name}


def _policy(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    created = cloud("iam").create_policy(
        PolicyName=name,
        PolicyDocument=inputs.take("policy"),
        Description=inputs.take("description", ""),
        Tags=inputs.tag_list(),
    )
    arn = created["Policy"]["Arn"]
    return arn, {"name": name, "arn": arn}


def _oidc_provider(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    created = cloud("iam").create_open_id_connect_provider(
        Url=inputs.take("url"), ClientIDList=inputs.take("clientIdLists"), Tags=inputs.tag_list()
    )
    arn = created["OpenIDConnectProviderArn"]
    return arn, {"arn": arn}


def _function(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    concurrency = inputs.take("reservedConcurrentExecutions", -1)
    sizes = inputs.parameters("memorySize", "timeout", "ephemeralStorage")
    created = cloud("lambda").create_function(
        FunctionName=name,
        Code={"ZipFile": zip_archive(inputs.take("code"))},
        Environment={"Variables": inputs.take("environment")["variables"]},
        Tags=inputs.tags(),
        **sizes,
        **inputs.parameters("runtime", "architectures", "handler", "role"),
        **inputs.parameters("tracingConfig", "loggingConfig"),
        **renamed(inputs.parameters("kmsKeyArn"), KmsKeyArn="KMSKeyArn"),
    )
    cloud("lambda").get_waiter("function_active_v2").wait(FunctionName=name)
    if concurrency >= 0:
        cloud("lambda").put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=concurrency
        )
    return name, {"name": name, "arn": created["FunctionArn"]}


def zip_archive(archive: pulumi.AssetArchive) -> bytes:
    """Pack an archive as Pulumi does: same contents, same bytes.

    Raises:
        UnknownPropertyError: a part of it is not on this machine, but, for example, at a URL.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sorted(_contents(archive)):
            packed.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _contents(part: pulumi.Asset | pulumi.Archive, at: str = "") -> Iterator[tuple[str, bytes]]:
    if isinstance(part, pulumi.StringAsset):
        yield at, part.text.encode()
    elif isinstance(part, pulumi.FileAsset):
        yield at, Path(part.path).read_bytes()
    elif isinstance(part, pulumi.AssetArchive):
        for name, inner in part.assets.items():
            yield from _contents(inner, f"{at}/{name}" if at else name)
    elif isinstance(part, pulumi.FileArchive) and (folder := Path(part.path)).is_dir():
        for path in folder.rglob("*"):
            if path.is_file():
                yield f"{at}/{path.relative_to(folder).as_posix()}", path.read_bytes()
    elif isinstance(part, pulumi.FileArchive):
        with zipfile.ZipFile(part.path) as packed:
            for name in packed.namelist():
                yield f"{at}/{name}", packed.read(name)
    else:
        raise UnknownPropertyError(f"{at!r} must be on this machine, got {type(part).__name__}")


def _mapping(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    created = cloud("lambda").create_event_source_mapping(
        Tags=inputs.tags(),
        **inputs.parameters("functionName", "eventSourceArn", "startingPosition"),
        **inputs.parameters("batchSize", "parallelizationFactor", "filterCriteria"),
        **inputs.parameters("maximumRecordAgeInSeconds", "maximumRetryAttempts", "metricsConfig"),
    )
    return created["UUID"], {"uuid": created["UUID"], "arn": created["EventSourceMappingArn"]}


def _failure_path(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    keys = ("maximumRetryAttempts", "maximumEventAgeInSeconds", "destinationConfig")
    declared = inputs.parameters("functionName", *keys)
    cloud("lambda").put_function_event_invoke_config(**declared)
    return declared["FunctionName"], {}


def _permission(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    statement = inputs.auto_name("statementId")
    cloud("lambda").add_permission(
        StatementId=statement,
        FunctionName=inputs.take("function"),
        **inputs.parameters("action", "principal", "sourceArn", "sourceAccount"),
    )
    return statement, {"statementId": statement}


RULES = {
    **of_module(
        "iam",
        {
            "Role": _role,
            "RolePolicy": _role_policy,
            "Policy": _policy,
            "OpenIdConnectProvider": _oidc_provider,
        },
    ),
    **of_module(
        "lambda",
        {
            "Function": _function,
            "EventSourceMapping": _mapping,
            "FunctionEventInvokeConfig": _failure_path,
            "Permission": _permission,
        },
    ),
}
