"""The stack's configuration, read once and checked before any resource is made.

Keys are declared only here; `make generate` writes the files that repeat them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

import pulumi
from pulumi.runtime.config import CONFIG

from . import rules
from .keys import Key, between, check, check_known, declared
from .package import check_extractor

PROJECT = "file-metadata-pipeline"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one environment.

    Raises:
        ValueError: a value is of the wrong type, not known yet, or breaks its rule; the message
            names the key, the rule and the value.
    """

    environment_suffix: Annotated[
        str,
        Key(
            means="Ends the table's name and tags every resource",
            if_empty="the stack's name",
            rule=rules.SUFFIX,
            more="Each pipeline of an account and region needs its own.",
            live="Refused where `protectData` is true, because the table would be replaced."
            " Otherwise table, key alias, dashboard and an extractor's event source mapping are"
            " replaced; tags and the metrics' namespace change in place. All rows are lost,"
            " tombstones included: run `ops backfill` afterwards. Metrics from the log continue"
            " under a new name; the old ones stay for 15 months.",
        ),
    ]
    protect_data: Annotated[
        bool,
        Key(
            means="Deletion protection, Pulumi protect, and no forceDestroy",
            more="Must be true if the name of the stack, or the suffix, is `prod` or `production`,"
            " or contains one of them as a word between hyphens.",
            live="In place; false is refused for an environment named prod. False: from then on"
            " `pulumi destroy` deletes bucket and table with their contents.",
        ),
    ] = True
    memory_size: Annotated[
        int,
        Key(
            means="The function's memory; its CPU share grows with it",
            rule=between(128, 10240, "MB"),
            live="In place. New containers: one cold start each.",
        ),
    ] = 128
    timeout: Annotated[
        int,
        Key(
            means="The longest time that one invocation may run",
            # At least as long as one record's two calls at their slowest: `handler/catalog.py`.
            rule=between(15, 900, "seconds"),
            live="In place, with the alarm `duration-near-timeout`. New containers.",
        ),
    ] = 15
    log_retention_days: Annotated[
        int,
        Key(
            means="Days that log events are kept",
            rule=rules.LOG_RETENTION,
            live="In place. Shorter: CloudWatch Logs permanently deletes older events.",
        ),
    ] = 90
    tracing: Annotated[
        bool,
        Key(
            means="Trace invocations with AWS X-Ray",
            more="Costs about $0.25 per million objects at the default sampling rate.",
            live="In place, with the role's policy.",
        ),
    ] = False
    reserved_concurrency: Annotated[
        int,
        Key(
            means="The most invocations that run at once",
            rule=rules.RESERVED_CONCURRENCY,
            live="In place. AWS refuses a number that leaves the account less than 100 unreserved."
            " Lower: events wait, at most 6 hours, then they go to the failure queue.",
        ),
    ] = rules.UNRESERVED
    object_prefix: Annotated[
        str,
        Key(
            means="Only keys with this prefix have rows",
            if_empty="all keys",
            rule=rules.PART_OF_KEY,
            live="In place. Keys that no longer match keep their row, which is not updated any"
            " more. Keys that match now have no row until `ops backfill`.",
        ),
    ] = ""
    object_suffix: Annotated[
        str,
        Key(
            means="Only keys with this suffix have rows",
            if_empty="all keys",
            rule=rules.PART_OF_KEY,
            live="As `objectPrefix`.",
        ),
    ] = ""
    tombstone_days: Annotated[
        int,
        Key(
            # One day is longer than Lambda retries an event.
            means="Days that a deleted key's row stays as a tombstone",
            rule=between(1, 365, "days"),
            live="In place, for tombstones written from then on; existing ones keep theirs.",
        ),
    ] = 30
    noncurrent_version_days: Annotated[
        int,
        Key(
            means="Days that overwritten and deleted versions stay in the bucket",
            rule=between(1, 3650, "days"),
            live="In place. Shorter: S3 permanently deletes older versions from the next day on,"
            " and sends a notification for each.",
        ),
    ] = 90
    log_level: Annotated[
        str,
        Key(
            means="The lowest severity that the function logs",
            rule=rules.LOG_LEVEL,
            more="Failures and stale notifications are always logged. At `WARNING` the function"
            " counts the other records, and logs the counts every hundred records or every minute."
            " Lambda's own START and REPORT lines come at `DEBUG` only.",
            live="In place. `WARNING`: no line for each object. `DEBUG`: more log bytes.",
        ),
    ] = "INFO"
    bucket_name: Annotated[
        str,
        Key(
            means="The name of an existing bucket, to import it into the stack or, with"
            " `eventSource` `eventbridge`, to follow it",
            if_empty="a new bucket",
            rule=rules.BUCKET,
            more="[How to import](operations.md#bring-an-existing-bucket-under-the-pipeline);"
            " [how to follow](eventbridge.md).",
            live="Refused where `protectData` is true, because the bucket would be replaced."
            " Otherwise the current bucket's name changes nothing; any other name, or none,"
            " makes a new empty bucket and **deletes the old one with all objects and versions**."
            " To take over another bucket,"
            " [import it](operations.md#bring-an-existing-bucket-under-the-pipeline) into a stack"
            " of its own.",
        ),
    ] = ""
    access_log_bucket: Annotated[
        pulumi.Input[str],
        Key(
            means="An existing bucket that receives the bucket's server access logs",
            if_empty="none",
            rule=rules.BUCKET,
            # Otherwise each log file would be a change that is logged again, without end.
            more="Never the bucket itself. The logs are under `<bucket>/`;"
            " [what it needs](operations.md#server-access-logs).",
            live="In place, also when it is set or unset; refused if it is the bucket itself."
            " Existing logs stay.",
        ),
    ] = ""
    alarm_email: Annotated[
        str,
        Key(
            means="E-mail address that receives the alarms after it has confirmed",
            if_empty="none",
            rule=rules.EMAIL,
            live="The subscription is replaced. The new address must confirm; until then it gets no"
            " e-mail. An unconfirmed subscription cannot be deleted; SNS drops it after 48 hours.",
        ),
    ] = ""
    batch_operations: Annotated[
        bool,
        Key(
            means="Make the role with which S3 Batch Operations backfills a very large bucket",
            more="`ops backfill --batch-job` needs it, for more than some ten million objects."
            " Refused with `bucketAccountId`.",
            live="The role is made or deleted. False: a running job loses its role and fails.",
        ),
    ] = False
    permissions_boundary: Annotated[
        pulumi.Input[str],
        Key(
            means="The ARN of an IAM policy, the permissions boundary of the stack's roles",
            if_empty="none",
            rule=rules.IAM_POLICY_ARN,
            more="[Where it comes from](github.md#2-make-the-roles).",
            live="In place. If the boundary lacks a permission that a role uses, AWS refuses the"
            " call: events fail, and wait in the failure queue. The deploy roles of"
            " `examples/github-oidc/` cannot unset it.",
        ),
    ] = ""
    customer_managed_key: Annotated[
        bool,
        Key(
            means="One customer managed KMS key, rotated, for bucket, table, queue, topic, logs and"
            " the function's environment",
            more="Costs $1 a month, plus its calls. The whole account may use it through DynamoDB,"
            " S3 and SQS; other accounts need a grant. Pulumi"
            " [never deletes it](changes.md#turn-the-customer-managed-key-off).",
            live="In place for bucket, table, queue, topic, logs and function. True makes a key."
            " False removes it from the stack and leaves it in the account, where it costs money"
            " [until you delete it](changes.md#turn-the-customer-managed-key-off).",
        ),
    ] = False
    kms_key_arn: Annotated[
        pulumi.Input[str],
        Key(
            means="The ARN of an existing KMS key to use instead of customerManagedKey",
            if_empty="none",
            rule=rules.KMS_KEY_ARN,
            more="[What its policy must allow](use.md#an-existing-kms-key).",
            live="In place for bucket, table, queue, topic, logs and function; refused together"
            " with `customerManagedKey`. Older data [still needs its old"
            " key](changes.md#turn-the-customer-managed-key-off) for some time.",
        ),
    ] = ""
    alarm_topic_arn: Annotated[
        pulumi.Input[str],
        Key(
            means="The ARN of an existing SNS topic for the alarms",
            if_empty="a new topic",
            rule=rules.TOPIC_ARN,
            more="[What its policy must allow](use.md#an-existing-sns-topic).",
            live="In place. Set: the stack's own topic is deleted with its subscriptions.",
        ),
    ] = ""
    extractor: Annotated[
        str | pulumi.Archive,
        Key(
            means="A folder with extract.py, whose extract() reads each new version of each object",
            if_empty="none",
            more="[How to write one](extract.md). A Python program may pass a `pulumi.Archive`.",
            live="Set: a second function, its role, log group and monitoring, and the table's"
            " stream are made; older versions have no result until `ops extract` requests it."
            " Another folder, or a change in it: in place, for versions written from then on."
            " Unset: all of this is deleted, but the stream only if `stream` is false; rows keep"
            " their results, or `pending`, until their key changes.",
        ),
    ] = ""
    extractor_memory_size: Annotated[
        int,
        Key(
            means="The extractor's memory; its CPU share grows with it",
            rule=between(128, 10240, "MB"),
            live="In place. New containers: one cold start each.",
        ),
    ] = 512
    extractor_timeout: Annotated[
        int,
        Key(
            means="The longest time that the extractor may take for one file",
            rule=between(1, 900, "seconds"),
            more="A file that takes longer is retried, while those behind it wait, and finally"
            " [stays](extract.md#what-happens-if-something-fails) `pending`.",
            live="In place. New containers.",
        ),
    ] = 60
    extractor_storage: Annotated[
        int,
        Key(
            means="The extractor's space in /tmp",
            rule=between(512, 10240, "MB"),
            more="AWS bills what is above 512 MB.",
            live="In place. New containers.",
        ),
    ] = 512
    stream: Annotated[
        bool,
        Key(
            means="Turn on the table's stream, for your own consumers",
            more="[How to use it](stream.md). An `extractor` turns it on as well.",
            live="In place, and the table's rows stay. False: consumers lose the stream at once,"
            " unless there is an `extractor`. Turning it on again makes a stream with another ARN.",
        ),
    ] = False
    audit: Annotated[
        str,
        Key(
            means="Compare the whole bucket with the whole table every night",
            rule=rules.AUDIT,
            more="`repair` also has the function update the rows that disagree."
            " [What it does](audit.md).",
            live="In place between `report` and `repair`. `off`: the audit's function, its log,"
            " schedule and alarms are deleted; the metrics stay for 15 months.",
        ),
    ] = rules.OFF
    tags: Annotated[
        pulumi.Input[dict[str, pulumi.Input[str]]],
        Key(
            means="Tags for every resource, in addition to Environment and Project",
            if_empty="none",
            rule=rules.TAGS,
            more="`pulumi config set --path 'file-metadata-pipeline:tags.Team' data`.",
            live="In place.",
        ),
    ] = field(default_factory=dict)
    event_source: Annotated[
        str,
        Key(
            means="How changes of the bucket reach the function",
            rule=rules.EVENT_SOURCE,
            more="`eventbridge` [follows a bucket that somebody else owns](eventbridge.md), named"
            " by `bucketName`, and declares nothing of it.",
            live="Refused by the preview if `protectData` is true, because all rows must come from"
            " one source. Otherwise the old source is deleted. From `notification` that means the"
            " stack's bucket, **with all objects and versions**. The rows stay, but it is not known"
            " whether their sequencers can be compared with the new source's."
            " [What to do instead](changes.md#change-the-source-of-events).",
        ),
    ] = rules.NOTIFICATION
    bucket_account_id: Annotated[
        str,
        Key(
            means="The account that owns the bucket, with `eventSource` `eventbridge`",
            if_empty="the stack's own",
            rule=rules.ACCOUNT,
            more="[What the other account has to do](eventbridge.md#a-bucket-of-another-account).",
            live="In place; refused with `notification`. If the account is not the owner's, no"
            " events arrive.",
        ),
    ] = ""
    bucket_kms_key_arn: Annotated[
        pulumi.Input[str],
        Key(
            means="The ARN of the KMS key of the bucket's objects, with `eventSource`"
            " `eventbridge`",
            if_empty="none",
            rule=rules.KMS_KEY_ARN,
            more="The function may use it only through S3. Without it, rows of objects under a KMS"
            " key have no `checksum`.",
            live="In place: the role gets or loses a policy. Refused with `notification`.",
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Check every key."""
        for key in KEYS.values():
            object.__setattr__(self, key.field, key.checked(getattr(self, key.field)))
        if self.extractor:
            check_extractor(self.extractor)
        if isinstance(self.access_log_bucket, str) and self.access_log_bucket:
            check_log_bucket(self.access_log_bucket, self.bucket_name)
        check(
            not (self.customer_managed_key and self.kms_key_arn),
            "customerManagedKey must be false where kmsKeyArn is given",
            self.customer_managed_key,
        )
        check(
            not (self.alarm_email and self.alarm_topic_arn),
            "alarmEmail must be empty where alarmTopicArn is given (subscribe to that topic)",
            self.alarm_email,
        )
        _check_source(self)
        # AWS's pages disagree on whose account a job expects for a bucket of another account.
        check(
            not (self.batch_operations and self.bucket_account_id),
            "batchOperations must be false where bucketAccountId is given",
            self.batch_operations,
        )
        check(
            self.protect_data or not rules.is_production(self.environment_suffix),
            f"protectData must be true where environmentSuffix is {self.environment_suffix!r}"
            " (set protectData to true, or name the environment otherwise)",
            self.protect_data,
        )

    @classmethod
    def from_config(cls, config: pulumi.Config, stack: str) -> Self:
        """Read the settings of one stack.

        Args:
            config: the project's configuration bag.
            stack: the stack's name, the default of ``environmentSuffix``.

        Raises:
            pulumi.RunError: a key is unknown, or a value has the wrong type or breaks its rule.
                Pulumi prints it without a traceback.
        """
        values: dict[str, Any] = {"environment_suffix": stack}
        readers: dict[Any, Callable[[str], Any]]
        readers = {
            bool: config.get_bool,
            int: config.get_int,
            str: config.get,
            dict: lambda name: config.get_object(name) if config.get(name) else None,
        }
        try:
            for full_key in CONFIG.get():
                # Pulumi accepts unknown keys.
                namespace, _, name = full_key.partition(":")
                if namespace == config.name:
                    check_known(name, KEYS)
            for key in KEYS.values():
                value = readers[key.kind](key.name)
                if value not in (None, "", {}):
                    values[key.field] = value
            settings = cls(**values)
            check(
                settings.protect_data or not rules.is_production(stack),
                f"protectData must be true on the stack {stack!r}"
                f" (pulumi config set {PROJECT}:protectData true)",
                settings.protect_data,
            )
        except (ValueError, pulumi.ConfigTypeError) as err:
            raise pulumi.RunError(f"configuration of stack {stack!r}: {err}") from err
        return settings


KEYS = declared(Settings)
"""The keys by name."""


def check_log_bucket(log_bucket: str, bucket: str) -> None:
    """Refuse access logs that go into the logged bucket itself.

    Raises:
        ValueError: both buckets are the same.
    """
    rule = "accessLogBucket must be another bucket than the one that is logged"
    check(log_bucket != bucket, rule, log_bucket)


def _check_source(settings: Settings) -> None:
    """Refuse keys that have no effect with the chosen source of events.

    Raises:
        ValueError: such a key is set.
    """
    if settings.event_source == rules.EVENTBRIDGE:
        where = f"where eventSource is {rules.EVENTBRIDGE}"
        check(bool(settings.bucket_name), f"bucketName must be given {where}", "")
        only_own = ("access_log_bucket", "noncurrent_version_days")
        reason = "which leaves the bucket's settings to its owner"
    else:
        where, reason = f"where eventSource is {rules.NOTIFICATION}", "the stack's own bucket"
        only_own = ("bucket_account_id", "bucket_kms_key_arn")
    for key in KEYS.values():
        if key.field in only_own:
            value = getattr(settings, key.field)
            rule = f"{key.name} must be left out {where} ({reason})"
            check(value == key.default, rule, value)
