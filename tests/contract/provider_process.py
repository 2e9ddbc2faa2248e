"""The real provider process, `python -m pulumi.dynamic`, driven over gRPC as the engine drives it."""

import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from tests.support import warm
from tools.workspace import ROOT

Bag = dict[str, Any]
_PATIENCE_SECONDS = 30.0
STACK = "new-new"
PROJECT = "dualwrite"


class ProviderError(Exception):
    """What the provider raised; the text is what a user reads."""


class Checked(NamedTuple):
    """Inputs as they will be stored, and the failures as (property, reason)."""

    inputs: Bag
    failures: list[tuple[str, str]]


class Compared(NamedTuple):
    """`changes` is none, some or unknown (the engine compares the inputs)."""

    changes: str
    replaces: list[str]


class Engine(engine_pb2_grpc.EngineServicer):
    """The part of the engine that providers talk to: it keeps what they log."""

    def __init__(self) -> None:
        self.logged: list[engine_pb2.LogRequest] = []
        self._news = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: engine_pb2.LogRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        with self._news:
            self.logged.append(request)
            self._news.notify_all()
        return empty_pb2.Empty()

    def wait_for(self, beginning: str) -> None:
        """Return once a line that begins so was logged."""
        with self._news:
            seen = self._news.wait_for(
                lambda: any(each.message.startswith(beginning) for each in self.logged), _PATIENCE_SECONDS
            )
        assert seen, f"no line begins with '{beginning}'"

    def lines(self, *, ephemeral: bool) -> list[str]:
        """The texts of the progress lines, or of those that stay."""
        return [each.message for each in self.logged if each.ephemeral == ephemeral]

    def stop(self) -> None:
        self._server.stop(None).wait()


class ProviderProcess:
    """One process for one engine phase, with the environment of the user's shell."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.engine = Engine()
        output, end = warm.context.Pipe(duplex=False)
        environment = {**os.environ, **variables}
        self._process = warm.context.Process(target=_be_the_provider, args=(end, self.engine.address, environment))
        self._process.start()
        end.close()
        with open(output.fileno(), encoding="utf-8", closefd=False) as lines:
            self._channel = grpc.insecure_channel(f"127.0.0.1:{int(lines.readline())}")
        output.close()
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self._stub.Configure(provider_pb2.ConfigureRequest(), wait_for_ready=True)

    def check(self, news: Bag, olds: Bag | None = None) -> Checked:
        answer = self._call("Check", provider_pb2.CheckRequest(olds=_struct(olds or {}), news=_struct(news)))
        return Checked(_bag(answer.inputs), [(each.property, each.reason) for each in answer.failures])

    def diff(self, identifier: str, olds: Bag, news: Bag) -> Compared:
        request = provider_pb2.DiffRequest(id=identifier, olds=_struct(olds), news=_struct(news))
        answer = self._call("Diff", request)
        names = {
            provider_pb2.DiffResponse.DIFF_NONE: "none",
            provider_pb2.DiffResponse.DIFF_SOME: "some",
            provider_pb2.DiffResponse.DIFF_UNKNOWN: "unknown",
        }
        return Compared(names[answer.changes], list(answer.replaces))

    def create(self, inputs: Bag) -> tuple[str, Bag]:
        answer = self._call("Create", provider_pb2.CreateRequest(properties=_struct(inputs)))
        return answer.id, _bag(answer.properties)

    def begin_create(self, inputs: Bag) -> Any:
        """Start a creation without waiting for it; the answer is a gRPC future."""
        return self._stub.Create.future(provider_pb2.CreateRequest(properties=_struct(inputs)))

    def read(self, identifier: str, outputs: Bag) -> tuple[str, Bag, Bag]:
        answer = self._call("Read", provider_pb2.ReadRequest(id=identifier, properties=_struct(outputs)))
        return answer.id, _bag(answer.properties), _bag(answer.inputs)

    def update(self, identifier: str, olds: Bag, news: Bag) -> Bag:
        request = provider_pb2.UpdateRequest(id=identifier, olds=_struct(olds), news=_struct(news))
        return _bag(self._call("Update", request).properties)

    def delete(self, identifier: str, outputs: Bag) -> None:
        self._call("Delete", provider_pb2.DeleteRequest(id=identifier, properties=_struct(outputs)))

    def kill(self) -> None:
        """End the process as SIGKILL does, in the middle of whatever it does."""
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        self._channel.close()
        self.kill()
        self.engine.stop()

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request)
        except grpc.RpcError as error:
            raise ProviderError((error.details() or "").strip()) from None


def _be_the_provider(output: Connection, engine: str, environment: Mapping[str, str]) -> None:
    """What `python -u -m pulumi.dynamic` does with this environment in the program's folder."""
    warm.be_python(["-u", "-m", "pulumi.dynamic", engine], str(ROOT), environment, {1: output.fileno()})


def declared(provider: ResourceProvider, name: str, inputs: Bag, *, stack: str = STACK) -> Bag:
    """Inputs as the resource class sends them: with the serialised provider and the hidden row."""
    urn = f"urn:pulumi:{stack}::{PROJECT}::pulumi-python:dynamic/dualwrite:{type(provider).__name__}::{name}"
    row = {"urn": urn, "project": PROJECT, "stack": stack}
    return {**inputs, "__provider": serialize_provider(provider), "__row": row}


def agreed(outputs: Bag) -> Bag:
    """Outputs of a last `up` that consented to the end of the environment `contoso-uat`."""
    return {**outputs, "confirm": [{"action": "delete-environment", "target": "contoso-uat", "until": "2999-12-31"}]}


def _struct(bag: Bag) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(bag)
    return struct


def _bag(struct: struct_pb2.Struct) -> Bag:
    return dict(json_format.MessageToDict(struct))
