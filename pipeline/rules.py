"""The rules for the values of configuration keys."""

import re
from collections.abc import Mapping

import pulumi

from . import names
from .keys import KNOWN_LATER, Rule, matching, one_of

NOTIFICATION, EVENTBRIDGE = "notification", "eventbridge"
EVENT_SOURCE = one_of((NOTIFICATION, EVENTBRIDGE))

OFF, REPORT, REPAIR = "off", "report", "repair"
AUDIT = one_of((OFF, REPORT, REPAIR))

LOG_LEVEL = one_of(("DEBUG", "INFO", "WARNING"))

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_DAYS_AND_MONTHS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096)
_YEARS = (1827, 2192, 2557, 2922, 3288, 3653)
LOG_RETENTION = one_of(_DAYS_AND_MONTHS + _YEARS, "days")

UNRESERVED = -1
RESERVED_CONCURRENCY = Rule(
    "1 or more invocations, or -1 for unreserved (0 would stop the function)",
    lambda value: value == UNRESERVED or value >= 1,
)

# S3 matches other characters only if the filter has them URL-encoded; otherwise it never matches,
# and reports no error:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
PART_OF_KEY = matching(
    r"[A-Za-z0-9!_.'()/-]{0,1024}", "at most 1024 characters of A-Z a-z 0-9 ! _ . ' ( ) / -"
)
SUFFIX = matching(r"[a-z0-9-]{1,32}", "1-32 characters of a-z, 0-9 and -")
BUCKET = matching(
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket's name, 3-63 characters of a-z, 0-9, . and -"
)
ACCOUNT = matching(r"[0-9]{12}", "an account's id, 12 digits")
EMAIL = matching(r"[^@\s]+@[^@\s]+", "one e-mail address")
KMS_KEY_ARN = matching(
    r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+", "the ARN of a KMS key"
)
TOPIC_ARN = matching(
    r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+", "the ARN of an SNS topic"
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
IAM_POLICY_ARN = matching(
    r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+", "the ARN of an IAM policy"
)

# IAM's rule, the strictest: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
_TAG_KEY = re.compile(r"[\w .:/=+@-]{1,128}")
_MOST_TAGS = 48
"""AWS allows 50 for each resource; the pipeline sets two of them."""


def _are_tags(value: Mapping[str, pulumi.Input[str]]) -> bool:
    keys = [key.lower() for key in value]
    return (
        len(set(keys)) == len(value) <= _MOST_TAGS
        and not {key.lower() for key in names.tags("")} & set(keys)
        and not any(key.startswith("aws:") for key in keys)
        and all(_TAG_KEY.fullmatch(key) for key in keys)
        and all(isinstance(text, (str, *KNOWN_LATER)) for text in value.values())
    )


TAGS = Rule(
    "at most 48 tags whose values are texts, with keys of 1-128 letters, digits, spaces and"
    " _ . : / = + - @, none that begins with aws:, none twice, and neither Environment nor Project",
    _are_tags,
)

_PRODUCTION_NAMES = frozenset({"prod", "production"})


def is_production(name: str) -> bool:
    """Whether the name of a stack or of an environment says that it is production."""
    return not _PRODUCTION_NAMES.isdisjoint(re.split(r"[^a-z0-9]+", name.lower()))
