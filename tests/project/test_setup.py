"""`make` sets itself up with uv, and with pip where uv cannot be had or gets no answer."""

import os
import subprocess
from pathlib import Path

import pytest

from support.recorder import ROOT

# Stands for Python: makes an environment of itself, and notes what pip is asked to install.
PYTHON = """#!/bin/sh
case "$*" in
    "-m venv "*) for venv; do :; done; mkdir -p "$venv/bin" && cp "$0" "$venv/bin/python" ;;
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
    asked = installed(tmp_path, status)
    assert [line.split()[0] for line in asked] == installers
    assert all(line.endswith("-r requirements-demo.txt") for line in asked)


@pytest.mark.parametrize(
    ("status", "option"), [(0, "--reinstall"), (None, "--force-reinstall")], ids=["uv", "pip"]
)
def test_an_install_that_was_killed_is_repaired(
    tmp_path: Path, status: int | None, option: str
) -> None:
    (tmp_path / "venv").mkdir()
    # No process has it: Linux's highest is 4,194,304.
    (tmp_path / "venv" / "demo.pid").write_text("4194305")
    assert [option in line for line in installed(tmp_path, status)] == [True]
    assert not (tmp_path / "venv" / "demo.pid").exists()


def test_an_environment_of_an_old_python_is_made_anew(tmp_path: Path) -> None:
    installed(tmp_path, 0)
    script(tmp_path / "venv" / "bin" / "python", "#!/bin/sh\nexit 1\n")
    assert len(installed(tmp_path, 0)) == 2
    assert (tmp_path / "venv" / "bin" / "python").read_text() == PYTHON


def script(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def installed(folder: Path, status: int | None) -> list[str]:
    """What is installed into ``venv`` of a folder, where uv ends so; None if there is no uv."""
    python = script(folder / "python", PYTHON)
    uv = script(folder / "uv", UV.format(status=status))
    venv, calls = folder / "venv", folder / "calls"
    subprocess.run(
        ["make", "-s", f"PYTHON={python}", f"VENV={venv}", venv / "demo"],  # noqa: S607
        cwd=ROOT,
        env=os.environ | {"CALLS": str(calls), "UV": "" if status is None else str(uv)},
        check=True,
        capture_output=True,
    )
    assert (venv / "demo").exists()
    return calls.read_text(encoding="utf-8").splitlines()
