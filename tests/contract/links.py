"""Pairs for contract tests of the link: one of the seed that is linked, and new ones built step by step."""

from typing import NamedTuple

from providers.application_package import ApplicationPackageProvider
from providers.catalogue.selection import choose_maps
from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from tests.contract.new_instances import CDS, finops
from tests.contract.provider_process import Bag, Checked, ProviderError, ProviderProcess, declared
from tests.engine.harness import Tenant

NEEDED = choose_maps(["application-core"], [], "add")
CORE = "DualWriteCoreAnchor"
# Linked in the seed, with DAT and LAMN; nobody has applied a solution.
LAMNA_CDS, LAMNA_FINOPS = "lamna-sales.crm4.dynamics.com", "lamna-erp.sandbox.operations.eu.dynamics.com"
LAMNA: Bag = {
    "cloud": "emulator",
    "cds": f"https://{LAMNA_CDS}",
    "finops": f"https://{LAMNA_FINOPS}",
    "companies": "as-linked",
    "timeout": "1m",
}


class Made(NamedTuple):
    """What a creation left: id, checked inputs, outputs."""

    identifier: str
    inputs: Bag
    outputs: Bag


class Pair:
    """A new CDS instance with F&O on it and the packages of application core, in one provider process."""

    def __init__(self, tenant: Tenant) -> None:
        """Build it; a minute of a real tenant's afternoon, some seconds here."""
        self.tenant = tenant
        self.process = ProviderProcess(tenant.variables())
        self.process.create(declared(CdsInstanceProvider(), "cds", CDS))
        self.process.create(finops())
        self.install(NEEDED.packages, CDS["domain"])

    def install(self, packages: tuple[str, ...], cds: str) -> None:
        """Install packages in their order."""
        for package in packages:
            inputs = {"cloud": "emulator", "cds": cds, "package": package, "timeout": "2m"}
            self.process.create(declared(ApplicationPackageProvider(), package, inputs))

    def add_company(self, code: str) -> None:
        """Create a legal entity in F&O."""
        inputs = {"cloud": "emulator", "cds": CDS["domain"], "code": code, "name": f"{code} Ltd", "country": "USA"}
        self.process.create(declared(CompanyProvider(), code, inputs))


def connection(**inputs: object) -> Bag:
    """A declared DualWriteConnection of the new pair, with the map solution of application core."""
    base = {"cloud": "emulator", "cds": CDS["domain"], "timeout": "1m", "solutions": list(NEEDED.solutions)}
    return declared(DualWriteConnectionProvider(), "connection", {**base, **inputs})


def made(process: ProviderProcess, inputs: Bag) -> Made:
    """Create after a clean check."""
    checked: Checked = process.check(inputs)
    assert checked.failures == []
    identifier, outputs = process.create(checked.inputs)
    return Made(identifier, checked.inputs, outputs)


def refused(process: ProviderProcess, inputs: Bag) -> str:
    """The one line with which a creation ends."""
    try:
        process.create(inputs)
    except ProviderError as error:
        return str(error)
    raise AssertionError("the creation went through")


def since(process: ProviderProcess, mark: int) -> list[str]:
    """What stayed in the run's messages after the first `mark` lines, without the title of the row."""
    lines = [each.message for each in process.engine.logged[mark:] if not each.ephemeral]
    return [line.partition("': ")[2] for line in lines]
