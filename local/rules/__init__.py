"""One rule for each resource type: declared properties -> AWS API call -> outputs.

Properties that the emulator ignores are sent, too.
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
