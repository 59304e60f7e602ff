"""Stands for Pulumi's AWS provider: what the engine asks of it happens on the emulator.

https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as proto

from local.cloud import Cloud
from local.resources import CloudMocks
from support.plugin_process import served
from support.provider_deletes import DELETES
from support.provider_facts import Change
from support.provider_updates import update

THREADS = 8
ALWAYS = {
    "Attach": Empty(),
    "Cancel": Empty(),
    "Handshake": proto.ProviderHandshakeResponse(),
    "GetPluginInfo": plugin_pb2.PluginInfo(version="7.0.0"),
    "DiffConfig": proto.DiffResponse(changes=proto.DiffResponse.DIFF_NONE),
    "Configure": proto.ConfigureResponse(supportsPreview=True),
}
"""Answers that are the same to every request."""


class _Provider(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._creator = CloudMocks(cloud)
        for name, answer in ALWAYS.items():
            setattr(self, name, lambda _request, _context, answer=answer: answer)

    def Invoke(self, request: Any, _context: Any) -> Any:  # noqa: N802 - these are the protocol's
        answer, _ = self._creator.call(MockCallArgs(token=request.tok, args={}, provider=""))
        return proto.InvokeResponse(**{"return": _struct(answer)})

    def Check(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return proto.CheckResponse(inputs=request.news)

    CheckConfig = Check

    def Diff(self, request: Any, _context: Any) -> Any:  # noqa: N802
        change = _change(request)
        kind = proto.DiffResponse.DIFF_SOME if change.properties else proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(
            changes=kind, diffs=sorted(change.properties), replaces=change.replaces
        )

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
        with _said(context):
            made, outputs = self._creator.new_resource(declared)
        # Archives and their like stay as the engine wrote them.
        plain = {key: of for key, of in outputs.items() if isinstance(of, str | bool | int | float)}
        properties = _struct(plain)
        properties.MergeFrom(request.properties)
        return proto.CreateResponse(id=made, properties=properties)

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        change, more = _change(request), {}
        if not request.preview:
            code = rpc.deserialize_properties(request.news).get("code")
            with _said(context):
                state = _values(request.olds)
                more = update(self._cloud, request.type, request.name, state, change, code)
        properties = Struct()
        properties.CopyFrom(request.olds)
        for key in request.old_inputs:
            del properties[key]
        properties.update(change.inputs | more)
        return proto.UpdateResponse(properties=properties)

    def Read(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return proto.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _said(context):
            DELETES[request.type](self._cloud, _values(request.properties))
        return Empty()


def _change(request: Any) -> Change:
    return Change.between(
        request.type,
        state=_values(request.olds),
        old=_values(request.old_inputs),
        new=_values(request.news),
    )


def _values(struct: Struct) -> dict[str, Any]:
    values: dict[str, Any] = _without_nulls(json_format.MessageToDict(struct))
    return values


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(of) for key, of in value.items() if of is not None}
    return [_without_nulls(of) for of in value] if isinstance(value, list) else value


@contextmanager
def _said(context: grpc.ServicerContext) -> Iterator[None]:
    """Tell the engine what went wrong."""
    try:
        yield
    except Exception as err:
        context.abort(grpc.StatusCode.UNKNOWN, repr(err))


def _struct(values: dict[str, Any]) -> Struct:
    made = Struct()
    made.update(values)
    return made


@contextmanager
def aws_provider(cloud: Cloud) -> Iterator[str]:
    """Serve on a free port; give what ``PULUMI_DEBUG_PROVIDERS`` must be for the engine to use it.

    Args:
        cloud: where each resource is created, updated and deleted.
    """
    add = provider_pb2_grpc.add_ResourceProviderServicer_to_server
    with served(add, _Provider(cloud), threads=THREADS) as address:
        yield f"aws:{address.rpartition(':')[2]}"
