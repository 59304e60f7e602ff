"""GitHub's workflows: each action pinned, each job with the least it needs, nothing cut off."""

import re
from pathlib import Path

import pytest

from support.github_example import declared_example
from support.recorder import ROOT
from support.workflows import (
    DEPLOYMENT,
    FILES,
    GITHUB,
    PREVIEW,
    WORKFLOWS,
    Job,
    jobs,
    loaded,
    steps,
)

PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# Whose actions run here: GitHub's own, and those that make the credentials and install Pulumi.
TRUSTED = {
    "actions/checkout",
    "actions/setup-python",
    "aws-actions/configure-aws-credentials",
    "pulumi/actions",
}
OF_THE_BACKEND = {"PULUMI_BACKEND_URL", "PULUMI_DEV_BACKEND_URL", "PULUMI_PROD_BACKEND_URL"}

ALL_JOBS = [
    pytest.param(job, id=f"{path.stem}-{name}")
    for path in WORKFLOWS
    for name, job in jobs(path).items()
]
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name + path.stem)
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
each_job = pytest.mark.parametrize("job", ALL_JOBS)


@each_file
def test_every_action_is_pinned_to_a_commit_with_its_version_beside(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    ours = [found for found in used if found.startswith("./")]
    assert [found for found in used if found not in ours and not PINNED.fullmatch(found)] == []


def test_one_action_is_one_version_everywhere() -> None:
    used = {step["uses"] for path in FILES for step in steps(path) if "@" in step.get("uses", "")}
    assert sorted(found.partition("@")[0] for found in used) == sorted(TRUSTED)


@each_workflow
def test_nothing_is_permitted_that_a_job_does_not_ask_for(path: Path) -> None:
    assert loaded(path)["permissions"] == {}


@each_workflow
def test_a_script_stops_at_its_first_failure_in_a_pipe_too(path: Path) -> None:
    assert loaded(path)["defaults"] == {"run": {"shell": "bash"}}


@each_job
def test_a_job_asks_for_what_it_does(job: Job) -> None:
    text = str(job)
    expected = {}
    if "actions/checkout@" in text:
        expected["contents"] = "read"
    if "./.github/actions/pulumi" in text or "configure-aws-credentials" in text:
        expected["id-token"] = "write"
    if "/issues/" in text:
        expected["pull-requests"] = "write"
    if "/deployments" in text:
        expected["deployments"] = "read"
    assert job["permissions"] == expected


@each_job
def test_no_job_runs_without_end(job: Job) -> None:
    assert int(job["timeout-minutes"]) <= 60


@each_file
def test_a_checkout_leaves_no_credentials(path: Path) -> None:
    checkouts = [step for step in steps(path) if "checkout@" in step.get("uses", "")]
    assert [c for c in checkouts if c["with"]["persist-credentials"] != "false"] == []


def test_the_tests_run_on_every_python_that_is_supported() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    matrix = jobs(GITHUB / "workflows" / "test.yml")["test"]["strategy"]["matrix"]["python"]
    assert matrix == ["3.11", "3.12", "3.13", "3.14"]
    assert f'requires-python = ">={matrix[0]}"' in project


def test_a_preview_is_for_pull_requests_of_the_repository_itself() -> None:
    condition = jobs(PREVIEW)["preview"]["if"]
    assert "head.repo.full_name == github.repository" in condition
    skipped = jobs(PREVIEW)["skipped"]["if"]
    opposite = {"==": "!=", "!=": "==", "&&": "||", "||": "&&"}
    turned = " ".join(opposite.get(word, word) for word in condition.split())
    assert skipped.split() == turned.split()


def test_the_job_that_may_comment_runs_no_code_of_the_pull_request() -> None:
    comment = jobs(PREVIEW)["comment"]
    assert [step for step in comment["steps"] if "uses" in step] == []


def test_two_deployments_of_a_stack_never_overlap_and_none_is_cut_off() -> None:
    assert loaded(DEPLOYMENT)["concurrency"] == {
        "group": "deploy-${{ github.ref_type == 'tag' && 'prod' || 'dev' }}",
        "cancel-in-progress": "false",
    }
    assert [job for job in jobs(DEPLOYMENT).values() if "concurrency" in job] == []


def test_prod_waits_for_approval_and_comes_from_a_tag_on_main() -> None:
    prod = jobs(DEPLOYMENT)["prod"]
    assert prod["environment"] == "prod"
    assert "github.ref_type == 'tag'" in prod["if"]
    runs = [step.get("run", "") for step in prod["steps"]]
    assert runs.index("git merge-base --is-ancestor HEAD origin/main") < next(
        number for number, run in enumerate(runs) if "pulumi up" in run
    )


def test_dev_comes_from_main_without_an_environment() -> None:
    """With one, the token would name the environment, and the roles of dev refuse it."""
    of_dev = [job for name, job in jobs(DEPLOYMENT).items() if name != "prod"]
    assert [job for job in of_dev if "environment" in job] == []
    assert "github.ref == 'refs/heads/main'" in jobs(DEPLOYMENT)["dev"]["if"]


@pytest.mark.parametrize("path", [DEPLOYMENT, PREVIEW], ids=lambda path: path.stem)
def test_every_update_and_its_preview_obey_the_policy_pack(path: Path) -> None:
    commands = [
        line
        for step in steps(path)
        for line in step.get("run", "").replace("\\\n", " ").splitlines()
        if re.match(r"\s*pulumi (up|preview)", line)
    ]
    assert commands
    assert [line for line in commands if "--policy-pack policy" not in line] == []


def test_every_variable_is_an_output_of_the_example_or_of_the_backend() -> None:
    named = {name for path in FILES for name in re.findall(r"vars\.(\w+)", path.read_text())}
    of_example = {name for name in declared_example().outputs if name.startswith("AWS_")}
    assert named - OF_THE_BACKEND == of_example


def test_the_deployment_page_names_every_variable_and_secret() -> None:
    page = (ROOT / "docs" / "github.md").read_text()
    named = {
        name for path in FILES for name in re.findall(r"(?:vars|secrets)\.(\w+)", path.read_text())
    }
    assert {name for name in named if f"`{name}`" not in page} == set()
