"""What stands on an environment of the stack goes with consent, or because only itself is not declared any more."""

from typing import Any

import pytest

from providers.application_package import ApplicationPackageProvider
from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyProvider
from providers.company_bootstrap import CompanyBootstrapProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances import deletion
from providers.instances.cds_model import CdsInputs
from providers.live_sync import LiveSyncProvider
from providers.protocol import tenant
from providers.protocol.base import Call, DualWriteError, Provider
from providers.protocol.memory import Memory
from tests.support.stored_cds import stored_cds

DOMAIN = "contoso-uat"
URL = "https://contoso-uat.crm4.dynamics.com"
OF_CDS = stored_cds(DOMAIN)
ENVIRONMENT = OF_CDS["environment_id"]
ON_CDS: list[tuple[Provider[Any, Any], dict[str, Any]]] = [
    (LiveSyncProvider(), {"maps": {}, "started": ["a"], "finops_host": "contoso.operations.dynamics.com"}),
    (CompanyBootstrapProvider(), {"company": "USMF", "environment_id": ENVIRONMENT}),
    (
        DualWriteConnectionProvider(),
        {
            "companies": ["DAT"],
            "environment_id": ENVIRONMENT,
            "connection_id": "",
            "connection_name": "",
            "finops_url": "",
            "linked_companies": [],
        },
    ),
    (
        CompanyProvider(),
        {
            "code": "USMF",
            "name": "",
            "country": "",
            "finops_host": "x",
            "environment_id": ENVIRONMENT,
            "created_by_us": True,
        },
    ),
    (
        ApplicationPackageProvider(),
        {"package": "Core", "environment_id": ENVIRONMENT, "title": "", "state": "", "version": ""},
    ),
    (
        FinOpsInstanceProvider(),
        {
            "data": "empty",
            "environment_id": "",
            "cds_environment_id": ENVIRONMENT,
            "url": "",
            "application_version": "",
            "platform_version": "",
            "deployment_type": "",
            "demo_dataset": "",
        },
    ),
]
ALL: list[tuple[Provider[Any, Any], dict[str, Any]]] = [
    (CdsInstanceProvider(), OF_CDS),
    *((provider, {"cloud": "emulator", "cds": DOMAIN, **outputs}) for provider, outputs in ON_CDS),
]
IDS = [provider.resource for provider, _ in ALL]


def consent(action: str = "delete-environment", target: str = "Contoso-UAT", until: str = "2999-12-31") -> Any:
    return {"action": action, "target": target, "until": until}


@pytest.fixture(autouse=True)
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the resources whose deletion began; services are not asked."""
    begun: list[str] = []
    monkeypatch.setattr(deletion, "declared", Memory())
    monkeypatch.setattr(Call, "session", lambda *_, **__: None)
    monkeypatch.setattr(tenant, "verified", lambda *_, **__: "")
    for provider, _ in ALL:
        monkeypatch.setattr(type(provider), "on_delete", lambda self, *_: begun.append(self.resource))
    return begun


def declare(**inputs: Any) -> None:
    wanted = CdsInputs.model_validate({"cloud": "emulator", **inputs})
    CdsInstanceProvider().noted(wanted, None, Call(write=lambda *_, **__: None))


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "it needs your consent"),
        ([consent(target="fabrikam")], "it needs your consent"),
        ([consent(action="reset-link")], "it needs your consent"),
        ([consent(until="2020-01-31")], "ended on 2020-01-31"),
    ],
)
@pytest.mark.parametrize(("provider", "outputs"), ALL, ids=IDS)
def test_without_consent_of_the_last_up_nothing_of_a_deletion_begins(
    provider: Provider[Any, Any], outputs: dict[str, Any], entries: list[Any], reason: str, deleted: list[str]
) -> None:
    with pytest.raises(DualWriteError, match=rf"'contoso-uat' is not deleted: .*{reason}.*Then run `up` before"):
        provider.delete("id", {**outputs, "confirm": entries})
    assert deleted == []


@pytest.mark.parametrize("action", ["delete-environment", "replace-environment"])
@pytest.mark.parametrize(("provider", "outputs"), ALL, ids=IDS)
def test_with_it_everything_goes(
    provider: Provider[Any, Any], outputs: dict[str, Any], action: str, deleted: list[str]
) -> None:
    provider.delete("id", {**outputs, "confirm": [consent(action)]})
    assert deleted == [provider.resource]


@pytest.mark.parametrize(("provider", "outputs"), ALL, ids=IDS)
def test_replacement_goes_with_the_consent_of_the_run_that_replaces(
    provider: Provider[Any, Any], outputs: dict[str, Any], deleted: list[str]
) -> None:
    declare(domain="contoso-new", name="Contoso", confirm=[consent("replace-environment")])
    provider.delete("id", outputs)
    assert deleted == [provider.resource]


@pytest.mark.parametrize(
    "way", [{"domain": DOMAIN}, {"instance": "existing", "url": URL}, {"instance": "existing", "environment_id": "id"}]
)
@pytest.mark.parametrize(("provider", "outputs"), ALL[1:], ids=IDS[1:])
def test_what_leaves_an_environment_that_stays_needs_no_consent(
    provider: Provider[Any, Any], outputs: dict[str, Any], way: dict[str, Any], deleted: list[str]
) -> None:
    named = {name: ENVIRONMENT if value == "id" else value for name, value in way.items()}
    declare(**named)
    provider.delete(f"host/{ENVIRONMENT}", {**outputs, "cds_url": URL})
    assert deleted == [provider.resource]


@pytest.mark.parametrize(("provider", "outputs"), ALL[1:], ids=IDS[1:])
def test_what_is_on_an_existing_environment_needs_no_consent(
    provider: Provider[Any, Any], outputs: dict[str, Any], deleted: list[str]
) -> None:
    provider.delete("id", {**outputs, "cds": URL})
    assert deleted == [provider.resource]


def test_environment_that_the_same_run_declares_under_another_name_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(deletion, "declared", Memory())
    declare(instance="existing", url=URL)
    said: list[str] = []
    provider = CdsInstanceProvider()
    stored = provider.outputs_of(OF_CDS)
    call = Call(write=lambda _row, text, **_: said.append(text))
    provider.require_deletable(ENVIRONMENT, stored, call)
    provider.on_delete(ENVIRONMENT, stored, call)
    assert said == ["declared anew in this run under another name; left as it is"]


@pytest.mark.parametrize(
    ("entry", "old", "told"),
    [
        (consent(), None, []),
        (consent(until="2020-01-31"), None, ["ended on 2020-01-31 and counts as absent"]),
        (consent(target="fabrikam"), None, ["this stack has no such environment, its environment is 'contoso-uat'"]),
        (consent("replace-environment", "contoso-old"), DOMAIN, ["this stack has no such environment"]),
        (consent("replace-environment", "contoso-old"), "contoso-old", []),
        (consent("replace-environment", "contoso-old"), None, []),
    ],
)
def test_consent_that_serves_nothing_is_told_in_every_preview(entry: Any, old: str | None, told: list[str]) -> None:
    said: list[str] = []
    inputs = CdsInputs.model_validate({"cloud": "emulator", "domain": DOMAIN, "confirm": [entry]})
    before = CdsInputs.model_validate({"cloud": "emulator", "domain": old}) if old else None
    CdsInstanceProvider().noted(inputs, before, Call(write=lambda _row, text, **_: said.append(text)))
    assert len(said) == len(told)
    assert all(part in line and line.startswith("DW-W08 ") for part, line in zip(told, said, strict=True))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (consent("reset-link"), None),
        (consent("reset-link", "fabrikam"), "serves nothing: the link of this stack is that of 'contoso-uat'"),
        (consent("reset-link", until="2020-01-31"), "ended on 2020-01-31"),
        (consent(target="fabrikam"), None),
    ],
)
def test_consent_to_a_reset_of_another_link_is_told(entry: Any, told: str | None) -> None:
    said: list[str] = []
    provider = DualWriteConnectionProvider()
    inputs = provider.inputs_of({"cloud": "emulator", "cds": DOMAIN, "companies": ["DAT"], "confirm": [entry]})
    provider.noted(inputs, None, Call(write=lambda _row, text, **_: said.append(text)))
    assert (told in said[0]) if told else said == []


def test_consent_is_stored_by_the_next_up_and_calls_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")
    provider, outputs = ALL[1]
    news = {"cloud": "emulator", "cds": DOMAIN, "maps": {}, "confirm": [consent()]}
    assert provider.diff("id", outputs, news).changes is None
    outs = provider.update("id", outputs, news).outs
    assert outs is not None
    assert outs["confirm"] == [consent()]
    assert provider.diff("id", outs, news).changes is False
    back = provider.update("id", outs, {name: news[name] for name in ("cloud", "cds", "maps")}).outs
    assert back is not None
    assert not back["confirm"]
