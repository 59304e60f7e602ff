"""One rule for each resource type: declared properties -> AWS API call -> outputs.

Properties that the emulator ignores are sent, too.
"""

from local.rules import compute, data, monitoring, s3

RULES = s3.RULES | data.RULES | compute.RULES | monitoring.RULES
