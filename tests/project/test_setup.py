"""`make` sets itself up with uv, and with pip where uv cannot be had or gets no answer."""

import os
import subprocess
from pathlib import Path

import pytest

from support.recorder import ROOT

# Stands for Python: makes an environment of itself, and notes what pip is asked to install.
PYTHON = """#!/bin/sh
case "$*" in
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *requirements-dev.txt" uv") test -n "$UV" && cp "$UV" "$(dirname "$0")/uv" ;;
    "-m pip "*) echo "pip $*" >>"$CALLS" ;;
esac
"""
UV = """#!/bin/sh
echo "uv $*" >>"$CALLS"
exit {status}
"""


@pytest.mark.parametrize(
    ("status", "installers"),
    [(0, ["uv"]), (2, ["uv", "pip"]), (None, ["pip"])],
    ids=["uv", "uv gets no answer", "no uv"],
)
def test_the_pins_are_installed_by_uv_or_else_by_pip(
    tmp_path: Path, status: int | None, installers: list[str]
) -> None:
    python, uv, calls = tmp_path / "python", tmp_path / "uv", tmp_path / "calls"
    for path, text in {python: PYTHON, uv: UV.format(status=status)}.items():
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    venv = tmp_path / "venv"
    subprocess.run(
        ["make", "-s", f"PYTHON={python}", f"VENV={venv}", venv / "demo"],  # noqa: S607
        cwd=ROOT,
        env=os.environ | {"CALLS": str(calls), "UV": "" if status is None else str(uv)},
        check=True,
        capture_output=True,
    )
    asked = calls.read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in asked] == installers
    assert all(line.endswith("-r requirements-demo.txt") for line in asked)
    assert (venv / "demo").exists()
