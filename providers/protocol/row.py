"""The row of a resource in the CLI: its URN, the progress lines on it, and the words that stay.

A dynamic provider is not told the URN of its resource, and `pulumi.log` does not reach the
engine from its process. So the resource class passes the URN in the hidden input `__row`,
and lines go to the engine's own log service, whose address is the last argument of the
provider process.
"""

import sys
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any, NamedTuple, cast

import grpc
import pulumi
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from providers.protocol.bags import hidden

ROW = "__row"
_LOG_TIMEOUT_SECONDS = 2.0


class Row(NamedTuple):
    """Who a resource is in its stack."""

    urn: str = ""
    project: str = ""
    stack: str = ""

    @property
    def ownership_mark(self) -> str:
        """What the description of an environment of this stack says; only with it is a found one ours."""
        return f"dual-write {self.project}/{self.stack}"

    @classmethod
    def from_bag(cls, bag: dict[str, Any]) -> "Row":
        """The row that a hidden input names; empty texts where it names none."""
        return cls(str(bag.get("urn", "")), str(bag.get("project", "")), str(bag.get("stack", "")))


def row_input(resource_type: str, name: str, opts: pulumi.ResourceOptions | None) -> dict[str, Any]:
    """The hidden input `__row` of a resource that is being declared.

    The parent's URN is awaited apart from its Output: a dependency of a child on its own
    parent component would make it wait for itself.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    parent = opts.parent if opts else None

    def urn(parent_urn: str | None) -> str:
        chain = f"{parent_urn.split('::')[2]}$" if parent_urn else ""
        return f"urn:pulumi:{stack}::{project}::{chain}{resource_type}::{name}"

    if parent is None:
        return {"urn": urn(None), "project": project, "stack": stack}
    parent_urn: pulumi.Output[str | None] = pulumi.Output.from_input(cast(Awaitable[str | None], parent.urn.future()))
    return {"urn": parent_urn.apply(urn), "project": project, "stack": stack}


def row_of(bag: dict[str, Any]) -> dict[str, Any]:
    """The hidden row of a bag alone, for another bag to take over; empty without one."""
    row = hidden(bag, ROW)
    return {ROW: row} if row else {}


def log(row: Row, text: str, *, ephemeral: bool, warning: bool = False) -> None:
    """Write a line on the resource's row; `ephemeral` ones are replaced by the next. Never fails the operation."""
    stub = _engine()
    if stub is None:
        return
    request = engine_pb2.LogRequest(
        severity=engine_pb2.WARNING if warning else engine_pb2.INFO, message=text, urn=row.urn, ephemeral=ephemeral
    )
    try:
        stub.Log(request, timeout=_LOG_TIMEOUT_SECONDS)
    except grpc.RpcError:
        return


def engine_address() -> str | None:
    """`host:port` of the engine that started this provider process; None outside of one."""
    last = sys.argv[-1] if len(sys.argv) > 1 else ""
    host, _, port = last.rpartition(":")
    return last if host and port.isdecimal() else None


@lru_cache(maxsize=1)
def _engine() -> engine_pb2_grpc.EngineStub | None:
    address = engine_address()
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None
