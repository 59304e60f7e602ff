"""The examples in three languages declare what the program declares, and name what there is."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import engine
from local.cloud import Cloud
from local.resources import CloudMocks
from pipeline.package import AUDIT_FILES
from pipeline.settings import PROJECT
from support.bus import follows
from support.extractors import EXTRACTOR
from support.journeys import assert_a_file_gets_its_row
from support.plugin_process import TOKEN, Plugin, environment, resources, running_plugin
from support.recorder import ROOT, Program, declare

EXAMPLES = ROOT / "examples"
PAGE = (ROOT / "docs" / "use.md").read_text(encoding="utf-8")
TYPESCRIPT = (EXAMPLES / "typescript" / "index.ts").read_text(encoding="utf-8")
COMPONENT: dict[str, Any] = json.loads(
    (ROOT / "plugin" / "schema.json").read_text(encoding="utf-8")
)["resources"][TOKEN]
KINDS = {"string": str, "integer": int, "boolean": bool}
STACK = {"${pulumi.stack}": "dev", "pulumi.getStack()": "dev"}
"""How each language asks for the stack's name."""


def loaded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def of_page(language: str) -> str:
    """The first program in this language on the page about programs of your own."""
    text, *_ = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


def of_yaml(program: dict[str, Any]) -> dict[str, Any]:
    [resource] = program["resources"].values()
    return {key: STACK.get(value, value) for key, value in resource["properties"].items()}


def of_typescript(text: str) -> dict[str, Any]:
    """Read the inputs: a flat object of numbers, truths and calls, which YAML reads too."""
    [inputs] = re.findall(r"new FileMetadataPipeline\(\s*\"[\w-]+\",\s*\{(.*?)\}", text, re.DOTALL)
    flat = yaml.safe_load("{" + inputs + "}")
    return {key: STACK.get(value, value) for key, value in flat.items()}


YAML_PROGRAMS = [loaded(EXAMPLES / "yaml" / "Pulumi.yaml"), yaml.safe_load(of_page("yaml"))]


@pytest.mark.parametrize("program", YAML_PROGRAMS, ids=["example", "page"])
def test_the_yaml_program_takes_the_component_from_a_package_that_it_names(
    program: dict[str, Any],
) -> None:
    [resource] = program["resources"].values()
    package, _, name = resource["type"].partition(":")
    assert f"{package}:index:{name}" == TOKEN
    assert package in program["packages"]


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        *((of_yaml(program), json.dumps(program["outputs"])) for program in YAML_PROGRAMS),
        *((of_typescript(text), text) for text in (TYPESCRIPT, of_page("typescript"))),
    ],
    ids=["yaml", "yaml of the page", "typescript", "typescript of the page"],
)
def test_a_program_fits_the_schema(inputs: dict[str, Any], text: str) -> None:
    declared = COMPONENT["inputProperties"]
    assert declared.keys() >= inputs.keys() >= set(COMPONENT["requiredInputs"])
    kinds = {key: KINDS[declared[key]["type"]] for key in inputs}
    assert {key: type(value) for key, value in inputs.items()} == kinds
    used = set(re.findall(r"\bfiles\.(\w+)", text))
    assert used
    assert used <= COMPONENT["properties"].keys()


@pytest.mark.parametrize("language", ["yaml", "typescript"])
def test_an_example_takes_the_package_from_the_plugin_s_folder(language: str) -> None:
    folder = EXAMPLES / language
    source = loaded(folder / "Pulumi.yaml")["packages"]["file-metadata"]
    assert (folder / source).resolve() == ROOT / "plugin"
    assert (folder / source / "PulumiPlugin.yaml").exists()


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    with running_plugin(ROOT, tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


@pytest.mark.parametrize(
    "inputs",
    [of_yaml(YAML_PROGRAMS[0]), of_typescript(TYPESCRIPT)],
    ids=["yaml", "typescript"],
)
def test_an_example_s_inputs_make_what_the_program_makes(
    plugin: Plugin, inputs: dict[str, Any], dev: Program
) -> None:
    assert resources(plugin.construct(inputs)) == resources(dev)


def python_example(folder: Path, program: str) -> Path:
    """Make it a project with a stack named dev; URNs tell the project's name, so the program's."""
    project = loaded(EXAMPLES / "python" / "Pulumi.yaml") | {"name": PROJECT}
    (folder / "Pulumi.yaml").write_text(json.dumps(project), encoding="utf-8")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    (folder / "__main__.py").write_text(program, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has installed the component; of a copy: setuptools writes beside what it builds."""
    copy, site = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("site")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("pipeline", "auditor", "handler", "extractor", "local", "ops"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, ignore=ignore)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    offline = ["--no-build-isolation", "--disable-pip-version-check", "--target", str(site)]
    subprocess.run([*install, *offline, str(copy)], check=True, cwd=copy.parent, env=environment())
    return site


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of this process import the installed component."""
    monkeypatch.syspath_prepend(site)


PYTHON = (EXAMPLES / "python" / "__main__.py").read_text(encoding="utf-8")


@pytest.mark.usefixtures("installed")
def test_the_python_example_makes_what_the_program_makes(tmp_path: Path, dev: Program) -> None:
    program = declare("dev", project=python_example(tmp_path, PYTHON))
    assert resources(program) == resources(dev)
    names = {"bucket": "S3BucketName", "table": "DynamoDBTableName"}
    assert program.outputs == {name: dev.outputs[output] for name, output in names.items()}


@pytest.mark.usefixtures("installed")
def test_the_python_text_of_the_page_and_the_readme_runs(tmp_path: Path) -> None:
    assert of_page("python") in (ROOT / "README.md").read_text(encoding="utf-8")
    program = declare("dev", project=python_example(tmp_path, of_page("python")))
    assert set(program.outputs) == {"bucket"}


@pytest.mark.usefixtures("installed")
def test_the_eventbridge_example_follows_a_bucket_on_the_emulator(
    tmp_path: Path, cloud: Cloud
) -> None:
    bucket = follows(cloud, "of-the-example")["bucketName"]
    text = (EXAMPLES / "eventbridge" / "__main__.py").read_text(encoding="utf-8")
    folder = python_example(tmp_path, text.replace("pulumi.get_stack()", '"example-bus"'))
    outputs = engine.run(folder, "dev", {f"{PROJECT}:bucket": bucket}, CloudMocks(cloud))
    assert outputs["S3BucketName"] == bucket
    assert_a_file_gets_its_row(cloud, bucket, outputs["DynamoDBTableName"])


INSTALLED = """
import json, sys
sys.path.insert(0, sys.argv[1])
import file_metadata_pipeline
from file_metadata_pipeline.extractor import Extractor
from file_metadata_pipeline.package import audit_archive, extractor_archive
assets = extractor_archive(sys.argv[2]).assets
del assets["user/extract.py"]
texts = {name: asset.text for name, asset in assets.items()}
audit = {name: asset.text for name, asset in audit_archive().assets.items()}
print(json.dumps([file_metadata_pipeline.__file__, texts, audit]))
"""


def test_an_installed_component_brings_the_functions_code(site: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", INSTALLED, str(site), EXTRACTOR],
        check=True,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    origin, packed, audit = json.loads(run.stdout)
    assert Path(origin).is_relative_to(site)
    files = [*(ROOT / "handler").rglob("*.py"), *(ROOT / "extractor").rglob("*.py")]
    assert packed == {path.name: path.read_text(encoding="utf-8") for path in files}
    assert audit == {name: (ROOT / name).read_text(encoding="utf-8") for name in AUDIT_FILES}


def test_one_package_is_installed_and_it_says_its_types(site: Path) -> None:
    folders = {path.name for path in site.iterdir() if path.is_dir()}
    assert folders == {"file_metadata_pipeline", "file_metadata_pipeline-0.1.0.dist-info"}
    assert (site / "file_metadata_pipeline" / "py.typed").exists()
