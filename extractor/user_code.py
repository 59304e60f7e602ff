"""The extractor's own code: whatever it does with a file is that file's result."""

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
    """The extractor's own code could not be imported."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no result."""

    error: str
    """Type and message, at most 1,000 characters."""
    trace: str
    """Where it was raised, the last five calls, at most 4,000 characters; empty if nowhere."""


def load(folder: Path) -> Extract:
    """Import ``extract`` from a folder's ``extract.py``.

    What goes wrong is kept: the returned function raises it for each file, as LoadError, so that
    a row says what is wrong, and no file holds up another.
    """
    sys.path.insert(0, str(folder))
    try:
        extract: Extract = import_module("extract").extract
    except BaseException as err:
        message = f"extract.py must load and have a function extract, got {_text(err)}"

        def broken(_file: File) -> object:
            raise LoadError(message)

        return broken
    return extract


def run(extract: Extract, file: File) -> Typed | Failure:
    """Have a file extracted: what was found, as DynamoDB takes it, or why nothing was."""
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
