"""A program under Pulumi's mocks, and what it registered: the mocks alone forget parents, order and protection."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pulumi
from pulumi.runtime import mocks

from providers.application_package import ApplicationPackageProvider
from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyProvider
from providers.company_bootstrap import CompanyBootstrapProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.entity_map import EntityMapProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.live_sync import LiveSyncProvider
from providers.protocol.base import Provider

PROVIDERS: dict[str, Provider[Any, Any]] = {
    provider.resource: provider
    for provider in (
        CdsInstanceProvider(),
        FinOpsInstanceProvider(),
        ApplicationPackageProvider(),
        CompanyProvider(),
        DualWriteConnectionProvider(),
        EntityMapProvider(),
        CompanyBootstrapProvider(),
        LiveSyncProvider(),
    )
}
# What the services would say.
COMPUTED: dict[str, dict[str, Any]] = {
    "CdsInstance": {"url": "https://contoso-uat.crm4.dynamics.com"},
    "FinOpsInstance": {"url": "https://contoso-uat.operations.dynamics.com"},
    "ApplicationPackage": {},
    "Company": {},
    "DualWriteConnection": {"connection_id": "c-1", "linked_companies": ["DAT"], "running_before": ["accounts - A"]},
    "EntityMap": {},
    "CompanyBootstrap": {"rows": {"accounts": 7}, "unstamped": {"accounts": 0}, "complete": True},
    "LiveSync": {"ready": True},
}


class Registered(NamedTuple):
    """One resource as the program declared it. Names, not URNs."""

    kind: str
    name: str
    parent: str
    after: frozenset[str]
    protected: bool
    inputs: dict[str, Any]


class Services(mocks.Mocks):
    """Answers for every kind of resource; `answers` says other things of single ones, by logical name."""

    def __init__(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        self._answers = answers
        self.inputs: dict[str, dict[str, Any]] = {}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"no function is called: {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.inputs[args.name] = dict(args.inputs)
        computed = {**COMPUTED.get(kind_of(args.typ), {}), **self._answers.get(args.name, {})}
        return f"{args.name}-id", {**args.inputs, **computed}


class Recorder(mocks.MockMonitor):
    """Notes every registration on its way."""

    def __init__(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        self.services = Services(answers)
        super().__init__(self.services)
        self.registered: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the engine's own name
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            inputs = self.services.inputs.get(request.name, {})
            after = frozenset(name_of(urn) for urn in request.dependencies)
            self.registered.append(
                Registered(kind_of(request.type), request.name, name_of(request.parent), after, request.protect, inputs)
            )
        return answer


def kind_of(token: str) -> str:
    """`CdsInstance` of a type token."""
    return token.rpartition(":")[2]


def name_of(urn: str) -> str:
    """The logical name in a URN."""
    return urn.rpartition("::")[2]


def run(
    program: Callable[[], Any], *, preview: bool = False, answers: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Registered]:
    """Run a program to its end; its resources by name, in the order of registration."""
    recorder = Recorder(answers or {})
    mocks.set_mocks(recorder.mocks, project="dualwrite", stack="uat", preview=preview, monitor=recorder)
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return {row.name: row for row in recorder.registered}
