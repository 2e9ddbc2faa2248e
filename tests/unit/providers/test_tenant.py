"""One stack, one tenant: another one ends an operation before its first call, and removes nothing."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.api.session import Session
from providers.api.transport.errors import ApiError
from providers.cds_instance import CdsInstanceProvider
from providers.live_sync import LiveSyncProvider
from providers.protocol import tenant
from providers.protocol.base import Call, DualWriteError, Provider, ResourceError
from providers.protocol.memory import Memory
from tests.support.stored_cds import stored_cds

OURS, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
STORED = stored_cds(
    "contoso-uat", instance="existing", reference="https://contoso-uat.crm4.dynamics.com", created_by_us=False
)
DECLARED = {"cloud": "emulator", "instance": "existing", "url": "https://contoso-uat.crm4.dynamics.com"}


@dataclass
class Tokens:
    """A session that has signed in; any other use of it is a call."""

    tenant_id: str | None = OURS
    dual_write_tenant_id: str | None = None
    domains: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def tenant_of(self, domain: str) -> str:
        self.asked.append(domain)
        return self.domains[domain]


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> Tokens:
    session = Tokens()
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")
    monkeypatch.delenv("AZURE_TENANT_ID", raising=False)
    monkeypatch.setattr(Call, "session", lambda *_, **__: session)
    monkeypatch.setattr(tenant, "proven", Memory())
    monkeypatch.setattr(tenant, "_PATIENCE", 0)
    return session


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What began: an operation of a resource, which makes the calls."""
    seen: list[str] = []
    outputs = CdsInstanceProvider.outputs.model_validate(STORED)
    found = {"on_create": ("id", outputs), "on_read": outputs, "on_update": outputs, "on_delete": None}
    for name, value in found.items():

        def begin(*_: Any, name: str = name, value: Any = value) -> Any:
            seen.append(name)
            return value

        monkeypatch.setattr(CdsInstanceProvider, name, begin)
    return seen


def run(operation: str, named: str | None = None, stored: str = "") -> Any:
    provider: Provider[Any, Any] = CdsInstanceProvider()
    inputs = {**DECLARED, **({"tenant": named} if named else {})}
    outputs = {**STORED, **({"tenant": named} if named else {}), **({"tenant_id": stored} if stored else {})}
    if operation == "create":
        return provider.create(inputs)
    if operation == "read":
        return provider.read("id", outputs)
    if operation == "update":
        return provider.update("id", outputs, {**inputs, "__provider": "moved"})
    return provider.delete("id", outputs)


@pytest.mark.parametrize("operation", ["read", "update", "delete"])
def test_another_tenant_than_the_stored_one_ends_it_before_the_first_call(operation: str, began: list[str]) -> None:
    with pytest.raises(DualWriteError, match=f"signs in to the tenant {OURS}, but this stack belongs to .* {OTHER}"):
        run(operation, stored=OTHER)
    assert began == []


@pytest.mark.parametrize("operation", ["create", "read", "update", "delete"])
@pytest.mark.parametrize("named", [OTHER, "fabrikam.onmicrosoft.com"])
def test_another_tenant_than_the_named_one_ends_it_before_the_first_call(
    operation: str, named: str, began: list[str], tokens: Tokens
) -> None:
    tokens.domains["fabrikam.onmicrosoft.com"] = OTHER
    with pytest.raises(DualWriteError, match=f"{OURS}, but `dualwrite:tenant` names the tenant {OTHER}"):
        run(operation, named)
    assert began == []


@pytest.mark.parametrize("operation", ["create", "read", "update", "delete"])
def test_same_tenant_goes_on_and_is_stored(operation: str, began: list[str], tokens: Tokens) -> None:
    tokens.domains["contoso.onmicrosoft.com"] = OURS
    result = run(operation, "contoso.onmicrosoft.com", stored=OURS.upper())
    assert began == [f"on_{operation}"]
    assert operation == "delete" or result.outs["tenant_id"] == OURS


def test_dual_write_token_of_another_tenant_ends_it_too(monkeypatch: pytest.MonkeyPatch, tokens: Tokens) -> None:
    tokens.dual_write_tenant_id = OTHER
    monkeypatch.setattr(LiveSyncProvider, "on_create", lambda *_: pytest.fail("it began"))
    with pytest.raises(DualWriteError, match=f"{OURS}, but the dual-write token is for the tenant {OTHER}"):
        LiveSyncProvider().create({"cloud": "emulator", "cds": "contoso-uat", "maps": {}})


def test_token_that_tells_no_tenant_is_no_reason_to_stop(began: list[str], tokens: Tokens) -> None:
    tokens.tenant_id = None
    assert run("update", stored=OURS).outs["tenant_id"] == ""
    assert began == ["on_update"]


def test_gone_is_not_believed_where_state_names_no_tenant_and_nothing_else_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CdsInstanceProvider, "on_read", lambda *_: None)
    with pytest.raises(DualWriteError, match=f"not in the tenant {OURS}, and neither is anything else of this stack"):
        run("read")
    assert run("read", stored=OURS).id == ""
    tenant.prove("emulator", OURS)
    assert run("read").id == ""


def test_first_read_that_finds_its_object_takes_the_tenant(began: list[str]) -> None:
    assert run("read").outs["tenant_id"] == OURS
    tenant.require_proof("emulator", OURS, Call())
    with pytest.raises(ApiError):
        tenant.require_proof("emulator", OTHER, Call())


@pytest.mark.parametrize("variable", [OTHER, OTHER.upper()])
def test_known_ids_are_compared_without_a_call(variable: str, monkeypatch: pytest.MonkeyPatch, tokens: Tokens) -> None:
    provider = CdsInstanceProvider()
    monkeypatch.setattr(Call, "session", lambda *_, **__: pytest.fail("a service was about to be asked"))
    monkeypatch.setenv("AZURE_TENANT_ID", variable)
    failures = provider.check({}, {**DECLARED, "tenant": OURS}).failures
    assert [(each.property, OURS in each.reason and OTHER in each.reason) for each in failures] == [("tenant", True)]
    with pytest.raises(DualWriteError, match=f"AZURE_TENANT_ID names the tenant {OTHER}, the state of this stack .*"):
        provider.diff("id", {**STORED, "tenant_id": OURS}, DECLARED)


@pytest.mark.parametrize("variable", ["contoso.onmicrosoft.com", OURS, ""])
def test_a_domain_tells_nothing_offline(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", variable)
    outputs = {**STORED, "tenant_id": OURS}
    assert CdsInstanceProvider().diff("id", outputs, {**DECLARED, "tenant": "fabrikam.com"}).changes is False


def test_absent_tenant_of_older_state_is_no_difference() -> None:
    assert CdsInstanceProvider().diff("id", STORED, {**DECLARED, "tenant": OTHER}).changes is False


def test_session_reads_the_tenant_of_both_tokens() -> None:
    from providers.api.transport.clouds import profile

    class Source:
        def __init__(self, tid: str) -> None:
            body = base64.urlsafe_b64encode(json.dumps({"tid": tid}).encode()).decode().rstrip("=")
            self._token = f"x.{body}.y"

        def token(self, _scope: str, /, claims: str | None = None) -> str:
            return self._token

        def forget(self, _scope: str, /) -> None:
            raise AssertionError

    session = Session(profile("public"), tokens=Source(OURS), dual_write_tokens=Source(OTHER))
    assert (session.tenant_id, session.dual_write_tenant_id) == (OURS, OTHER)
    with pytest.raises(ResourceError):
        tenant.verified(session, None, None, dual_write=True)


NAMED = {None: None, OURS: OURS, OTHER: OTHER, "contoso.example": OURS, "fabrikam.example": OTHER}
IDS = st.sampled_from(["", OURS, OTHER])


@given(
    operation=st.sampled_from(["create", "read", "update", "delete"]),
    named=st.sampled_from(list(NAMED)),
    stored=IDS,
    signed_in=IDS,
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_operation_begins_only_where_all_that_is_known_is_one_tenant(
    operation: str, named: str | None, stored: str, signed_in: str, began: list[str], tokens: Tokens
) -> None:
    tokens.domains = {name: of for name, of in NAMED.items() if name and of and name != of}
    tokens.tenant_id = signed_in or None
    tenant.prove("emulator", signed_in)
    began.clear()
    kept = "" if operation == "create" else stored
    known = {NAMED[named], kept or None}
    agrees = not signed_in or known <= {None, signed_in}
    if agrees:
        run(operation, named, kept)
    else:
        with pytest.raises(DualWriteError, match=signed_in):
            run(operation, named, kept)
    assert began == ([f"on_{operation}"] if agrees else [])


@given(named=IDS, variable=IDS, stored=IDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ids_that_are_known_offline_contradict_each_other_or_are_one(
    named: str, variable: str, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", variable)
    conflict = tenant.known_conflict(named, stored)
    known = {each for each in (named, variable, stored) if each}
    assert (conflict is None) is (len(known) < 2)
    assert conflict is None or all(each in conflict for each in known)
