"""Stands for Pulumi's AWS provider: the engine's requests go to the emulator by `local/rules`.

https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from plugin_process import served
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as proto

THREADS = 8


class _Provider(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, creator: Mocks) -> None:
        self._creator = creator
        for name in ("Attach", "Cancel"):
            setattr(self, name, lambda _request, _context: Empty())

    def Handshake(self, _request: Any, _context: Any) -> Any:  # noqa: N802 - these are the protocol's
        return proto.ProviderHandshakeResponse()

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version="7.0.0")

    def CheckConfig(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return proto.CheckResponse(inputs=request.news)

    def Configure(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return proto.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: Any, _context: Any) -> Any:  # noqa: N802
        answer, _ = self._creator.call(MockCallArgs(token=request.tok, args={}, provider=""))
        return proto.InvokeResponse(**{"return": _struct(answer)})

    def Check(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return proto.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, _context: Any) -> Any:  # noqa: N802
        changes = request.old_inputs != request.news
        kind = proto.DiffResponse.DIFF_SOME if changes else proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(changes=kind)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.preview:
            return proto.CreateResponse(properties=request.properties)
        declared = MockResourceArgs(
            typ=request.type,
            name=request.name,
            inputs=rpc.deserialize_properties(request.properties),
            provider="",
            resource_id="",
            custom=True,
        )
        try:
            made, outputs = self._creator.new_resource(declared)
        except Exception as err:
            context.abort(grpc.StatusCode.UNKNOWN, repr(err))
        # Archives and their like stay as the engine wrote them.
        properties = _struct({key: value for key, value in outputs.items() if _plain(value)})
        properties.MergeFrom(request.properties)
        return proto.CreateResponse(id=made, properties=properties)

    def Read(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return proto.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Delete(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return Empty()


def _struct(values: dict[str, Any]) -> Struct:
    made = Struct()
    made.update(values)
    return made


def _plain(value: object) -> bool:
    return isinstance(value, str | bool | int | float)


@contextmanager
def aws_provider(creator: Mocks) -> Iterator[str]:
    """Serve on a free port; give what ``PULUMI_DEBUG_PROVIDERS`` must be for the engine to use it.

    Args:
        creator: creates each resource, and answers look-ups.
    """
    add = provider_pb2_grpc.add_ResourceProviderServicer_to_server
    with served(add, _Provider(creator), threads=THREADS) as address:
        yield f"aws:{address.rpartition(':')[2]}"
