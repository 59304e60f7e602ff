"""Who may import whom, and how little the program's first file does."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.recorder import ROOT

HANDLER_MODULES = {path.stem for path in (ROOT / "handler").glob("*.py")}
HANDLER_FILES = sorted((ROOT / "handler").rglob("*.py"))
EXTRACTOR_MODULES = {path.stem for path in (ROOT / "extractor").glob("*.py")}
EXTRACTOR_FILES = sorted((ROOT / "extractor").rglob("*.py"))
OPS_FILES = sorted((ROOT / "ops").rglob("*.py"))
PIPELINE_FILES = sorted((ROOT / "pipeline").rglob("*.py"))
PLUGIN_FILES = sorted((ROOT / "plugin").glob("*.py"))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below one, but for what only the type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from running(child)


def imported(path: Path) -> set[str]:
    """Names of the top packages that a file imports when it runs, but for its own relatively."""
    found: set[str] = set()
    for node in running(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


def by_path(paths: list[Path]) -> pytest.MarkDecorator:
    ids = [path.relative_to(ROOT).as_posix() for path in paths]
    return pytest.mark.parametrize("path", paths, ids=ids)


@by_path(HANDLER_FILES)
def test_the_handler_needs_the_standard_library_alone(path: Path) -> None:
    assert imported(path) - sys.stdlib_module_names - HANDLER_MODULES == set()


@by_path(EXTRACTOR_FILES)
def test_the_extractor_needs_the_standard_library_and_the_handler_alone(path: Path) -> None:
    allowed = sys.stdlib_module_names | HANDLER_MODULES | EXTRACTOR_MODULES
    assert imported(path) - allowed == set()


@by_path([ROOT / "extractor" / f"{name}.py" for name in ("extraction", "result", "user_code")])
def test_what_an_extractor_is_tried_with_knows_nothing_of_aws(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"extraction", "result"}
    assert imported(path) - allowed == set()


@by_path(PIPELINE_FILES)
def test_the_pipeline_needs_pulumi_alone_and_imports_itself_relative_to_itself(path: Path) -> None:
    """Its folder has another name where it is installed."""
    assert imported(path) - sys.stdlib_module_names - {"pulumi", "pulumi_aws"} == set()


@by_path(PLUGIN_FILES)
def test_the_plugin_needs_only_the_component_and_what_pulumi_brings(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"pulumi", "pipeline", "plugin"}
    assert imported(path) - allowed == set()


@by_path(sorted([*PIPELINE_FILES, *OPS_FILES, *(ROOT / "examples" / "github-oidc").glob("*.py")]))
def test_no_partition_is_written_out(path: Path) -> None:
    """In China and in GovCloud an ARN begins otherwise."""
    assert "arn:aws:" not in path.read_text(encoding="utf-8")


@by_path(sorted((ROOT / "pipeline").glob("*polic*.py")))
def test_policies_need_no_pulumi(path: Path) -> None:
    assert imported(path) & {"pulumi", "pulumi_aws"} == set()


def test_no_module_of_the_handler_hides_one_of_the_standard_library() -> None:
    assert (HANDLER_MODULES | EXTRACTOR_MODULES) & sys.stdlib_module_names == set()


def test_the_two_functions_modules_lie_in_one_folder_of_the_archive() -> None:
    """With a user's ``extract.py`` in another: theirs must not be one of ours."""
    assert set() == HANDLER_MODULES & EXTRACTOR_MODULES
    assert "extract" not in HANDLER_MODULES | EXTRACTOR_MODULES


def test_the_program_makes_one_component_and_has_no_branch() -> None:
    """It declares no resource of its own: it has the component and Pulumi, and no provider."""
    assert imported(ROOT / "__main__.py") == {"pulumi", "pipeline"}
    body = parsed(ROOT / "__main__.py").body
    assert [type(node) for node in body] == [ast.Expr, ast.Import, ast.ImportFrom, ast.Expr]
    assert ast.unparse(body[-1]) == (
        "FileMetadataPipeline('file-metadata', Settings.from_config(pulumi.Config(),"
        " pulumi.get_stack())).export()"
    )


WITHOUT_PULUMI = """
import sys
sys.modules |= dict.fromkeys(("pulumi", "pulumi_aws"))
import ops.__main__
from pipeline import names, outputs
"""


def test_the_operators_tool_needs_no_pulumi() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_PULUMI], check=True, cwd=ROOT)


@by_path(OPS_FILES)
def test_the_operators_tool_needs_only_what_its_requirements_name(path: Path) -> None:
    requirements = (ROOT / "requirements-ops.txt").read_text(encoding="utf-8")
    pinned = {line.partition("==")[0] for line in requirements.splitlines() if "==" in line}
    data = {"pipeline", "handler"}
    assert imported(path) - {"ops"} - data <= pinned | sys.stdlib_module_names


@by_path([ROOT / "handler" / "attributes.py"])
def test_the_rows_attributes_are_data_that_every_tool_can_import(path: Path) -> None:
    assert imported(path) == set()
