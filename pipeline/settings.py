"""The stack's configuration, read once and checked before any resource is made."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

import pulumi
from pulumi.output import Unknown
from pulumi.runtime.config import CONFIG

PROJECT = "file-metadata-pipeline"

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096),
    *(1827, 2192, 2557, 2922, 3288, 3653),
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING")
UNRESERVED = -1
KINDS: dict[Any, str] = {bool: "true or false", int: "a whole number", str: "a text"}
PRODUCTION_NAMES = frozenset({"prod", "production"})


def config_key(field: str) -> str:
    """The configuration key of a field: ``memory_size`` is ``memorySize``."""
    head, *tail = field.split("_")
    return head + "".join(word.capitalize() for word in tail)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one environment chooses.

    Raises:
        ValueError: a value is of the wrong type, not known yet, or breaks its rule; the message
            names the key, the rule and the value.
    """

    environment_suffix: str
    """Ends the table's name and tags every resource; ``[a-z0-9-]``, 1-32 characters."""
    protect_data: bool = True
    """Deletion protection, Pulumi ``protect``, and no ``forceDestroy``."""
    memory_size: int = 256
    """The function's memory, MB (128-10240); its share of CPU follows."""
    timeout: int = 15
    """Longest that one invocation may run, seconds (15-900).

    The lower bound holds one record's two calls at their slowest; see ``handler/catalog.py``.
    """
    log_retention_days: int = 90
    """Days that log events are kept; one of the periods that CloudWatch Logs accepts."""
    tracing: bool = False
    """Trace invocations with AWS X-Ray."""
    reserved_concurrency: int = UNRESERVED
    """Invocations at once, 1 or more; -1 draws on the account's unreserved pool."""
    object_prefix: str = ""
    """Announce only keys that start so (at most 1024 of ``A-Z a-z 0-9 ! _ . ' ( ) / -``).

    S3 matches other characters only in URL-encoded form, and without a word never otherwise:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
    """
    object_suffix: str = ""
    """Announce only keys that end so; the same characters."""
    tombstone_days: int = 30
    """Days that a deleted key's tombstone stays (1-365); one outlasts Lambda's longest retry."""
    noncurrent_version_days: int = 90
    """Days that overwritten and deleted versions stay in the bucket (1-3650)."""
    log_level: str = "INFO"
    """Least severity that the function logs: DEBUG, INFO or WARNING."""
    bucket_name: str = ""
    """An existing bucket's name, to bring it under the pipeline; empty for a bucket of its own."""
    access_log_bucket: str = ""
    """An existing bucket that receives the bucket's server access logs; empty for none.

    Never the bucket itself: each log file would be a change, which is logged, without end.
    """
    alarm_email: str = ""
    """Who is told of alarms by e-mail; empty for nobody."""
    batch_operations: bool = False
    """Make the role with which S3 Batch Operations backfills a very large bucket."""
    permissions_boundary: str = ""
    """The ARN of an IAM policy that bounds what the stack's roles may ever do; empty for none.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    customer_managed_key: bool = False
    """One KMS key of the account's own, rotated, for all that the pipeline keeps."""

    def __post_init__(self) -> None:
        """Check every key."""
        for field in fields(self):
            _check_type(config_key(field.name), field.type, getattr(self, field.name))
        _check(
            re.fullmatch(r"[a-z0-9-]{1,32}", self.environment_suffix) is not None,
            "environmentSuffix must be 1-32 characters of a-z, 0-9 and -",
            self.environment_suffix,
        )
        _check_range("memorySize", self.memory_size, 128, 10240, "MB")
        _check_range("timeout", self.timeout, 15, 900, "seconds")
        _check(
            self.log_retention_days in LOG_RETENTION_DAYS,
            f"logRetentionDays must be one of {', '.join(map(str, LOG_RETENTION_DAYS))} days",
            self.log_retention_days,
        )
        _check(
            self.reserved_concurrency == UNRESERVED or self.reserved_concurrency >= 1,
            "reservedConcurrency must be 1 or more invocations, or -1 for unreserved"
            " (0 would stop the function)",
            self.reserved_concurrency,
        )
        for key, value in (
            ("objectPrefix", self.object_prefix),
            ("objectSuffix", self.object_suffix),
        ):
            _check(
                re.fullmatch(r"[A-Za-z0-9!_.'()/-]{0,1024}", value) is not None,
                f"{key} must be at most 1024 characters of A-Z a-z 0-9 ! _ . ' ( ) / -",
                value,
            )
        _check_range("tombstoneDays", self.tombstone_days, 1, 365, "days")
        _check_range("noncurrentVersionDays", self.noncurrent_version_days, 1, 3650, "days")
        _check(
            self.log_level in LOG_LEVELS,
            f"logLevel must be one of {', '.join(LOG_LEVELS)}",
            self.log_level,
        )
        for key, value in (
            ("bucketName", self.bucket_name),
            ("accessLogBucket", self.access_log_bucket),
        ):
            _check(
                re.fullmatch(r"|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value) is not None,
                f"{key} must be a bucket's name, 3-63 characters of a-z, 0-9, . and -",
                value,
            )
        if self.access_log_bucket:
            check_log_bucket(self.access_log_bucket, self.bucket_name)
        _check(
            re.fullmatch(r"|[^@\s]+@[^@\s]+", self.alarm_email) is not None,
            "alarmEmail must be one e-mail address",
            self.alarm_email,
        )
        _check(
            re.fullmatch(
                r"|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+",
                self.permissions_boundary,
                re.ASCII,
            )
            is not None,
            "permissionsBoundary must be the ARN of an IAM policy",
            self.permissions_boundary,
        )
        _check(
            self.protect_data or not _is_production(self.environment_suffix),
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
            pulumi.RunError: a key is none of ours, or a value is of the wrong type or breaks its
                rule. Pulumi prints it without a traceback.
        """
        values: dict[str, Any] = {"environment_suffix": stack}
        readers: dict[Any, Callable[[str], Any]]
        readers = {bool: config.get_bool, int: config.get_int, str: config.get}
        try:
            _check_keys(config.name, [config_key(field.name) for field in fields(cls)])
            for field in fields(cls):
                value = readers[field.type](config_key(field.name))
                if value not in (None, ""):
                    values[field.name] = value
            settings = cls(**values)
            _check(
                settings.protect_data or not _is_production(stack),
                f"protectData must be true on the stack {stack!r}"
                f" (pulumi config set {PROJECT}:protectData true)",
                settings.protect_data,
            )
        except (ValueError, pulumi.ConfigTypeError) as err:
            raise pulumi.RunError(f"configuration of stack {stack!r}: {err}") from err
        return settings


def check_log_bucket(log_bucket: str, bucket: str) -> None:
    """Refuse a bucket for the access logs that is the bucket itself.

    Raises:
        ValueError: it is.
    """
    rule = "accessLogBucket must be another bucket than the one that is logged"
    _check(log_bucket != bucket, rule, log_bucket)


def _check_keys(namespace: str, known: list[str]) -> None:
    """Refuse a misspelt key, which Pulumi takes, and which would then choose nothing."""
    for full_key in CONFIG.get():
        of, _, key = full_key.partition(":")
        _check(of != namespace or key in known, f"key must be one of {', '.join(known)}", key)


def _is_production(name: str) -> bool:
    return not PRODUCTION_NAMES.isdisjoint(re.split(r"[^a-z0-9]+", name.lower()))


def _check(holds: bool, rule: str, got: object) -> None:
    if not holds:
        raise ValueError(f"{rule}, got {got!r}")


def _check_type(key: str, kind: Any, value: object) -> None:
    # A true secret or output would be as good as true, whatever it holds.
    if isinstance(value, pulumi.Output | Unknown):
        raise ValueError(  # noqa: TRY004 - as every other broken rule
            f"{key} must be known before any resource is made,"
            " got an output of a resource or a secret"
        )
    _check(type(value) is kind, f"{key} must be {KINDS[kind]}", value)


def _check_range(key: str, value: int, low: int, high: int, unit: str) -> None:
    _check(low <= value <= high, f"{key} must be {low}-{high} {unit}", value)
