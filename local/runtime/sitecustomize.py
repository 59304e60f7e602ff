"""Makes a function's process in the emulator log as Lambda's runtime does: JSON, a line a record.

Python imports this by itself where this folder is on ``PYTHONPATH``.
https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime

PLAIN = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class AsJson(logging.Formatter):
    """A record's message and extra fields as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it on one line."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        line |= {name: value for name, value in vars(record).items() if name not in PLAIN}
        if record.exc_info and record.exc_info[0]:
            line |= {
                "errorType": record.exc_info[0].__name__,
                "errorMessage": str(record.exc_info[1]),
            }
        return json.dumps(line)


# The emulator's own process has the folder on its path, too.
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    to_log = logging.StreamHandler(sys.stderr)
    to_log.setFormatter(AsJson())
    logging.basicConfig(level=logging.INFO, handlers=[to_log])
