"""What a document forbids: `pulumi preview` refuses it with the reason, before anything is written."""

from collections.abc import Callable

import pytest

from tests.engine.harness import Project, Tenant

TAILSPIN = (
    'dualwrite:cds: {instance: existing, url: "https://tailspin-sales.crm4.dynamics.com"}',
    'dualwrite:finops: {instance: existing, url: "https://tailspin-erp.sandbox.operations.eu.dynamics.com"}',
)
LAMNA = (
    'dualwrite:cds: {instance: existing, url: "https://lamna-sales.crm4.dynamics.com"}',
    'dualwrite:finops: {instance: existing, url: "https://lamna-erp.sandbox.operations.eu.dynamics.com"}',
)
ADVENTURE = 'dualwrite:cds: {instance: existing, url: "https://adventure-works.crm4.dynamics.com"}'
WOODGROVE = 'dualwrite:cds: {instance: existing, url: "https://woodgrove-basic.crm4.dynamics.com"}'
GRAPHIC_US = "dualwrite:cds: {instance: existing, environmentId: 5dae6f70-8192-43a4-8ebf-3a4b5c6d7e85}"
NEW_FINOPS = "dualwrite:finops: {instance: new, data: demo}"
AS_LINKED = "dualwrite:connection: {companies: as-linked}"
LISTED = "dualwrite:connection: {companies: [DAT, USMF]}"
NORTHWIND_CE = (
    "dualwrite:cds: {instance: new, name: northwind-ce, domain: northwind-ce, location: europe, currency: EUR, "
    "language: 1033}"
)
NORTHWIND = 'dualwrite:finops: {instance: existing, url: "https://northwind-erp.sandbox.operations.eu.dynamics.com"}'


def limits(name: str, number: int) -> str:
    return f"dualwrite:limits: {{{name}: {number}}}"


def stamped(company: str) -> str:
    return f'dualwrite:bootstrap: [{{company: "{company}", order: before-live-sync}}]'


# What only the tenant tells. What the stack file itself tells is in test_config.py, other partners are in
# tests/contract/test_existing_instances.py.
FORBIDDEN = {
    "F&O on a CDS without Dynamics 365 apps": (
        (WOODGROVE, NEW_FINOPS, LISTED),
        "F&O cannot be installed: 'Woodgrove Basic' was created without Dynamics 365 apps",
    ),
    "another geography": (
        (GRAPHIC_US, TAILSPIN[1], AS_LINKED),
        "F&O is in europe and the CDS instance in unitedstates: dual-write links only instances of one geography",
    ),
    "bootstrap of a company that is not linked": (
        (*LAMNA, AS_LINKED, stamped("FRRT")),
        "bootstrap of an unlinked company: FRRT is not part of the link; linked are DAT, LAMN",
    ),
    "bootstrap of a company that nobody can link": (
        (*TAILSPIN, AS_LINKED, stamped("FRRT")),
        "bootstrap of an unlinked company: FRRT is no legal entity of F&O; it has DAT, TSEU, TSUS",
    ),
    "initial sync of too many companies as linked": (
        (*LAMNA, AS_LINKED, limits("initialSyncCompanies", 1)),
        "2 companies are linked, and an initial sync takes 1 at most. Link fewer companies",
    ),
    "initial sync of too many rows": (
        (*TAILSPIN, AS_LINKED, limits("initialSyncRows", 20)),
        " rows of TSEU in F&O. An initial sync takes 20 a company at most: load both sides separately",
    ),
    "initial sync of too many rows to a new CDS": (
        (NORTHWIND_CE, NORTHWIND, AS_LINKED, limits("initialSyncRows", 20)),
        (
            "has a problem: DW-C04 initial_sync['accounts - Customers V3']: "
            "'accounts - Customers V3' has 30 rows of NWEU in F&O. An initial sync takes 20 a company"
        ),
    ),
    "initial sync of too many stamped rows": (
        (ADVENTURE, NEW_FINOPS, LISTED, stamped("USMF"), limits("singleThreadedRows", 70)),
        "more than 70 rows of accounts would carry USMF and take part in an initial sync, which takes 70 a company",
    ),
}


@pytest.mark.parametrize("name", list(FORBIDDEN))
def test_preview_refuses_what_a_document_forbids(name: str, new_project: Callable[[], Project], tenant: Tenant) -> None:
    sections, reason = FORBIDDEN[name]
    project = new_project()
    project.configure("\n".join((*sections, "dualwrite:maps: {include: [finance], initialSync: finops}")))
    before = tenant.now()
    text = project.preview(expect=1).text
    assert reason in text
    assert "Traceback" not in text
    assert not tenant.writes(before)
