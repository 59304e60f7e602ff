"""What CloudWatch Logs would count: metric filters applied to JSON lines.

The emulator keeps metric filters and applies none. This knows the part of the syntax that the
program uses, and refuses the rest:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

Matches = Callable[[Mapping[str, Any]], bool]
TOKEN = re.compile(r'\s*(\{|\}|\(|\)|&&|\|\||>=|<=|!=|=|>|<|\*|\$\.\w+|"[^"]*"|-?\d+(?:\.\d+)?)')
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class PatternError(ValueError):
    """A pattern is not of the known part of the syntax."""


def pattern(text: str) -> Matches:
    """Read a pattern for JSON lines.

    Raises:
        PatternError: it is none, or of a part of the syntax that is not known here.
    """
    tokens = _tokens(text)
    _expect(tokens, "{")
    matches = _either(tokens)
    _expect(tokens, "}")
    if tokens:
        raise PatternError(f"pattern must end with }}, got {tokens[-1]!r}")
    return matches


def points(transformation: Mapping[str, Any], line: Mapping[str, Any]) -> Any:
    """Take a metric's value and dimensions from a line that matches.

    Args:
        transformation: as `describe_metric_filters` has it.
        line: the line's fields.

    Returns:
        The value, and the dimensions by name.
    """
    value = _of(line, transformation["metricValue"])
    dimensions = transformation.get("dimensions", {})
    return float(value), {name: str(_of(line, field)) for name, field in dimensions.items()}


def fields(text: str) -> dict[str, Any]:
    """Read a line; no fields of one that is no JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _of(line: Mapping[str, Any], selector: str) -> Any:
    return line.get(selector[2:]) if selector.startswith("$.") else selector


def _tokens(text: str) -> list[str]:
    found, end = [], 0
    while end < len(text.rstrip()):
        match = TOKEN.match(text, end)
        if match is None:
            raise PatternError(f"pattern must be of the known syntax, got {text[end:]!r}")
        found.append(match[1])
        end = match.end()
    return found


def _expect(tokens: list[str], wanted: str) -> None:
    got = tokens.pop(0) if tokens else "the end"
    if got != wanted:
        raise PatternError(f"pattern must have {wanted!r} here, got {got!r}")


def _either(tokens: list[str]) -> Matches:
    parts = [_both(tokens)]
    while tokens[:1] == ["||"]:
        tokens.pop(0)
        parts.append(_both(tokens))
    return lambda line: any(part(line) for part in parts)


def _both(tokens: list[str]) -> Matches:
    parts = [_term(tokens)]
    while tokens[:1] == ["&&"]:
        tokens.pop(0)
        parts.append(_term(tokens))
    return lambda line: all(part(line) for part in parts)


def _term(tokens: list[str]) -> Matches:
    if tokens[:1] == ["("]:
        tokens.pop(0)
        inner = _either(tokens)
        _expect(tokens, ")")
        return inner
    if len(tokens) < 3 or not tokens[0].startswith("$.") or tokens[1] not in COMPARE:
        raise PatternError(f"pattern must compare a field here, got {' '.join(tokens[:3])!r}")
    field, sign, wanted = (tokens.pop(0) for _ in range(3))
    name = field[2:]
    if wanted == "*":
        # It matches a field that is there, whatever it says.
        return lambda line: name in line
    if wanted.startswith('"'):
        return lambda line: (str(line.get(name)) == wanted[1:-1]) == (sign == "=")
    return lambda line: _is_number(line.get(name)) and COMPARE[sign](line[name], float(wanted))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
