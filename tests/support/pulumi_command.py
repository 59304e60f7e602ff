"""Pulumi's own engine on a copy of the repository, its AWS provider stood for."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
from pulumi import automation

from local.cloud import Cloud
from pipeline.settings import PROJECT
from support.aws_provider import aws_provider
from support.plugin_process import environment

NEEDS_PULUMI = pytest.mark.skipif(
    shutil.which("pulumi") is None, reason="needs the pulumi command on the PATH"
)

Open = Callable[..., automation.Stack]
"""Make a stack: ``open_stack("dev", environmentSuffix="other")``."""


@contextmanager
def stacks(repository: Path, cloud: Cloud, state: Path) -> Iterator[Open]:
    """Serve the stand-in for the provider; give what makes stacks in a folder of their own."""
    home = state / "home"
    # `pulumi install` finds the plugin that the SDK asks for, rather than download it.
    plugin = home / "plugins" / f"resource-aws-v{metadata.version('pulumi-aws')}"
    plugin.mkdir(parents=True)
    (plugin / "pulumi-resource-aws").touch(mode=0o755)
    with aws_provider(cloud) as provider:

        def opened(name: str, project: str = ".", **config: str) -> automation.Stack:
            options = automation.LocalWorkspaceOptions(
                work_dir=str(repository / project),
                pulumi_home=str(home),
                env_vars=environment()
                | {
                    "PULUMI_BACKEND_URL": state.as_uri(),
                    "PULUMI_CONFIG_PASSPHRASE": "of the tests",
                    "PULUMI_DEBUG_PROVIDERS": provider,
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                },
            )
            stack = automation.create_stack(name, work_dir=options.work_dir, opts=options)
            configure(stack, **config)
            return stack

        yield opened


def configure(stack: automation.Stack, **config: str) -> None:
    """Set keys of the program's configuration; an object, given as JSON, member by member."""
    for key, value in config.items():
        if value.startswith("{"):
            for name, text in json.loads(value).items():
                member = f"{PROJECT}:{key}.{name}"
                stack.set_config(member, automation.ConfigValue(text), path=True)
        else:
            stack.set_config(f"{PROJECT}:{key}", automation.ConfigValue(value))
