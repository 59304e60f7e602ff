"""``python -m plugin.schema`` prints the schema that the SDK infers; the tests pin it."""

import json

from plugin.provider import PipelineProvider

if __name__ == "__main__":
    print(json.dumps(json.loads(PipelineProvider().schema or ""), indent=2))
