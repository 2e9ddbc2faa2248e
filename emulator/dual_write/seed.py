"""Links that stand before anybody asks: the section `links` of a seed document, each made as a person would."""

from functools import partial

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from emulator.core.person import PersonError
from emulator.core.seeds import SeedError
from emulator.dual_write import connections, links
from emulator.tenant import Tenant

SECTION = "links"


class SeededLink(BaseModel):
    """A link: hosts of both sides and the codes of its companies."""

    model_config = ConfigDict(extra="forbid")

    environment: str
    finops: str
    companies: list[str]


def register(tenant: Tenant) -> None:
    """Play the section."""
    tenant.seeds.on(SECTION, partial(play, tenant))


def play(tenant: Tenant, rows: object) -> None:
    """Make the links; a pair that is linked already is left as it is.

    Raises:
        SeedError: a row has another form, or its pair cannot be linked.
    """
    try:
        wanted = TypeAdapter(list[SeededLink]).validate_python(rows)
    except ValidationError as error:
        problem = error.errors()[0]
        msg = f"seed section {SECTION}: {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        raise SeedError(msg) from None
    for one in wanted:
        _link(tenant, one)


def _link(tenant: Tenant, wanted: SeededLink) -> None:
    there = connections.by_dataverse_host(tenant, wanted.environment)
    if there is not None and there.finance_host == wanted.finops.lower():
        return
    try:
        links.link_by_person(tenant, wanted.environment, wanted.finops, wanted.companies)
    except PersonError as error:
        msg = f"seed section {SECTION}: {error}"
        raise SeedError(msg) from None
