"""Loads and runs the user's extractor; an error of its code becomes the file's result."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from extraction import File
from result import Typed, typed

MAX_ERROR = 1_000
FRAMES, MAX_TRACE = 5, 4_000

Extract = Callable[[File], object]


class LoadError(Exception):
    """The user's ``extract.py`` could not be imported."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file has no result."""

    error: str
    """Type and message, at most 1,000 characters."""
    trace: str
    """The last five calls of the traceback, at most 4,000 characters; empty if there is none."""


def load(folder: Path) -> Extract:
    """Import ``extract`` from a folder's ``extract.py``.

    If that fails, the returned function raises LoadError for each file. So each row says what is
    wrong, and no file delays another.
    """
    sys.path.insert(0, str(folder))
    try:
        extract: Extract = import_module("extract").extract
    except BaseException as err:
        message = f"extract.py must load and have a function extract, got {_text(err)}"
        trace = err.__traceback__

        def broken(_file: File) -> object:
            raise LoadError(message).with_traceback(trace)

        return broken
    return extract


def run(extract: Extract, file: File) -> Typed | Failure:
    """Extract a file, and return the result in DynamoDB's types, or the failure."""
    try:
        return typed(extract(file))
    except BaseException as err:
        return failure(err)


def failure(err: BaseException) -> Failure:
    """Describe an exception."""
    trace = "".join(traceback.format_tb(err.__traceback__, -FRAMES))
    return Failure(_text(err), trace[-MAX_TRACE:])


def _text(err: BaseException) -> str:
    name = type(err).__name__
    try:
        text = f"{name}: {err}"
    except BaseException:
        text = name
    return text[:MAX_ERROR].encode("utf-8", "backslashreplace").decode()[:MAX_ERROR]
