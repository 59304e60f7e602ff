"""Finds what a test uses, in its own code and in that of its helpers and fixtures."""

import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

TESTS = Path(__file__).parents[1]
FOLLOWED = (TESTS, TESTS.parent / "bench")
MARKERS = {
    "local.emulator": "emulator",
    "subprocess": "processes",
    "pulumi.automation": "pulumi",
}
"""The marker that a module stands for."""


def markers(*functions: Callable[..., Any]) -> set[str]:
    """Return the markers for a test, given its function and its fixtures' functions."""
    reached = [_written(function) for function in functions]
    found: set[str] = set()
    for function in reached:
        used, helpers = _uses(function)
        found |= used
        reached += [helper for helper in helpers if helper not in reached]
    return found


@functools.cache
def _uses(function: FunctionType) -> tuple[set[str], list[FunctionType]]:
    """The markers of the modules that a function names, and the helpers that it names."""
    used, helpers = set(), []
    for name in _names(function.__code__):
        value = inspect.unwrap(function.__globals__.get(name))
        if isinstance(value, ModuleType) and value.__name__ in MARKERS:
            used.add(MARKERS[value.__name__])
        elif isinstance(value, FunctionType) and _is_ours(value):
            helpers.append(value)
    return used, helpers


def _written(function: Any) -> FunctionType:
    written = inspect.unwrap(function)
    return getattr(written, "__func__", written)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_ours(function: FunctionType) -> bool:
    written_in = Path(function.__code__.co_filename)
    return any(written_in.is_relative_to(folder) for folder in FOLLOWED)
