"""What the tests share: a clean environment, one emulator a worker, the declared program."""

import fcntl
import functools
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import botocore.session
import hypothesis
import pytest
from hypothesis import is_hypothesis_test

from local import emulator as emulators
from local.cloud import Cloud
from support.deployment import OWN_ENVIRONMENT, REGION, RETRIES_AT_ONCE, cloud_of, deploy_to
from support.extractors import EXTRACTOR
from support.faults import FaultProxy, fault_proxy
from support.handler_env import Bench, set_up
from support.journeys import Deployed
from support.markers import markers
from support.plugin_process import copy_repository
from support.pulumi_command import Open, stacks
from support.recorder import EVENTBRIDGE, ROOT, Program, declare

OF_OTHER_CODE = {"bench", "github", "plugin", "policy"}
"""Folders of tests of what coverage is not measured of, unless they deploy it to the emulator.

Tracing doubles what a test costs.
"""


SUMMARIES = {
    "fault": "faults: keys, right rows, failed, wrong, lost",
    "model": "protocol: variant, at most, states, wrong ends, seconds",
}
"""What tests note for the end of the run, by the name of the property."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--histories",
        type=int,
        default=40,
        help="random histories to check for convergence (default: 40)",
    )
    parser.addoption(
        "--objects",
        type=int,
        default=250,
        help="objects in the bucket that is backfilled, damaged and repaired (default: 250)",
    )
    parser.addoption(
        "--listed",
        type=int,
        default=8_000,
        help="objects over which the operator's tool's memory is measured (default: 8000)",
    )
    parser.addoption("--soak", action="store_true", help="with the tests that take many minutes")
    parser.addoption("--stack", help="deployed stack for the tests on AWS, with -m aws")
    parser.addoption(
        "--outputs",
        type=Path,
        help="file with that stack's outputs, from `pulumi stack output --json`, instead",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep the user's own AWS profile, region and proxy out of the tests; read models once."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # So a shell starts what runs in the background, and what the tests start would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    hypothesis.settings.register_profile("test", deadline=None)
    hypothesis.settings.register_profile("soak", deadline=None, max_examples=2000)
    hypothesis.settings.load_profile("soak" if config.getoption("--soak") else "test")
    # Each session would read AWS's models anew: most of the time of a test that makes a client.
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    config.stash[OWN_ENVIRONMENT] = own = {}
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            own[name] = os.environ.pop(name)
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test by what it uses, and leave out what takes many minutes, unless asked for."""
    for item in items:
        if isinstance(item, pytest.Function):
            fixtures = [found[-1].func for found in item._fixtureinfo.name2fixturedefs.values()]
            used = markers(item.obj, *fixtures)
            for marker in used:
                item.add_marker(marker)
            is_other = item.path.parent.name in OF_OTHER_CODE and "emulator" not in used
            if is_other or is_hypothesis_test(item.obj):
                item.add_marker("no_cover")
    if not config.getoption("--soak"):
        long = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    # The short modules last, so that no worker waits for another's long one.
    long_modules = {
        item.path
        for item in items
        if any(item.iter_markers("emulator")) or any(item.iter_markers("processes"))
    }
    items.sort(key=lambda item: item.path not in long_modules)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Have the processes that a test without coverage starts run without it, too."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("no_cover"):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what all tests need."""
    gc.freeze()


@pytest.fixture(scope="session")
def emulator() -> Iterator[emulators.Emulator]:
    with emulators.running(RETRIES_AT_ONCE) as running:
        yield running


@pytest.fixture(scope="session")
def cloud(emulator: emulators.Emulator) -> Cloud:
    """Clients of the emulator: ``cloud("s3")``."""
    return cloud_of(emulator)


@pytest.fixture(scope="session")
def session_proxy(emulator: emulators.Emulator) -> Iterator[FaultProxy]:
    with fault_proxy(emulator.endpoint) as proxy:
        yield proxy


@pytest.fixture
def proxy(session_proxy: FaultProxy) -> Iterator[FaultProxy]:
    """The fault proxy between the handler and the emulator, without faults before and after."""
    session_proxy.heal()
    yield session_proxy
    session_proxy.heal()


@pytest.fixture
def bench(cloud: Cloud, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The handler in this process, with a bucket and a table of its own, behind the proxy."""
    return set_up(cloud, proxy, monkeypatch)


@pytest.fixture(scope="session")
def dev() -> Program:
    """The program as the dev stack declares it."""
    return declare("dev")


@pytest.fixture(scope="session")
def prod() -> Program:
    """The program as the prod stack declares it."""
    return declare("prod")


@pytest.fixture(scope="session")
def extracting() -> Program:
    """The program as the prod stack declares it with an extractor, and without its audit."""
    return declare("prod", {"extractor": EXTRACTOR, "audit": "off"})


@pytest.fixture(scope="session")
def bus() -> Program:
    """The program as the prod stack declares it where it follows somebody else's bucket."""
    return declare("prod", EVENTBRIDGE)


@pytest.fixture(scope="session")
def deploy(emulator: emulators.Emulator) -> Callable[..., Deployed]:
    """Deploy to the session's emulator: ``deploy("prod", environmentSuffix="other")``."""
    return functools.partial(deploy_to, emulator)


@pytest.fixture(scope="session")
def policy_python() -> str:
    """The interpreter of the environment that ``PulumiPolicy.yaml`` names, made if need be."""
    requirements = ROOT / "policy" / "requirements.txt"
    environment = ROOT / "policy" / ".venv"
    python = str(environment / "bin" / "python")
    installed = environment / "installed.txt"
    with requirements.open() as pins:
        # The tests may run in several processes.
        fcntl.flock(pins, fcntl.LOCK_EX)
        wanted = pins.read()
        if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
            # As the Makefile does: by uv, or else by pip.
            uv = Path(sys.executable).with_name("uv")
            of_uv = [uv, "pip", "install", "-q", "--system-certs", "--python", python]
            of_pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            pins_of = ["-r", requirements]
            if not uv.exists() or subprocess.run([*of_uv, *pins_of], check=False).returncode:
                subprocess.run([*of_pip, *pins_of], check=True)
            installed.write_text(wanted, encoding="utf-8")
    return python


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, policy_python: str) -> Path:
    """A copy with the environments that `pulumi up` needs; `pulumi install` makes others."""
    copy = copy_repository(tmp_path_factory.mktemp("engine"))
    (copy / ".venv").symlink_to(sys.prefix)
    (copy / "policy" / ".venv").symlink_to(Path(policy_python).parent.parent)
    return copy


@pytest.fixture(scope="module")
def open_stack(
    repository: Path, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Open]:
    with stacks(repository, cloud, tmp_path_factory.mktemp("state")) as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what happened in each fault case, and what each search of the model found."""
    if terminalreporter.verbosity < 0:
        return
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    for kind, title in SUMMARIES.items():
        lines = [line for r in reports for name, line in r.user_properties if name == kind]
        if lines:
            terminalreporter.section(title)
        for line in sorted(lines):
            terminalreporter.line(line)
