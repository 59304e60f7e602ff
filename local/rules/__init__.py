"""One rule for each resource type: what Pulumi declares -> the real API call -> what AWS answers.

A property that the emulator ignores is sent all the same.
"""

from local.inputs import Rule
from local.rules import compute, data, events, keys, monitoring, s3

RULES: dict[str, Rule] = {
    **s3.RULES,
    **data.RULES,
    **compute.RULES,
    **keys.RULES,
    **monitoring.RULES,
    **events.RULES,
}
