"""An extractor is tried on a file of this machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.recorder import ROOT


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    # With `-S` there are no packages, which it does without.
    command = [sys.executable, "-S", "-m", "local.extract", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def written(folder: Path, body: str) -> Path:
    (folder / "extract.py").write_text(
        f"from extraction import File\ndef extract(file):\n {body}\n"
    )
    return folder


def test_it_prints_what_the_example_finds() -> None:
    done = run("examples/extractors/csv_columns", "samples/orders.csv")
    columns = ["order_id", "customer", "amount", "currency", "placed_at"]
    assert json.loads(done.stdout)["columns"] == columns, done.stderr
    assert (done.returncode, done.stderr) == (0, "")


def test_values_are_printed_as_the_row_gives_them_back(tmp_path: Path) -> None:
    body = (
        "return {'key': file.key[-6:], 'n': [1.5, 10**40, -1, None, True, {}],"
        " 'read': file.open().read().decode(), 'is': [file.content_type, isinstance(file, File)]}"
    )
    (tmp_path / "\u00e9.txt").write_text("\u00e9")
    done = run(written(tmp_path, body), tmp_path / "\u00e9.txt")
    assert json.loads(done.stdout) == {
        "key": "/\u00e9.txt",
        "n": [1.5, 1e40, -1, None, True, {}],
        "read": "\u00e9",
        "is": ["text/plain", True],
    }
    assert "\u00e9" in done.stdout


def test_a_file_is_read_from_where_the_extractor_seeks(tmp_path: Path) -> None:
    body = "opened = file.open(); opened.seek(-4, 2); return {'end': opened.read().decode()}"
    (tmp_path / "digits.txt").write_text("0123456789")
    done = run(written(tmp_path, body), tmp_path / "digits.txt")
    assert json.loads(done.stdout) == {"end": "6789"}


def test_an_extractor_may_change_the_working_directory(tmp_path: Path) -> None:
    body = "import os; os.chdir('/'); return {'n': len(file.open().read())}"
    done = run(written(tmp_path, body), "samples/notes.txt")
    assert json.loads(done.stdout) == {"n": (ROOT / "samples" / "notes.txt").stat().st_size}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise KeyError('name')", "failed: KeyError: 'name'\n"),
        ("return 7", "failed: ResultError: result must be a mapping, got int\n"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of"),
    ],
)
def test_a_failure_is_told_with_its_place(tmp_path: Path, body: str, error: str) -> None:
    done = run(written(tmp_path, body), ROOT / "samples" / "notes.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert error in done.stderr


HOSTILE = "\x1b[2J \x9b31m \x7f two\nlines \u202e"


@pytest.mark.parametrize(
    "body",
    [f"return {{'x': {HOSTILE!r}}}", f"raise ValueError({HOSTILE!r})"],
    ids=["result", "exception"],
)
def test_no_control_character_of_a_file_s_reaches_the_terminal(tmp_path: Path, body: str) -> None:
    done = run(written(tmp_path, body), "samples/notes.txt")
    shown = done.stdout + done.stderr
    assert "[2J" in shown
    assert [c for c in shown if not c.isprintable() and c != "\n"] == []
    if done.stdout:
        assert json.loads(done.stdout) == {"x": HOSTILE}


def test_what_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    file, example = ROOT / "samples" / "notes.txt", ROOT / "examples" / "extractors" / "image_size"
    cases = {
        f"extract: no such folder: '{tmp_path}/none'\n": (tmp_path / "none", file),
        f"extract: missing extract.py in '{tmp_path}'; write one": (tmp_path, file),
        f"extract: no such file: '{tmp_path}/none'\n": (example, tmp_path / "none"),
    }
    for error, arguments in cases.items():
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(error)
