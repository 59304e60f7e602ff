"""The optional KMS key, for all resources that hold data."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .names import alias_name
from .place import Place
from .shared import Tags


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """Arguments of the key."""

    environment_suffix: str
    place: Place
    log_group_prefixes: Sequence[str]
    """Prefixes of the names of the log groups that may use the key."""
    tags: Tags
    event_bridge: bool = False
    """Whether EventBridge sends to a queue that is encrypted with the key."""


class EncryptionKey(pulumi.ComponentResource):
    """A KMS key that rotates every year, and that Pulumi never deletes.

    Once its deletion is scheduled, a key cannot be used, but objects, messages and log events stay
    encrypted with it. So turning the key off, or destroying the stack, only removes it from the
    stack:
    https://www.pulumi.com/docs/iac/concepts/resources/options/retainondelete/
    https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    """

    key_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("file-metadata:index:EncryptionKey", name, {}, opts)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"File metadata pipeline, {args.environment_suffix}",
            enable_key_rotation=True,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(**vars(args.place)).apply(
                    lambda place: resource_policies.use_of_key(
                        **place,
                        log_group_prefixes=args.log_group_prefixes,
                        event_bridge=args.event_bridge,
                    )
                )
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        # Not retained: if the key is turned on again, the new key needs this alias.
        aws.kms.Alias(
            f"{name}-alias",
            name=alias_name(args.environment_suffix),
            target_key_id=key.key_id,
            # Otherwise an update that stops after making a new alias leaves the old one, and
            # going back to the old name fails, because it exists.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.key_arn = key.arn
        self.register_outputs({"key_arn": self.key_arn})
