"""The stack's configuration: its bounds, and what it refuses."""

import re
import string
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pulumi
import pytest

from pipeline.keys import config_key
from pipeline.settings import KEYS, PROJECT
from support.configured import configured, settings
from support.recorder import ROOT, shipped_config

RETENTION = (
    "logRetentionDays must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545,"
    " 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653 days"
)
CONCURRENCY = (
    "reservedConcurrency must be 1 or more invocations, or -1 for unreserved"
    " (0 would stop the function)"
)
OBJECT_PREFIX_RULE = "objectPrefix must be at most 1024 characters of A-Z a-z 0-9 ! _ . ' ( ) / -"
OBJECT_SUFFIX_RULE = OBJECT_PREFIX_RULE.replace("Prefix", "Suffix")
ACCESS_LOG_RULE = "accessLogBucket must be a bucket's name, 3-63 characters of a-z, 0-9, . and -"
BOUNDARY = "permissionsBoundary must be the ARN of an IAM policy"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:"
ARN_OF_KEY = "kmsKeyArn must be the ARN of a KMS key"
TAGS = f"tags must be {KEYS['tags'].key.rule.says}"
EXTRACTOR = str(ROOT / "examples" / "extractors" / "csv_columns")
SUFFIX = "environmentSuffix must be 1-32 characters of a-z, 0-9 and -"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("environment_suffix", "a"),
        ("environment_suffix", "a" * 32),
        ("environment_suffix", "eu-west-2"),
        ("reserved_concurrency", 1),
        ("reserved_concurrency", 1000),
        ("object_prefix", ""),
        ("object_prefix", "a" * 1024),
        ("object_suffix", ""),
        ("object_suffix", "a" * 1024),
        ("access_log_bucket", ""),
        ("alarm_email", "ops@example.com"),
        ("bucket_name", "an-existing.bucket"),
        ("permissions_boundary", "arn:aws:iam::123456789012:policy/path/to/bound@ry"),
        ("permissions_boundary", "arn:aws-us-gov:iam::aws:policy/ViewOnlyAccess"),
        ("access_log_bucket", "abc"),
        ("access_log_bucket", "a" * 63),
        ("access_log_bucket", "audit.logs-1"),
        ("extractor", EXTRACTOR),
        ("kms_key_arn", f"{KEY}1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("kms_key_arn", f"{KEY}mrk-1234abcd".replace("arn:aws:", "arn:aws-cn:")),
        ("alarm_topic_arn", f"{TOPIC}a-Topic_1"),
        ("event_source", "notification"),
        ("tags", {}),
        ("tags", {"Team": "data", "cost centre:1+=@/": ""}),
        ("tags", {f"tag-{number}": "x" for number in range(48)}),
    ],
)
def test_a_value_within_its_bounds_is_taken(field: str, value: Any) -> None:
    assert getattr(settings(**{field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("environment_suffix", "", SUFFIX),
        ("environment_suffix", "a" * 33, SUFFIX),
        ("environment_suffix", "Dev", SUFFIX),
        ("environment_suffix", "dev_1", SUFFIX),
        ("environment_suffix", "dev.1", SUFFIX),
        ("environment_suffix", "dév", SUFFIX),
        ("environment_suffix", "dev\n", SUFFIX),
        ("log_retention_days", 2, RETENTION),
        ("reserved_concurrency", 0, CONCURRENCY),
        ("reserved_concurrency", -2, CONCURRENCY),
        ("object_prefix", "a" * 1025, OBJECT_PREFIX_RULE),
        ("object_prefix", "year=2026/", OBJECT_PREFIX_RULE),
        ("alarm_email", "ops", "alarmEmail must be one e-mail address"),
        ("alarm_email", "a@b.c, d@e.f", "alarmEmail must be one e-mail address"),
        ("bucket_name", "ab", ACCESS_LOG_RULE.replace("accessLogBucket", "bucketName")),
        ("bucket_name", "My-Bucket", ACCESS_LOG_RULE.replace("accessLogBucket", "bucketName")),
        ("access_log_bucket", "ab", ACCESS_LOG_RULE),
        ("access_log_bucket", "a" * 64, ACCESS_LOG_RULE),
        ("access_log_bucket", "s3://logs", ACCESS_LOG_RULE),
        ("object_suffix", "a" * 1025, OBJECT_SUFFIX_RULE),
        ("object_suffix", " b.csv", OBJECT_SUFFIX_RULE),
        ("permissions_boundary", "ViewOnlyAccess", BOUNDARY),
        ("permissions_boundary", "arn:aws:iam::123456789012:role/x", BOUNDARY),
        ("permissions_boundary", "arn:aws:iam::1234:policy/x", BOUNDARY),
        ("extractor", "no/such", "extractor must be a folder with extract.py"),
        ("extractor", str(ROOT / "handler"), "extractor must be a folder with extract.py"),
        ("log_level", "info", "logLevel must be one of DEBUG, INFO, WARNING"),
        ("log_level", "ERROR", "logLevel must be one of DEBUG, INFO, WARNING"),
        ("kms_key_arn", "alias/ours", "kmsKeyArn must be the ARN of a KMS key"),
        ("kms_key_arn", f"{KEY}1".replace("key/", "alias/"), ARN_OF_KEY),
        ("alarm_topic_arn", "ops", "alarmTopicArn must be the ARN of an SNS topic"),
        ("alarm_topic_arn", f"{TOPIC}ops:1", "alarmTopicArn must be the ARN of an SNS topic"),
        ("tags", {"Environment": "dev"}, TAGS),
        ("tags", {"project": "x"}, TAGS),
        ("tags", {"AWS:x": "x"}, TAGS),
        ("tags", {"": "x"}, TAGS),
        ("tags", {"a" * 129: "x"}, TAGS),
        ("tags", {"a": "x", "A": "x"}, TAGS),
        ("tags", {"a": 1}, TAGS),
        ("tags", {"a?": "x"}, TAGS),
        ("tags", {f"tag-{number}": "x" for number in range(49)}, TAGS),
    ],
)
def test_a_value_beyond_its_bounds_is_refused_by_name(field: str, value: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=r"^\w+ must be ") as caught:
        settings(**{field: value})
    assert str(caught.value) == f"{rule}, got {value!r}"


@pytest.mark.parametrize(
    ("field", "low", "high", "unit"),
    [
        ("memory_size", 128, 10240, "MB"),
        ("timeout", 15, 900, "seconds"),
        ("tombstone_days", 1, 365, "days"),
        ("noncurrent_version_days", 1, 3650, "days"),
        ("extractor_memory_size", 128, 10240, "MB"),
        ("extractor_timeout", 1, 900, "seconds"),
        ("extractor_storage", 512, 10240, "MB"),
    ],
)
def test_a_number_is_taken_from_its_least_to_its_most(
    field: str, low: int, high: int, unit: str
) -> None:
    for value in (low, high):
        assert getattr(settings(**{field: value}), field) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ValueError, match="must be") as caught:
            settings(**{field: value})
        rule = f"{config_key(field)} must be {low}-{high} {unit}"
        assert str(caught.value) == f"{rule}, got {value}"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"bucket_name": "files", "access_log_bucket": "files"},
            "accessLogBucket must be another bucket than the one that is logged, got 'files'",
        ),
        (
            {"customer_managed_key": True, "kms_key_arn": f"{KEY}1"},
            "customerManagedKey must be false where kmsKeyArn is given, got True",
        ),
        (
            {
                "event_source": "eventbridge",
                "bucket_name": "theirs",
                "bucket_account_id": "210987654321",
                "batch_operations": True,
            },
            "batchOperations must be false where bucketAccountId is given, got True",
        ),
        (
            {"alarm_email": "ops@example.com", "alarm_topic_arn": f"{TOPIC}ops"},
            "alarmEmail must be empty where alarmTopicArn is given (subscribe to that topic),"
            " got 'ops@example.com'",
        ),
    ],
)
def test_two_settings_that_exclude_each_other_are_refused(
    values: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=r"must be") as caught:
        settings(**values)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "archive", [pulumi.FileArchive("extractor.zip"), pulumi.RemoteArchive("https://x/e.zip")]
)
def test_a_program_may_give_an_archive_that_nobody_reads_yet(archive: pulumi.Archive) -> None:
    assert settings(extractor=archive).extractor is archive


@pytest.mark.parametrize(
    "name", ["row.py", "extract_file.py", "row/__init__.py", "row/deep/er.py", "row", "row.abi3.so"]
)
def test_a_file_that_would_never_be_imported_is_refused(tmp_path: Path, name: str) -> None:
    for one in ("extract.py", name):
        (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / one).touch()
    assets = {one: pulumi.FileAsset(str(tmp_path / one)) for one in ("extract.py", name)}
    for given in (str(tmp_path), pulumi.AssetArchive(assets)):
        with pytest.raises(ValueError, match="the function has its own") as caught:
            settings(extractor=given)
        said = f"extractor must not hold a file named {name}: the function has its own"
        assert str(caught.value) == said


def test_other_files_of_an_extractor_are_its_own_affair(tmp_path: Path) -> None:
    for name in ("extract.py", "rows.py", "row.txt", "lib/row.py", "row/data.csv", "extract/x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert settings(extractor=str(tmp_path)).extractor == str(tmp_path)


def test_an_archive_of_assets_must_have_the_module() -> None:
    with pytest.raises(ValueError, match=r"must be a folder with extract\.py, got \['a\.py'\]"):
        settings(extractor=pulumi.AssetArchive({"a.py": pulumi.StringAsset("")}))


@pytest.mark.parametrize("field", ["object_prefix", "object_suffix"])
def test_a_filter_takes_the_characters_that_s3_matches_as_they_are(field: str) -> None:
    accepted = set()
    for character in map(chr, range(256)):
        try:
            settings(**{field: character})
        except ValueError:
            continue
        accepted.add(character)
    assert accepted == set(string.ascii_letters + string.digits + "!_.'()/-")


def test_cloudwatch_s_every_period_is_taken() -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    accepted = []
    for days in range(4000):
        try:
            settings(log_retention_days=days)
        except ValueError:
            continue
        accepted.append(days)
    years = [1827, 2192, 2557, 2922, 3288, 3653]
    days_and_months = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096]
    assert accepted == days_and_months + years


@pytest.mark.parametrize("name", ["prod", "production", "prod-eu", "eu-prod", "a-production-b"])
def test_an_environment_named_production_must_protect_its_data(name: str) -> None:
    with pytest.raises(ValueError, match=r"^protectData must be true") as caught:
        settings(environment_suffix=name, protect_data=False)
    assert str(caught.value) == (
        f"protectData must be true where environmentSuffix is {name!r}"
        " (set protectData to true, or name the environment otherwise), got False"
    )


@pytest.mark.parametrize(
    "name", ["prod", "Prod", "production", "eu-prod", "PROD-2", "prod_eu", "eu.prod"]
)
def test_a_stack_named_production_must_protect_its_data(name: str) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        configured(name, environmentSuffix="blue", protectData="false")
    assert str(caught.value) == (
        f"configuration of stack {name!r}: protectData must be true on the stack {name!r}"
        " (pulumi config set file-metadata-pipeline:protectData true), got False"
    )


@pytest.mark.parametrize("name", ["dev", "product", "reproduction"])
def test_any_other_environment_may_leave_its_data_unprotected(name: str) -> None:
    assert configured(name, protectData="false").protect_data is False


def test_every_setting_is_handed_to_a_component() -> None:
    """A key that nothing reads would choose nothing, without a word."""
    files = set((ROOT / "pipeline").glob("*.py")) - {ROOT / "pipeline" / "settings.py"}
    program = "".join(path.read_text(encoding="utf-8") for path in files)
    read = set(re.findall(r"\b(?:args\.settings|args|settings)\.(\w+)", program))
    assert {key.field for key in KEYS.values()} - read == set()


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("environmentSuffix", "blue", "blue"),
        ("protectData", "false", False),
        ("memorySize", "512", 512),
        ("tags", '{"Team": "data"}', {"Team": "data"}),
    ],
)
def test_a_key_of_each_type_sets_its_field(key: str, text: str, value: Any) -> None:
    assert getattr(configured("dev", **{key: text}), KEYS[key].field) == value


@pytest.mark.parametrize(
    ("stack", "chosen"),
    [
        (
            "dev",
            {
                "protect_data": False,
                "log_retention_days": 7,
                "tombstone_days": 1,
                "noncurrent_version_days": 7,
            },
        ),
        ("prod", {"log_level": "WARNING", "customer_managed_key": True, "audit": "report"}),
    ],
)
def test_dev_and_prod_differ_where_they_should(stack: str, chosen: dict[str, Any]) -> None:
    values = shipped_config(stack)
    del values["aws:region"]
    given = {name.removeprefix(f"{PROJECT}:"): text for name, text in values.items()}
    read = vars(configured(stack, **given))
    default = {key.field: key.default for key in KEYS.values()} | {"environment_suffix": stack}
    assert {field: value for field, value in read.items() if value != default[field]} == chosen


@pytest.mark.parametrize("given", [{}, {"environmentSuffix": ""}])
def test_the_environment_is_named_after_the_stack_unless_told(given: dict[str, str]) -> None:
    assert configured("blue", **given).environment_suffix == "blue"


def test_without_a_word_data_is_protected() -> None:
    assert configured("dev").protect_data is True


def test_settings_cannot_be_changed_once_checked() -> None:
    with pytest.raises(FrozenInstanceError):
        settings().timeout = 0
