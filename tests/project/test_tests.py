"""The tests' own house: who imports whom, and which markers a test has by what it uses."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import emulator as emulators
from support.markers import TESTS, markers

MODULES = sorted(TESTS.rglob("test_*.py"))


@contextmanager
def an_emulator() -> Iterator[emulators.Emulator]:
    with emulators.running() as running:
        yield running


def nothing() -> None:
    """Use nothing."""


def an_emulator_of_a_helper() -> None:
    with an_emulator():
        pass


def a_process_in_an_inner_function() -> None:
    def start() -> None:
        subprocess.run(["/bin/true"], check=True)

    start()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (nothing, set()),
        (an_emulator_of_a_helper, {"emulator"}),
        (a_process_in_an_inner_function, {"processes"}),
    ],
)
def test_markers_follow_from_what_a_test_uses(
    function: Callable[[], None], expected: set[str]
) -> None:
    assert markers(function) == expected


def test_markers_follow_from_what_a_fixture_uses() -> None:
    assert markers(nothing, an_emulator) == {"emulator"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_no_test_module_imports_another(path: Path) -> None:
    imported = {
        node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    }
    others = {module.stem for module in MODULES} | {"conftest", "tests"}
    assert not {name for name in imported if name and set(name.split(".")) & others}


def test_helpers_are_in_one_folder() -> None:
    left = set(TESTS.rglob("*.py")) - set(MODULES) - set((TESTS / "support").glob("*.py"))
    assert left == {TESTS / "conftest.py"}


def test_no_two_deployments_to_a_worker_s_emulator_have_one_suffix() -> None:
    """Whichever modules a worker runs: the second would find the first's table."""
    deployed = [
        suffix
        for path in MODULES
        for suffix in re.findall(
            r'\bdeploy\([^()]*environmentSuffix="([^"]+)"', path.read_text(encoding="utf-8")
        )
    ]
    assert deployed
    assert sorted(deployed) == sorted(set(deployed))
