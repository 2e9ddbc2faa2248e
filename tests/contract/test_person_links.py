"""Pairs that a person links, and pairs that are linked otherwise, behind the real provider process."""

from collections.abc import Callable, Iterator

import pytest

from providers.application_package import ApplicationPackageProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from tests.contract.links import CORE, LAMNA, LAMNA_CDS, LAMNA_FINOPS, made, refused, since
from tests.contract.provider_process import Bag, ProviderProcess, declared
from tests.engine.harness import Tenant

TAILSPIN_CDS, TAILSPIN_FINOPS = "tailspin-sales.crm4.dynamics.com", "tailspin-erp.sandbox.operations.eu.dynamics.com"
STEPS = (
    f"In LCS open the environment details of {TAILSPIN_FINOPS}: "
    f"(1) Power Platform Integration > Setup > use a different Power Platform environment: {TAILSPIN_CDS}; "
    "(2) Dual-write application > Configure; (3) Link to Power Platform environment"
)


@pytest.fixture
def manned(clean_tenant: Tenant) -> Iterator[Tenant]:
    """A tenant whose attendant can be switched off for a test."""
    yield clean_tenant
    clean_tenant.control("switches", {"attendant": True})


def tailspin(**inputs: object) -> Bag:
    """A declared link of two existing environments that nobody has linked."""
    pair = {**LAMNA, "cds": f"https://{TAILSPIN_CDS}", "finops": f"https://{TAILSPIN_FINOPS}", **inputs}
    return declared(DualWriteConnectionProvider(), "connection", pair)


def install_core(process: ProviderProcess) -> None:
    inputs = {"cloud": "emulator", "cds": f"https://{TAILSPIN_CDS}", "package": CORE, "timeout": "1m"}
    process.create(declared(ApplicationPackageProvider(), "core", inputs))


def test_person_is_shown_the_steps_and_creation_goes_on_by_itself(manned: Tenant, process: ProviderProcess) -> None:
    manned.control("switches", {"attendant": False})
    install_core(process)
    assert process.check(tailspin()).failures == []
    before = manned.now()
    waiting = process.begin_create(tailspin())
    process.engine.wait_for(f"DW-P02 DualWriteConnection 'tailspin-sales': A person has to link the two. {STEPS}")
    manned.control("person", {"action": "link", "environment": TAILSPIN_CDS, "finops": TAILSPIN_FINOPS})
    linked = dict(waiting.result().properties)["linked_companies"]
    assert len(linked) > 2
    assert not [each for each in manned.writes(before) if "projectmanagementservice" in each]


def test_attendant_links_a_pair_when_both_sides_are_ready(manned: Tenant, process: ProviderProcess) -> None:
    install_core(process)
    found = made(process, tailspin())
    assert found.outputs["companies"] == "as-linked"
    assert found.outputs["running_before"] == []


def test_nobody_who_links_ends_with_the_same_steps_and_the_next_run_continues(
    manned: Tenant, process: ProviderProcess, start_process: Callable[[], ProviderProcess]
) -> None:
    manned.control("switches", {"attendant": False})
    install_core(process)
    text = refused(process, tailspin(timeout="2s"))
    assert f"create failed: {TAILSPIN_FINOPS} and {TAILSPIN_CDS} are still not linked after " in text
    assert " s (0x80048d0b). A person has to link the two. " in text
    assert text.endswith(f"{STEPS}. Then run `up` again, it continues.")
    manned.control("person", {"action": "link", "environment": TAILSPIN_CDS, "finops": TAILSPIN_FINOPS})
    made(start_process(), tailspin())


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ({"cds": f"https://{TAILSPIN_CDS}"}, f"{LAMNA_FINOPS} is linked with {LAMNA_CDS}, not with {TAILSPIN_CDS}"),
        (
            {"finops": f"https://{TAILSPIN_FINOPS}"},
            f"{LAMNA_CDS} is integrated with the F&O {LAMNA_FINOPS}, not with {TAILSPIN_FINOPS}",
        ),
    ],
)
def test_link_with_another_partner_names_both_in_preview_and_up(
    clean_tenant: Tenant, process: ProviderProcess, other: Bag, text: str
) -> None:
    wanted = declared(DualWriteConnectionProvider(), "connection", {**LAMNA, **other})
    ((path, problem),) = process.check(wanted).failures
    assert path == "finops"
    assert problem.startswith(f"DW-C04 {text}. Nothing was changed.")
    before, said = clean_tenant.now(), len(process.engine.logged)
    assert text in refused(process, wanted)
    assert clean_tenant.writes(before) == []
    assert since(process, said) == []
