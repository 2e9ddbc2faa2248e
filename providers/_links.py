"""The link that a stack means: its two environments, and what the dual-write service calls the pair. No pulumi."""

from dataclasses import dataclass

from providers._environments import host_of, resolve
from providers.api.dual_write_models import LinkedEnvironment
from providers.api.errors import NotFound
from providers.api.session import Session

LINK_NOT_FOUND = (
    "Either the pair is not linked yet, or `gateway` names another region's dual-write gateway, "
    "or the program's user may not see the link."
)


@dataclass(frozen=True)
class Pair:
    """An F&O environment and the CDS environment it is, or shall be, linked with. Hosts are bare names."""

    environment_id: str
    cds_host: str
    finops_host: str

    @property
    def identifier(self) -> str:
        """The natural key as one text: `<F&O host>/<CDS environment id>`."""
        return f"{self.finops_host}/{self.environment_id}"


def find_pair(session: Session, cds: str, finops: str | None) -> Pair:
    """Resolve the stack's references; F&O is what is installed on the CDS when no URL names another.

    Raises `NotFound` when there is no such environment, or no F&O on it.
    """
    environment = resolve(session.power_platform.environments(fresh=True), cds)
    cds_host = host_of(environment.url)
    linked = environment.finops.url if environment.finops else None
    finops_host = host_of(finops or linked)
    if not cds_host:
        raise NotFound(f"the environment '{cds}' has no Dataverse", next_step="Only one with Dataverse can be linked.")
    if not finops_host:
        raise NotFound(
            f"the environment '{cds}' has no Finance and Operations",
            next_step="Install it first (FinOpsInstance), or give the URL of the F&O instance.",
        )
    return Pair(environment.id, cds_host, finops_host)


def find_link(session: Session, finops_host: str) -> LinkedEnvironment:
    """The link of an F&O host; `NotFound` names the causes of an empty answer, which look all alike (E1)."""
    link = session.dual_write.environment(finops_host)
    if link is None:
        raise NotFound(f"the dual-write service knows no link of {finops_host}", next_step=LINK_NOT_FOUND)
    return link
