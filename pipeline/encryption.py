"""The optional key: one for all that the pipeline keeps."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from pipeline import policies

DELETION_WINDOW_DAYS = 30


def alias_name(environment_suffix: str) -> str:
    """The alias of an environment's key."""
    return f"alias/file-metadata-{environment_suffix}"


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """Whose key it is, and for which log groups."""

    environment_suffix: str
    account_id: pulumi.Input[str]
    region: pulumi.Input[str]
    log_group_prefix: str
    """How the names of the log groups start that may be encrypted with the key."""
    tags: dict[str, str]


class EncryptionKey(pulumi.ComponentResource):
    """A KMS key that rotates every year and can be brought back for 30 days once deleted."""

    key_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the key and its alias."""
        super().__init__("file-metadata:index:EncryptionKey", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        key = aws.kms.Key(
            f"{name}-key",
            description=f"File metadata pipeline, {args.environment_suffix}",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(account_id=args.account_id, region=args.region).apply(
                    lambda where: policies.use_of_key(
                        **where, log_group_prefix=args.log_group_prefix
                    )
                )
            ),
            tags=args.tags,
            opts=child,
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=alias_name(args.environment_suffix),
            target_key_id=key.key_id,
            opts=child,
        )
        self.key_arn = key.arn
        self.register_outputs({"key_arn": self.key_arn})
