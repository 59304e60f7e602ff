"""KMS: the key and its alias."""

from local.cloud import Cloud
from local.inputs import Inputs, Outputs, of_module


def _key(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    kms = cloud("kms")
    created = kms.create_key(
        Description=inputs.take("description"),
        Policy=inputs.take("policy"),
        Tags=[{"TagKey": key, "TagValue": value} for key, value in inputs.tags().items()],
    )["KeyMetadata"]
    if inputs.take("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=created["KeyId"])
    return created["KeyId"], {"keyId": created["KeyId"], "arn": created["Arn"]}


def _alias(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    name = inputs.auto_name()
    cloud("kms").create_alias(AliasName=name, TargetKeyId=inputs.take("targetKeyId"))
    return name, {"name": name}


RULES = of_module("kms", {"Key": _key, "Alias": _alias})
