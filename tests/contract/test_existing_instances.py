"""Existing instances and companies in the real provider process against the emulator: adopted, refused, left alone."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyProvider
from providers.finops_instance import FinOpsInstanceProvider
from tests.contract.provider_process import Bag, ProviderError, ProviderProcess, declared
from tests.engine.harness import Tenant

FABRIKAM = "https://fabrikam-sales.crm4.dynamics.com"
ADVENTURE = "https://adventure-works.crm4.dynamics.com"
TAILSPIN = "https://tailspin-sales.crm4.dynamics.com"
TAILSPIN_ERP = "https://tailspin-erp.sandbox.operations.eu.dynamics.com"
NORTHWIND_ERP = "https://northwind-erp.sandbox.operations.eu.dynamics.com"
LATER = (
    "DW-N02 FinOpsInstance 'tailspin-erp': not checked: tenant and version of F&O; "
    "the health check does it once the two are linked"
)


def cds(url: str = FABRIKAM, **changes: Any) -> Bag:
    """A declared existing CdsInstance."""
    return declared(CdsInstanceProvider(), "cds", {"cloud": "emulator", "instance": "existing", "url": url, **changes})


def finops(url: str = TAILSPIN_ERP, on: str = TAILSPIN, **changes: Any) -> Bag:
    """A declared existing FinOpsInstance."""
    inputs = {"cloud": "emulator", "cds": on, "instance": "existing", "url": url, **changes}
    return declared(FinOpsInstanceProvider(), "finops", inputs)


def new_finops(on: str, **changes: Any) -> Bag:
    """A declared FinOpsInstance that is installed on an existing CDS instance."""
    inputs = {"cloud": "emulator", "cds": on, "data": "empty", "timeout": "2m", **changes}
    return declared(FinOpsInstanceProvider(), "finops", inputs)


@pytest.fixture
def onlooker(tenant: Tenant, start_process: Callable[[], ProviderProcess]) -> ProviderProcess:
    """A provider process on the tenant as other tests leave it, for tests that change nothing in it."""
    return start_process()


def test_existing_cds_is_adopted_read_and_left_as_it_is(tenant: Tenant, onlooker: ProviderProcess) -> None:
    before = tenant.now()
    checked = onlooker.check(cds())
    assert checked.failures == []
    identifier, outputs = onlooker.create(checked.inputs)
    assert (outputs["domain"], outputs["url"], outputs["created_by_us"]) == ("fabrikam-sales", FABRIKAM, False)
    assert outputs["geography"] == "europe"
    assert onlooker.diff(identifier, outputs, onlooker.check(cds(), checked.inputs).inputs).changes == "none"
    assert onlooker.read(identifier, outputs) == (identifier, outputs, checked.inputs)
    onlooker.delete(identifier, outputs)
    assert onlooker.engine.lines(ephemeral=False) == [
        "CdsInstance 'fabrikam-sales': not created by this stack; left as it is"
    ]
    assert onlooker.read(identifier, outputs)[0] == identifier
    assert tenant.writes(before) == []


def test_existing_cds_is_found_by_its_id_as_well(onlooker: ProviderProcess) -> None:
    identifier, _ = onlooker.create(onlooker.check(cds()).inputs)
    news = declared(
        CdsInstanceProvider(), "cds", {"cloud": "emulator", "instance": "existing", "environment_id": identifier}
    )
    checked = onlooker.check(news)
    assert checked.failures == []
    found, outputs = onlooker.create(checked.inputs)
    assert found == identifier
    assert onlooker.read(identifier, outputs) == (identifier, outputs, checked.inputs)


def test_name_that_a_person_changes_is_no_drift(tenant: Tenant, process: ProviderProcess) -> None:
    inputs = process.check(cds(ADVENTURE)).inputs
    identifier, outputs = process.create(inputs)
    person = {"action": "rename-environment", "environment": "adventure-works.crm4.dynamics.com", "name": "Renamed"}
    tenant.control("person", person)
    _, held, held_inputs = process.read(identifier, outputs)
    assert (held["name"], held_inputs) == ("Renamed", inputs)
    assert process.diff(identifier, held, inputs).changes == "none"


def test_deleted_environment_is_reported_gone(tenant: Tenant, process: ProviderProcess) -> None:
    identifier, outputs = process.create(process.check(cds(ADVENTURE)).inputs)
    tenant.control("person", {"action": "delete-environment", "environment": "adventure-works.crm4.dynamics.com"})
    assert process.read(identifier, outputs)[0] == ""


def test_environment_that_another_stack_made_is_refused_in_preview(tenant: Tenant, process: ProviderProcess) -> None:
    inputs = {"cloud": "emulator", "name": "contoso-uat", "domain": "contoso-uat", "location": "europe"}
    made = {**inputs, "currency": "EUR", "language": 1033, "timeout": "2m"}
    process.create(process.check(declared(CdsInstanceProvider(), "cds", made, stack="another")).inputs)
    before = tenant.now()
    ((path, text),) = process.check(cds("https://contoso-uat.crm4.dynamics.com")).failures
    assert path == "url"
    assert "was made by the stack 'dualwrite/another', which manages the maps of its pair" in text
    assert "remove 'dual-write dualwrite/another' from the environment's description" in text
    assert tenant.writes(before) == []


@pytest.mark.parametrize(
    ("url", "partner", "said"),
    [
        ("https://nobody.crm4.dynamics.com", None, "no environment of this tenant answers to"),
        ("https://woodgrove-basic.crm4.dynamics.com", None, "created without Dynamics 365 apps"),
        ("https://lamna-sales.crm4.dynamics.com", None, "is linked with https://"),
        ("https://lamna-sales.crm4.dynamics.com", TAILSPIN_ERP, f"not with {TAILSPIN_ERP}"),
    ],
)
def test_cds_that_does_not_fit_is_refused_in_preview(
    tenant: Tenant, onlooker: ProviderProcess, url: str, partner: str | None, said: str
) -> None:
    before = tenant.now()
    ((path, text),) = onlooker.check(cds(url, **({"finops": partner} if partner else {}))).failures
    assert path == "url"
    assert said in text
    assert tenant.writes(before) == []


def test_cds_that_does_not_let_the_program_in_is_told_how(tenant: Tenant, onlooker: ProviderProcess) -> None:
    fault = {"service": "dataverse", "host": "fabrikam-sales.crm4.dynamics.com", "status": 403}
    tenant.control("faults", fault)
    ((_, text),) = onlooker.check(cds()).failures
    assert "Users + permissions > Application users" in text


def test_existing_finops_is_adopted_read_and_left_as_it_is(tenant: Tenant, onlooker: ProviderProcess) -> None:
    before = tenant.now()
    checked = onlooker.check(finops())
    assert checked.failures == []
    identifier, outputs = onlooker.create(checked.inputs)
    assert (outputs["url"], outputs["environment_id"], outputs["application_version"]) == (TAILSPIN_ERP, "", "")
    assert onlooker.diff(identifier, outputs, onlooker.check(finops(), checked.inputs).inputs).changes == "none"
    assert onlooker.read(identifier, outputs) == (identifier, outputs, checked.inputs)
    onlooker.delete(identifier, outputs)
    assert onlooker.engine.lines(ephemeral=False) == [
        LATER,
        "FinOpsInstance 'tailspin-erp': not installed by this stack; left as it is",
    ]
    assert tenant.writes(before) == []


def test_finops_in_another_geography_is_refused_in_preview(onlooker: ProviderProcess) -> None:
    ((path, text),) = onlooker.check(finops(on="https://graphic-us.crm.dynamics.com")).failures
    assert path == "url"
    assert text.startswith("DW-C04 F&O is in europe and the CDS instance in unitedstates")
    ((_, text),) = onlooker.check(finops(NORTHWIND_ERP, "northwind-ce", location="unitedstates")).failures
    assert text.startswith("DW-C04 F&O is in europe and the CDS instance in unitedstates")
    assert onlooker.check(finops(NORTHWIND_ERP, "northwind-ce", location="europe")).failures == []


def test_closed_finops_is_refused_with_the_steps(tenant: Tenant, onlooker: ProviderProcess) -> None:
    tenant.control("faults", {"service": "finops", "path": "/data/", "status": 403})
    ((path, text),) = onlooker.check(finops()).failures
    assert path == "url"
    assert text.startswith(
        f"DW-C04 F&O does not let the program in (403). Sign in to {TAILSPIN_ERP} as administrator, open System "
        "administration > Setup > Microsoft Entra ID applications, add the application "
    )


def test_finops_goes_only_where_it_can_be_installed(tenant: Tenant, process: ProviderProcess) -> None:
    before = tenant.now()
    found = process.check(new_finops("https://woodgrove-basic.crm4.dynamics.com")).failures
    assert [(path, "without Dynamics 365 apps" in text) for path, text in found] == [("cds", True)]
    ((path, text),) = process.check(new_finops("https://lamna-sales.crm4.dynamics.com")).failures
    assert path == "cds"
    assert "an environment of Lifecycle Services" in text
    assert process.check(new_finops(FABRIKAM)).failures == []
    assert tenant.writes(before) == []


def test_finops_on_an_existing_cds_is_installed_and_left_in_place(tenant: Tenant, process: ProviderProcess) -> None:
    checked = process.check(new_finops(FABRIKAM))
    before = tenant.now()
    identifier, outputs = process.create(checked.inputs)
    assert outputs["url"] == "https://fabrikam-sales.operations.eu.dynamics.com/"
    assert not [each for each in tenant.writes(before) if each.startswith("PATCH")]
    assert process.check(cds()).failures == []
    changed = process.check(new_finops(FABRIKAM, data="demo"), checked.inputs).failures
    assert "an existing CDS instance is never replaced" in changed[0][1]
    before = tenant.now()
    process.delete(identifier, outputs)
    assert process.engine.lines(ephemeral=False)[-1] == (
        "FinOpsInstance 'fabrikam-sales': left in place: F&O cannot be removed alone, and its CDS instance is not this "
        "stack's"
    )
    assert tenant.writes(before) == []


def company(code: str = "USMF", **changes: Any) -> Bag:
    """A declared Company of the F&O at Tailspin; None removes an input."""
    inputs = {
        "cloud": "emulator",
        "cds": TAILSPIN,
        "finops": TAILSPIN_ERP,
        "code": code,
        "name": "Contoso Entertainment System USA",
        "country": "USA",
        **changes,
    }
    given = {name: value for name, value in inputs.items() if value is not None}
    return declared(CompanyProvider(), "company", given)


def test_company_is_created_read_and_left_in_place(tenant: Tenant, process: ProviderProcess) -> None:
    checked = process.check(company("usmf"))
    assert checked.failures == []
    before = tenant.now()
    identifier, outputs = process.create(checked.inputs)
    assert (outputs["code"], outputs["country"], outputs["created_by_us"]) == ("USMF", "USA", True)
    assert len(tenant.writes(before)) == 1
    before = tenant.now()
    assert process.diff(identifier, outputs, process.check(company(), checked.inputs).inputs).changes == "none"
    _, held, held_inputs = process.read(identifier, outputs)
    assert held == outputs
    assert process.diff(identifier, held, held_inputs).changes == "none"
    assert process.create(checked.inputs)[1]["created_by_us"] is False
    process.delete(identifier, outputs)
    assert process.engine.lines(ephemeral=False)[-1] == (
        "Company 'USMF': left in place: companies are never deleted from F&O"
    )
    assert tenant.writes(before) == []


def test_company_that_is_there_needs_neither_name_nor_country(onlooker: ProviderProcess) -> None:
    bare = company("tseu", name=None, country=None)
    checked = onlooker.check(bare)
    assert checked.failures == []
    _, outputs = onlooker.create(checked.inputs)
    assert (outputs["code"], outputs["created_by_us"]) == ("TSEU", False)
    assert outputs["name"]


def test_company_that_has_to_be_created_needs_both(onlooker: ProviderProcess) -> None:
    bare = company("NEWC", name=None, country=None)
    assert [text.partition(":")[0] for _, text in onlooker.check(bare).failures] == ["DW-C04 name", "DW-C04 country"]
    with pytest.raises(ProviderError) as caught:
        onlooker.create(bare)
    assert str(caught.value) == (
        "DualWriteError: Company 'NEWC': create failed: the company NEWC is not in F&O, and creating it needs `name` "
        "and `country` in its entry of `dualwrite:companies`. Nothing was created; then run `up` again."
    )


def test_refused_company_is_one_line_with_the_cure(tenant: Tenant, onlooker: ProviderProcess) -> None:
    text = "Write failed for table row of type 'LegalEntity'. Infolog: Error: Country/region US does not exist."
    body = {"error": {"code": "", "message": "An error has occurred.", "innererror": {"message": text}}}
    tenant.control("faults", {"service": "finops", "method": "POST", "status": 400, "body": body})
    with pytest.raises(ProviderError) as caught:
        onlooker.create(company("NEWC", country="US"))
    line = str(caught.value)
    assert line.startswith("DualWriteError: Company 'NEWC': create failed: Error: Country/region US does not exist (")
    assert line.endswith("or create the company in F&O; then run `up` again.")
    assert "\n" not in line


def test_lost_answer_makes_no_second_company(tenant: Tenant, process: ProviderProcess) -> None:
    tenant.control("faults", {"service": "finops", "method": "POST", "path": "/data/LegalEntities", "drop": "after"})
    before = tenant.now()
    assert process.create(company())[1]["created_by_us"] is True
    assert len([each for each in tenant.writes(before) if each.endswith("/LegalEntities")]) == 1


def test_company_on_an_installed_finops_is_found_by_its_cds(
    process: ProviderProcess, start_process: Callable[[], ProviderProcess]
) -> None:
    bare = company(cds=FABRIKAM, finops=None, name=None, country=None)
    assert process.check(bare).failures == []
    process.create(process.check(new_finops(FABRIKAM)).inputs)
    assert [text.partition(":")[0] for _, text in process.check(bare).failures] == ["DW-C04 name", "DW-C04 country"]
    _, outputs = start_process().create(company(cds=FABRIKAM, finops=None))
    assert outputs["finops_host"] == "fabrikam-sales.operations.eu.dynamics.com"
