"""Checks an extractor's result, and converts it to DynamoDB's types. Pure.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from typing import Any

MAX_BYTES = 64 * 1024
MAX_LEVELS = 16
MAX_DIGITS = 38
LARGEST_EXPONENT, SMALLEST_EXPONENT = 125, -130
# No integer below 1E+126 has more bits.
MAX_BITS = 420
EXACTLY = Context(prec=MAX_BITS)
SHOWN = 100

Typed = dict[str, Any]


class ResultError(ValueError):
    """An extractor's result cannot be stored."""


def typed(found: object) -> Typed:
    """Convert an extractor's result to a map of DynamoDB's typed values.

    Args:
        found: a mapping of JSON values, at most 16 levels deep and, as DynamoDB counts,
            64 KB large.

    Raises:
        ResultError: it breaks a rule; the message names the place and the rule.
    """
    if not isinstance(found, Mapping):
        raise ResultError(f"result must be a mapping, got {type(found).__name__}")
    members: Typed = _Writer().value("result", found, 1)["M"]
    return members


class _Writer:
    """Converts values, and counts their bytes at once: a small result may expand to a large one."""

    def __init__(self) -> None:
        self._left = MAX_BYTES

    def value(self, where: str, value: object, level: int) -> Typed:
        if value is None or isinstance(value, bool):
            self._take(1)
            return {"NULL": True} if value is None else {"BOOL": value}
        if isinstance(value, str):
            return {"S": self._text(where, value)}
        if isinstance(value, int | float):
            return {"N": self._number(where, value)}
        if not isinstance(value, Mapping | list | tuple):
            raise ResultError(
                f"{where} must be a JSON value (a mapping with texts as keys, a list, text,"
                f" number, true, false or none), got {type(value).__name__}"
            )
        if level > MAX_LEVELS:
            raise ResultError(f"result must be at most {MAX_LEVELS} levels deep, got more")
        self._take(3)
        if isinstance(value, Mapping):
            return {"M": dict(self._members(where, value, level))}
        return {"L": list(self._elements(where, value, level))}

    def _members(
        self, where: str, value: Mapping[Any, Any], level: int
    ) -> Iterable[tuple[str, Typed]]:
        for name, member in value.items():
            if not isinstance(name, str) or not name:
                raise ResultError(
                    f"a key of {where} must be a text of at least one character, got {_shown(name)}"
                )
            self._take(1)
            key = self._text(f"a key of {where}", name)
            yield key, self.value(f"{where}[{_shown(name)}]", member, level + 1)

    def _elements(self, where: str, value: Iterable[Any], level: int) -> Iterable[Typed]:
        for number, element in enumerate(value):
            self._take(1)
            yield self.value(f"{where}[{number}]", element, level + 1)

    def _text(self, where: str, text: str) -> str:
        text = str.__str__(text)  # a subclass may have another `__str__`
        self._take(len(text))
        try:
            # Text that is not ASCII has more bytes than characters.
            self._take(len(text.encode()) - len(text))
        except UnicodeEncodeError as err:
            raise ResultError(
                f"{where} must be text that UTF-8 can encode, got {_shown(text)}"
            ) from err
        return text

    def _number(self, where: str, value: float) -> str:
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise ResultError(f"{where} must be less than 1E+126, got more")
        number = Decimal(int(value)) if isinstance(value, int) else Decimal(repr(float(value)))
        if not number.is_finite():
            raise ResultError(f"{where} must be a finite number, got {number}")
        if len(number.as_tuple().digits) > MAX_DIGITS:
            number = number.normalize(EXACTLY)  # without zeros at the end
        digits = len(number.as_tuple().digits)
        if digits > MAX_DIGITS:
            raise ResultError(f"{where} must have at most {MAX_DIGITS} digits, got {digits}")
        if number and not SMALLEST_EXPONENT <= number.adjusted() <= LARGEST_EXPONENT:
            raise ResultError(
                f"{where} must be 0 or from 1E{SMALLEST_EXPONENT} to 9.9E+{LARGEST_EXPONENT},"
                f" got {number}"
            )
        self._take(digits // 2 + 2)
        return str(number) if number else "0"

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ResultError(
                f"result must be at most {MAX_BYTES} bytes as DynamoDB counts them, got more"
            )


def _shown(value: object) -> str:
    if isinstance(value, str):
        text = ascii(value[:SHOWN])
        return text if len(value) <= SHOWN else f"{text[:-1]}...'"
    return type(value).__name__
