"""One pair has many names: no way of calling it replaces a resource, and another pair always does."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.application_package import ApplicationPackageProvider
from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyProvider
from providers.company_bootstrap import CompanyBootstrapProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.entity_map import EntityMapProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances.on_cds import OnCds
from providers.live_sync import LiveSyncProvider
from providers.protocol.base import DualWriteError
from tests.support.stored_cds import stored_cds

ENVIRONMENT, OTHER = "3b8c4d5e-6f70-4182-8c9d-1e2f3a4b5c63", "00000000-6f70-4182-8c9d-1e2f3a4b5c63"
URL, DOMAIN = "https://tailspin-sales.crm4.dynamics.com", "tailspin-sales"
HOST = "tailspin-erp.sandbox.operations.eu.dynamics.com"


class Case(NamedTuple):
    """A resource of the pair: id, inputs beside the names of the pair, outputs of older code and what this one adds."""

    provider: OnCds[Any, Any]
    identifier: str
    inputs: dict[str, Any]
    older: dict[str, Any]
    forms: dict[str, Any]
    has_finops: bool = False


CASES = [
    Case(
        ApplicationPackageProvider(),
        f"{ENVIRONMENT}/Core",
        {"package": "Core"},
        {"environment_id": ENVIRONMENT, "title": "Core", "state": "Installed", "version": "1"},
        {"cds_url": f"{URL}/"},
    ),
    Case(
        CompanyProvider(),
        f"{HOST}/USMF",
        {"code": "USMF"},
        {"environment_id": ENVIRONMENT, "finops_host": HOST, "name": "a", "country": "USA", "created_by_us": False},
        {"cds_url": f"{URL}/"},
        has_finops=True,
    ),
    Case(
        CompanyBootstrapProvider(),
        f"{ENVIRONMENT}/USMF",
        {"company": "USMF"},
        {"environment_id": ENVIRONMENT},
        {"cds_url": f"{URL}/"},
    ),
    Case(
        DualWriteConnectionProvider(),
        f"{HOST}/{ENVIRONMENT}",
        {"companies": ["DAT"]},
        {
            "environment_id": ENVIRONMENT,
            "finops_url": f"https://{HOST}",
            "cds_url": URL,
            "connection_id": "1",
            "connection_name": "1",
            "linked_companies": ["DAT"],
        },
        {},
        has_finops=True,
    ),
    Case(
        FinOpsInstanceProvider(),
        "x",
        {"instance": "existing", "url": f"https://{HOST}"},
        {
            "cds_environment_id": ENVIRONMENT,
            "environment_id": OTHER,
            "data": "empty",
            "application_version": "10.0.45",
            "platform_version": "7",
            "deployment_type": "",
            "demo_dataset": "",
        },
        {"cds_url": URL},
    ),
    Case(
        EntityMapProvider(),
        f"{HOST}/{ENVIRONMENT}/accounts",
        {"map": "accounts", "version": "1.0"},
        {"environment_id": ENVIRONMENT, "finops_host": HOST, "cds_host": "tailspin-sales.crm4.dynamics.com"},
        {},
        has_finops=True,
    ),
    Case(
        LiveSyncProvider(),
        f"{HOST}/{ENVIRONMENT}",
        {"maps": {}},
        {"finops_host": HOST},
        {"cds_url": URL, "environment_id": ENVIRONMENT},
        has_finops=True,
    ),
]
IDS = [case.provider.resource for case in CASES]
# The first is how a new instance is called, the others are of an existing one.
CDS_NAMES = [DOMAIN, DOMAIN.upper(), URL, f"{URL}/", f"{URL}:443", URL.replace("tail", "TAIL"), ENVIRONMENT]
FINOPS_NAMES = [None, f"https://{HOST}", f"https://{HOST}/", f"https://{HOST}:443", f"https://{HOST.upper()}"]


def replaced(case: Case, was: dict[str, Any], now: dict[str, Any], *, older: bool = False) -> list[str]:
    held = {"cloud": "emulator", **case.inputs, **case.older, **({} if older else case.forms)}
    old, new = ({name: value for name, value in names.items() if value is not None} for names in (was, now))
    checked = case.provider.check({}, {"cloud": "emulator", **case.inputs, **new})
    found = case.provider.diff(case.identifier, {**held, **old}, checked.inputs)
    return found.replaces or []


@pytest.fixture(autouse=True)
def no_live_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in CASES:
        monkeypatch.setattr(type(case.provider), "live_problems", lambda *_: ())


@given(st.data())
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_no_name_of_the_same_pair_replaces_anything(case: Case, data: st.DataObject) -> None:
    was, now = (
        {
            "cds": data.draw(st.sampled_from(CDS_NAMES)),
            **({"finops": data.draw(st.sampled_from(FINOPS_NAMES))} if case.has_finops else {}),
        }
        for _ in range(2)
    )
    assert replaced(case, was, now) == []


@pytest.mark.parametrize("was", CDS_NAMES)
@pytest.mark.parametrize(
    "now", [OTHER, "https://tailspin-sales.crm.dynamics.com", "https://tailspin-uat.crm4.dynamics.com", "tailspin-uat"]
)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_another_environment_replaces_what_is_on_it(case: Case, was: str, now: str) -> None:
    assert replaced(case, {"cds": was}, {"cds": now}) == ["cds"]


@pytest.mark.parametrize("was", FINOPS_NAMES)
@pytest.mark.parametrize("case", [case for case in CASES if case.has_finops], ids=lambda case: case.provider.resource)
def test_another_finops_replaces_what_is_of_the_pair(case: Case, was: str | None) -> None:
    now = {"cds": URL, "finops": "https://other.operations.eu.dynamics.com"}
    assert replaced(case, {"cds": URL, "finops": was}, now) == ["finops"]


@pytest.mark.parametrize(("was", "now"), [(DOMAIN, URL), (ENVIRONMENT, URL), (ENVIRONMENT, DOMAIN)])
@pytest.mark.parametrize("case", [case for case in CASES if case.forms], ids=lambda case: case.provider.resource)
def test_older_state_that_cannot_tell_is_refused_and_never_replaced(case: Case, was: str, now: str) -> None:
    with pytest.raises(DualWriteError, match=r"does not tell whether `cds` .* Run a refresh first"):
        replaced(case, {"cds": was}, {"cds": now}, older=True)


@pytest.mark.parametrize(
    ("was", "now"),
    [(URL, ENVIRONMENT), (URL, f"{URL}/"), (DOMAIN, ENVIRONMENT), (URL, DOMAIN), (DOMAIN, "https://other.crm.x.com")],
)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_older_state_that_can_tell_is_believed(case: Case, was: str, now: str) -> None:
    wanted = ["cds"] if "other" in now else []
    assert replaced(case, {"cds": was}, {"cds": now}, older=True) == wanted


def test_handing_over_is_stored_without_a_call_to_any_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")
    case = CASES[0]
    stored = {"cloud": "emulator", "cds": DOMAIN, **case.inputs, **case.older, **case.forms}
    news = {"cloud": "emulator", "cds": URL, **case.inputs}
    assert case.provider.diff(case.identifier, stored, news).changes is None
    outs = case.provider.update(case.identifier, stored, news).outs
    assert outs is not None
    assert case.provider.diff(case.identifier, outs, news).changes is False


CDS_HELD = stored_cds(DOMAIN, environment_id=ENVIRONMENT, url=f"{URL}/", confirm=[])
CDS_WAYS: list[dict[str, Any]] = [
    {name: CDS_HELD[name] for name in ("name", "domain", "location", "currency", "language", "type")},
    *({"instance": "existing", "url": name} for name in CDS_NAMES if "://" in name),
    {"instance": "existing", "environment_id": ENVIRONMENT},
]


@pytest.mark.parametrize("now", CDS_WAYS)
def test_no_name_of_the_same_cds_instance_replaces_it(now: dict[str, Any]) -> None:
    found = CdsInstanceProvider().diff(ENVIRONMENT, CDS_HELD, {"cloud": "emulator", **now})
    assert not found.replaces


@pytest.mark.parametrize(
    "now",
    [
        {"instance": "existing", "environment_id": OTHER},
        {"instance": "existing", "url": "https://other.crm4.dynamics.com"},
        {**CDS_WAYS[0], "domain": "other"},
    ],
)
def test_another_cds_instance_replaces_it(now: dict[str, Any]) -> None:
    assert CdsInstanceProvider().diff(ENVIRONMENT, CDS_HELD, {"cloud": "emulator", **now}).replaces


@pytest.mark.parametrize("wanted", [{"data": "empty"}, {"data": "demo", "developer_tools": True}])
def test_what_no_side_told_of_an_existing_finops_replaces_nothing(wanted: dict[str, Any]) -> None:
    held = {"cloud": "emulator", "cds": URL, "instance": "existing", "url": f"https://{HOST}", "data": ""}
    found = FinOpsInstanceProvider().diff("x", held, {"cloud": "emulator", "cds": URL, **wanted})
    assert not found.replaces
