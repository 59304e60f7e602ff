"""Runs the program as Pulumi would, and passes each declared resource to a creator.

The program registers its resources with a resource monitor; this module replaces Pulumi's. The SDK
sends a registration only after its dependencies are resolved, so the program's own graph orders
the creations. Independent ones run in parallel threads.
"""

import asyncio
import contextvars
import json
import runpy
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime.mocks import MockMonitor, Mocks, set_mocks
from pulumi.runtime.settings import SETTINGS, get_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

THREADS = 8
# The loader in C, if there is one, takes a tenth of the time.
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StackConfigError(ValueError):
    """The project's or the stack's file is missing or invalid."""


def stack_config(project_folder: Path, stack: str) -> dict[str, str]:
    """Read a stack's configuration the way the Pulumi command does.

    Args:
        project_folder: where ``Pulumi.yaml`` and ``Pulumi.<stack>.yaml`` are.
        stack: the stack's name.

    Returns:
        Namespaced keys with values as texts; the project's defaults where the stack has none.

    Raises:
        StackConfigError: the stack has no file, holds a secret (which only the Pulumi command
            can read), or lacks a value for a key without default.
    """
    project = _load(project_folder / "Pulumi.yaml")
    values = _load(project_folder / f"Pulumi.{stack}.yaml").get("config", {})
    for key, declared in project.get("config", {}).items():
        full_key = f"{project['name']}:{key}"
        if "default" in declared:
            values.setdefault(full_key, declared["default"])
        elif full_key not in values:
            raise StackConfigError(
                f"missing {full_key} in stack {stack!r}; add it to Pulumi.{stack}.yaml"
            )
    secrets = [key for key, value in values.items() if _has_secret(value)]
    if secrets:
        raise StackConfigError(f"{secrets[0]} must be a plain value to run locally, got a secret")
    return {
        key: value if isinstance(value, str) else json.dumps(value, default=str)
        for key, value in values.items()
    }


def run(
    project_folder: Path,
    stack: str,
    config: Mapping[str, str],
    mocks: Mocks,
    monitor: MockMonitor | None = None,
) -> dict[str, Any]:
    """Run the program once, to the end.

    Args:
        project_folder: where ``Pulumi.yaml`` and ``__main__.py`` are.
        stack: the stack's name.
        config: namespaced keys with values as texts.
        mocks: creates the declared resources, and answers lookups.
        monitor: receives the registrations; the default one passes them to ``mocks``.

    Returns:
        The stack's outputs.

    Raises:
        KeyboardInterrupt: SIGINT came. As in ``asyncio.Runner``, it cancels the running tasks; an
            exception inside the SDK's work could be lost in a callback whose errors Python ignores.
    """

    def program() -> None:
        """Return nothing: Pulumi would await the program's globals."""
        runpy.run_path(str(project_folder / "__main__.py"), run_name="__main__")

    async def outputs() -> dict[str, Any]:
        # Otherwise the outputs of a failed run would be awaited here, on a closed loop.
        SETTINGS.outputs.clear()
        set_mocks(
            mocks,
            project=_load(project_folder / "Pulumi.yaml")["name"],
            stack=stack,
            # With a preview, callbacks of unknown outputs are silently skipped.
            preview=False,
            monitor=monitor,
        )
        pulumi.runtime.set_all_config(dict(config))
        await run_pulumi_func(program)
        root = get_root_resource()
        assert isinstance(root, Stack)  # noqa: S101 - set_mocks made it
        return await pulumi.Output.all(**root.outputs).future() or {}

    with _runner() as runner:
        # The SDK keeps the current stack in context variables, so each run gets an empty context.
        return runner.run(outputs(), context=contextvars.Context())


@contextmanager
def _runner() -> Iterator[asyncio.Runner]:
    """Make this thread's event loop and its workers', and close them all.

    The SDK makes a loop in every worker thread and leaves it open.
    """
    loops: list[asyncio.AbstractEventLoop] = []

    def new_loop() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loops.append(loop)

    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="resource", initializer=new_loop)
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(pool)
        try:
            yield runner
        finally:
            pool.shutdown(cancel_futures=True)
            for loop in loops:
                loop.close()
            # After a failed run, the errors of the other tasks repeat the one that was raised.
            runner.get_loop().set_exception_handler(lambda _loop, _context: None)


def _load(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.load(path.read_text(encoding="utf-8"), YAML)  # noqa: S506 - it is the safe one
    except FileNotFoundError as err:
        raise StackConfigError(
            f"no such file: {path.name!r} in {path.parent}; make it, or name another stack"
        ) from err
    if not isinstance(loaded, dict):
        raise StackConfigError(f"{path.name} must hold a mapping, got {type(loaded).__name__}")
    return loaded


def _has_secret(value: object) -> bool:
    """Whether a value is or contains a secret, which only the Pulumi command can decrypt."""
    if not isinstance(value, dict):
        return False
    return value.keys() == {"secure"} or any(map(_has_secret, value.values()))
