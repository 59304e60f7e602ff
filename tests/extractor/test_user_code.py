"""Whatever an extractor's code does with a file is that file's result, and of bounded size."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from extraction import File
from user_code import Failure, load, run

FILE = File(key="k", size=0, content_type="", metadata={}, version=None, read=lambda _s, _l: b"")


@pytest.fixture(autouse=True)
def _unloaded() -> Iterator[None]:
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("extract", None)


def written(folder: Path, code: str) -> Path:
    (folder / "extract.py").write_text(code)
    return folder


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even that")


class ExitingError(Exception):
    def __str__(self) -> str:
        raise SystemExit


def raising(error: BaseException) -> Callable[[File], Any]:
    def extract(_file: File) -> Any:
        raise error

    return extract


def endless(file: File) -> Any:
    return endless(file)


@pytest.mark.parametrize(
    ("extract", "error"),
    [
        (raising(KeyError("name")), "KeyError: 'name'"),
        (raising(SystemExit(3)), "SystemExit: 3"),
        (raising(KeyboardInterrupt()), "KeyboardInterrupt: "),
        (raising(asyncio.CancelledError()), "CancelledError: "),
        (raising(MemoryError()), "MemoryError: "),
        (raising(SilentError()), "SilentError"),
        (raising(ExitingError()), "ExitingError"),
        (raising(ValueError("a\ud800b")), "ValueError: a\\ud800b"),
        (raising(ValueError("x" * 10_000)), "ValueError: " + "x" * 988),
        (raising(ValueError("\ud800" * 10_000)), "ValueError: " + "\\ud800" * 164 + "\\ud8"),
        (endless, "RecursionError: maximum recursion depth exceeded"),
        (lambda _file: 7, "ResultError: result must be a mapping, got int"),
        (lambda: {}, "TypeError: "),
    ],
)
def test_an_exception_is_the_result(extract: Callable[..., Any], error: str) -> None:
    failure = run(extract, FILE)
    assert isinstance(failure, Failure)
    assert failure.error.startswith(error)
    assert len(failure.error) <= 1_000
    failure.error.encode()
    assert len(failure.trace) < 5_000


def test_a_line_of_code_makes_no_line_of_the_log_too_long(tmp_path: Path) -> None:
    """CloudWatch would cut it, and its metrics would not count it."""
    code = f"def extract(file):\n    raise ValueError('{'y' * 1_000_000}')"
    failure = run(load(written(tmp_path, code)), FILE)
    assert isinstance(failure, Failure)
    assert len(failure.trace) < 5_000


def test_a_folder_s_extract_is_loaded_with_its_own_modules_first(tmp_path: Path) -> None:
    (tmp_path / "antigravity.py").write_text("ANSWER = 'theirs'")
    code = "import antigravity\ndef extract(file): return {'key': file.key + antigravity.ANSWER}"
    try:
        assert run(load(written(tmp_path, code)), FILE) == {"key": {"S": "ktheirs"}}
    finally:
        sys.modules.pop("antigravity", None)


@pytest.mark.parametrize(
    ("code", "got"),
    [
        ("def extract(file:", "SyntaxError: "),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of"),
        ("EXTRACT = 1", "AttributeError: module 'extract' has no attribute 'extract'"),
        ("raise SystemExit", "SystemExit: "),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: "),
    ],
)
def test_code_that_cannot_be_loaded_fails_each_file(tmp_path: Path, code: str, got: str) -> None:
    extract = load(written(tmp_path, code))
    for _ in range(2):
        failure = run(extract, FILE)
        assert isinstance(failure, Failure)
        assert failure.error.startswith(
            f"LoadError: extract.py must load and have a function extract, got {got}"
        )


def test_the_trace_of_code_that_cannot_be_loaded_leads_to_its_line(tmp_path: Path) -> None:
    (tmp_path / "helper_of_it.py").write_text("PRICES = {}\nPRICES['nope']\n")
    extract = load(written(tmp_path, "import helper_of_it"))
    for _ in range(2):
        failure = run(extract, FILE)
        assert isinstance(failure, Failure)
        assert "helper_of_it.py\", line 2, in <module>\n    PRICES['nope']" in failure.trace


def test_a_folder_without_extract_fails_each_file(tmp_path: Path) -> None:
    failure = run(load(tmp_path), FILE)
    assert isinstance(failure, Failure)
    assert "No module named 'extract'" in failure.error
