"""The plugin in a process of its own, and a resource monitor that it registers with."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pulumi
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import proto, rpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    errors_pb2,
    provider_pb2_grpc,
    resource_pb2_grpc,
    status_pb2,
)

from pipeline.settings import PROJECT
from support.recorder import ROOT, Program, _Monitor

TOKEN = "file-metadata:index:FileMetadataPipeline"
STACK_TYPE = "pulumi:pulumi:Stack"
DETAILS = "grpc-status-details-bin"
MARKER = "only_in_the_copy.py"


def environment() -> dict[str, str]:
    """What a process starts with that runs a copy: no path to this one, and no coverage of it."""
    own = ("COV", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


def copy_repository(folder: Path) -> Path:
    """Copy it as Pulumi fetches it, with one file more in the handler to tell the two apart."""
    copy = folder / "resource-github.com_owner_name.git"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "docs", "bench"))
    (copy / "handler" / MARKER).write_text("# here\n", encoding="utf-8")
    return copy


class _ServedMonitor(_Monitor):
    """Names resources without the SDK's settings, which a server's threads do not have."""

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        above = parent.split("::")[2].rpartition("$")[2]
        return f"{parent.partition('::')[0]}::{PROJECT}::{above}${type_}::{name}"


def _text(asset: Any) -> str:
    if isinstance(asset, pulumi.FileAsset):
        return Path(asset.path).read_text(encoding="utf-8")
    return str(asset.text)


def resources(program: Program) -> list[dict[str, Any]]:
    """All that was declared, in an order and a form to compare.

    Archives are shown as their texts, but for the one file that only the copy has.
    """

    def shown(value: Any) -> Any:
        if isinstance(value, pulumi.AssetArchive):
            return {name: _text(asset) for name, asset in value.assets.items() if name != MARKER}
        return value

    return [
        vars(one) | {"inputs": {key: shown(value) for key, value in one.inputs.items()}}
        for one in sorted(program.resources, key=lambda one: one.urn)
    ]


class _Engine(engine_pb2_grpc.EngineServicer):
    """Listens to what the plugin logs."""

    def Log(self, request: Any, context: Any) -> Empty:  # noqa: N802 - the SDK's name
        return Empty()


def _monitor(program: Program) -> resource_pb2_grpc.ResourceMonitorServicer:
    monitor = _ServedMonitor(program)
    servicer = resource_pb2_grpc.ResourceMonitorServicer()
    for name in ("GetDeploymentInfo", "Invoke", "RegisterResource", "RegisterResourceOutputs"):
        answer = getattr(monitor, name)
        setattr(servicer, name, lambda request, _, answer=answer: answer(request))
    return servicer


@contextmanager
def served(
    add: Callable[[Any, grpc.Server], None], servicer: object, *, threads: int = 1
) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1, and give its address."""
    # The SDK makes a loop in each thread and leaves it open.
    loops = [asyncio.new_event_loop() for _ in range(threads)]
    free = iter(loops)
    with ExitStack() as cleanup:
        for loop in loops:
            cleanup.callback(loop.close)
        pool = cleanup.enter_context(
            ThreadPoolExecutor(threads, initializer=lambda: asyncio.set_event_loop(next(free)))
        )
        # The handler's code is inside a registration, and the SDK lets it be this long.
        server = grpc.server(pool, options=_GRPC_CHANNEL_OPTIONS)
        add(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


def refusals(error: grpc.RpcError) -> dict[str, str]:
    """What was said of each input, by key."""
    [packed] = [data for key, data in error.trailing_metadata() if key == DETAILS]
    [detail] = status_pb2.Status.FromString(packed).details
    refused = errors_pb2.InputPropertiesError()
    assert detail.Unpack(refused)
    return {one.property_path: one.reason for one in refused.errors}


class Plugin:
    """A running plugin."""

    def __init__(self, port: int) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def schema(self) -> str:
        answer = self._stub.GetSchema(proto.GetSchemaRequest(version=0), timeout=30)
        return str(answer.schema)

    def construct(
        self,
        inputs: Mapping[str, Any],
        *,
        dependencies: Mapping[str, list[str]] | None = None,
        stack: str = "dev",
        preview: bool = False,
        name: str = "file-metadata",
    ) -> Program:
        """Make the component, by default named as the program names it.

        Args:
            inputs: values by key; `rpc.UNKNOWN` for what a preview does not know.
            dependencies: URNs that a value comes from, by key.
            stack: the stack's name.
            preview: whether this is a preview.
            name: the component's.

        Raises:
            grpc.RpcError: the plugin refused.
        """
        program = Program()
        with served(
            resource_pb2_grpc.add_ResourceMonitorServicer_to_server, _monitor(program)
        ) as monitor:
            request = proto.ConstructRequest(
                project=PROJECT,
                stack=stack,
                parent=f"urn:pulumi:{stack}::{PROJECT}::{STACK_TYPE}::{PROJECT}-{stack}",
                dryRun=preview,
                parallel=8,
                monitorEndpoint=monitor,
                type=TOKEN,
                name=name,
                inputDependencies={
                    key: proto.ConstructRequest.PropertyDependencies(urns=urns)
                    for key, urns in (dependencies or {}).items()
                },
            )
            request.inputs.update(inputs)
            answer = self._stub.Construct(request, timeout=60)
        program.outputs = rpc.deserialize_properties(answer.state)
        return program


@contextmanager
def running_plugin(repository: Path, folder: Path) -> Iterator[Plugin]:
    """Start it as Pulumi does: its folder as the script, the caller's as the working directory."""
    script = str(repository / "plugin")
    with (
        served(engine_pb2_grpc.add_EngineServicer_to_server, _Engine()) as engine,
        subprocess.Popen(
            [sys.executable, script, engine], cwd=folder, env=environment(), stdout=subprocess.PIPE
        ) as process,
    ):
        assert process.stdout is not None
        try:
            plugin = Plugin(int(process.stdout.readline()))
            yield plugin
            plugin.close()
        finally:
            process.kill()
