"""`DualWriteConnection`: the link between one F&O and one CDS environment, healthy, with its map solutions applied.

API: dual-write management service E1, E2, E10, E12 to E14 (dual-write-management-api.md), plus reads
on both sides for the health check. Natural key: F&O host and CDS environment. Replaces: either.
No call makes or removes a link: it is waited for, and forgotten. Not read back: which solutions
were applied. Takes under five minutes for the link and about two for each solution.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated

import pulumi
from pydantic import Field

from providers._base import Call, Inputs, ManagedResource, NotRead, Outputs, Provider, ResourceError
from providers._duration import Duration, seconds
from providers._environments import host_of
from providers._links import LINK_NOT_FOUND, Pair, find_link, find_pair
from providers._marks import CaseBlind, NotCompared, Refused, Replaces, Unordered
from providers._waiting import Waiting
from providers.api.dual_write_models import ConnectionSet, LinkedEnvironment
from providers.api.dual_write_tokens import HOW_TO_GET_ONE, dual_write_token_configured
from providers.api.errors import NotFound
from providers.api.operations import Outcome
from providers.api.session import Session
from providers.catalogue import carrying_solution
from providers.health_check import Check, after_linking, before_linking, company_rows, failed
from providers.solution_application import apply_solution, wait_for_others

_COMPANIES_BY_HAND = (
    "On the dual-write page open Environment details > Legal entities, make the list equal, Save, "
    "wait for the success banner, then run `up` again."
)


class ConnectionInputs(Inputs):
    """The pair, the whole list of linked companies, and the map solutions in the order of their application."""

    cloud: Annotated[str, Refused("another cloud is another tenant: use a stack of its own")]
    cds: Annotated[str, Field(min_length=1), Replaces(), CaseBlind()]
    finops: Annotated[str | None, Replaces(), CaseBlind()] = None
    gateway: str | None = None
    companies: Annotated[list[str], Field(min_length=1), Unordered(), CaseBlind()]
    solutions: list[str] = Field(default_factory=list)
    timeout: Annotated[Duration, NotCompared()] = "30m"


class ConnectionOutputs(Outputs):
    """What the service holds. `health` and `not_checked` say what the health check saw at the last `up`."""

    cloud: str
    cds: str
    finops: str | None = None
    gateway: str | None = None
    companies: list[str]
    solutions: list[str] = Field(default_factory=list)
    timeout: str = "30m"
    environment_id: str
    connection_id: str
    connection_name: str
    finops_url: str
    cds_url: str
    linked_companies: list[str]
    health: list[str] = Field(default_factory=list)
    not_checked: list[str] = Field(default_factory=list)


def from_link(
    known: ConnectionInputs | ConnectionOutputs, pair: Pair, link: LinkedEnvironment, details: ConnectionSet
) -> ConnectionOutputs:
    """The link as the service reports it; companies in upper case, in one order."""
    linked = sorted(company.upper() for company in details.companies)
    return ConnectionOutputs.model_validate(
        {
            **known.model_dump(mode="json", exclude_none=True),
            "companies": linked,
            "linked_companies": linked,
            "environment_id": pair.environment_id,
            "connection_id": link.cid,
            "connection_name": link.cname,
            "finops_url": f"https://{pair.finops_host}",
            "cds_url": f"https://{pair.cds_host}",
        }
    )


class DualWriteConnectionProvider(Provider[ConnectionInputs, ConnectionOutputs]):
    """Wait for the link, check it, apply the map solutions one at a time."""

    resource = "DualWriteConnection"
    inputs = ConnectionInputs
    outputs = ConnectionOutputs

    def name_of(self, values: ConnectionInputs | ConnectionOutputs) -> str:
        """The CDS environment as the stack calls it."""
        return values.cds

    def normalise(self, inputs: ConnectionInputs) -> ConnectionInputs:
        """Company codes in upper case, in one order."""
        return inputs.model_copy(update={"companies": sorted({company.upper() for company in inputs.companies})})

    def on_create(self, inputs: ConnectionInputs, call: Call) -> tuple[str, ConnectionOutputs]:
        """Bring an existing or arriving link to what is declared; safe to repeat."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        pair = find_pair(session, inputs.cds, inputs.finops)
        return pair.identifier, self._completed(session, pair, inputs, call)

    def on_read(self, identifier: str, stored: ConnectionOutputs, call: Call) -> ConnectionOutputs | None:
        """The link and its companies; gone with its CDS environment, an error when the service no longer lists it."""
        if not dual_write_token_configured():
            raise NotRead(HOW_TO_GET_ONE)
        session = call.session(stored.cloud, gateway=stored.gateway)
        try:
            session.power_platform.environment(stored.environment_id)
        except NotFound:
            return None
        pair = _stored_pair(stored)
        link = find_link(session, pair.finops_host)
        return from_link(stored, pair, link, session.dual_write.connection_set(link.cname))

    def on_update(
        self, identifier: str, stored: ConnectionOutputs, inputs: ConnectionInputs, call: Call
    ) -> ConnectionOutputs:
        """The same steps as on creation; what is there already is not done again."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        return self._completed(session, _stored_pair(stored), inputs, call)

    def on_delete(self, identifier: str, stored: ConnectionOutputs, call: Call) -> None:
        """Forget the link: the service has no unlink. LiveSync has stopped what it started."""
        call.announce("the link itself stays: the service has no unlink; it ends with its environments")

    def _completed(self, session: Session, pair: Pair, inputs: ConnectionInputs, call: Call) -> ConnectionOutputs:
        waiting = Waiting(call, seconds(inputs.timeout))
        cds, finops = session.dataverse(pair.cds_host), session.finance_operations(pair.finops_host)
        packages = session.app_management.packages(pair.environment_id, fresh=True)
        checks = before_linking(packages, cds, finops)
        _raise_findings(checks, call)
        link = self._linked(session, pair, waiting)
        details = session.dual_write.connection_set(link.cname)
        _require_companies(inputs.companies, details.companies)
        self._companies_arrived(session, pair, inputs.companies, waiting)
        checks += after_linking(inputs.companies, cds, finops)
        _raise_findings(checks, call)
        self._apply_solutions(session, link, inputs.solutions, waiting)
        outputs = from_link(inputs, pair, link, details)
        return outputs.model_copy(update={"health": _lines(checks, "passed"), "not_checked": _lines(checks)})

    def _linked(self, session: Session, pair: Pair, waiting: Waiting) -> LinkedEnvironment:
        def poll() -> Outcome[LinkedEnvironment]:
            link = session.dual_write.environment(pair.finops_host)
            return Outcome.done(link) if link else Outcome.pending(f"not linked yet. {LINK_NOT_FOUND}")

        interval = session.profile.polls.link
        return waiting.until(poll, what="dual-write link", interval=interval, usually="under 5 min")

    def _companies_arrived(self, session: Session, pair: Pair, companies: Sequence[str], waiting: Waiting) -> None:
        """Every linked company becomes a `cdm_companies` row, whose plug-in makes its owning team (semantics 5.1)."""
        cds = session.dataverse(pair.cds_host)

        def poll() -> Outcome[bool]:
            teams = company_rows(cds)
            missing = [company for company in companies if not teams.get(company.upper())]
            return Outcome.pending(f"waiting for {', '.join(missing)}") if missing else Outcome.done(True)

        waiting.until(poll, what="companies in CDS", interval=session.profile.polls.link)

    def _apply_solutions(
        self, session: Session, link: LinkedEnvironment, solutions: Sequence[str], waiting: Waiting
    ) -> None:
        """Apply the solutions whose maps are not there; one at a time, what an earlier run began included."""
        if not solutions:
            return
        wait_for_others(session.dual_write, link, waiting, interval=session.profile.polls.solution)
        listed = {carrying_solution(status.name) for status in session.dual_write.maps(link.cid, fresh=True)}
        for solution in solutions:
            if solution not in listed:
                apply_solution(session.dual_write, link, solution, waiting, interval=session.profile.polls.solution)


class DualWriteConnection(ManagedResource, module="dualwrite", name="DualWriteConnection"):
    """The dual-write link of one pair."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    companies: pulumi.Output[list[str]]
    solutions: pulumi.Output[list[str]]
    connection_id: pulumi.Output[str]
    finops_url: pulumi.Output[str]
    cds_url: pulumi.Output[str]
    linked_companies: pulumi.Output[list[str]]
    health: pulumi.Output[list[str]]
    not_checked: pulumi.Output[list[str]]

    def __init__(
        self,
        resource_name: str,
        *,
        cloud: pulumi.Input[str],
        cds: pulumi.Input[str],
        companies: pulumi.Input[list[str]],
        finops: pulumi.Input[str] | None = None,
        gateway: pulumi.Input[str] | None = None,
        solutions: pulumi.Input[list[str]] | None = None,
        timeout: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        arguments = {
            "cloud": cloud,
            "cds": cds,
            "finops": finops,
            "gateway": gateway,
            "companies": companies,
            "solutions": solutions,
            "timeout": timeout,
        }
        super().__init__(DualWriteConnectionProvider(), resource_name, arguments, opts)


def _stored_pair(stored: ConnectionOutputs) -> Pair:
    return Pair(stored.environment_id, host_of(stored.cds_url) or "", host_of(stored.finops_url) or "")


def _require_companies(declared: Iterable[str], linked: Iterable[str]) -> None:
    wanted, held = {code.upper() for code in declared}, {code.upper() for code in linked}
    if wanted == held:
        return
    parts = [
        f"{word}: {', '.join(sorted(codes))}"
        for word, codes in (("not linked", wanted - held), ("linked but not declared", held - wanted))
        if codes
    ]
    raise ResourceError(
        f"the link has other companies than declared ({'; '.join(parts)})", next_step=_COMPANIES_BY_HAND
    )


def _raise_findings(checks: Iterable[Check], call: Call) -> None:
    findings = failed(checks)
    for check in findings:
        call.warn(f"health check '{check.name}': {check.detail}. {check.cure}")
    if findings:
        first, others = findings[0], len(findings) - 1
        more = f"; {others} more findings are named above" if others else ""
        reason = f"health check '{first.name}': {first.detail}{more}"
        raise ResourceError(reason, code=first.code, next_step=first.cure)


def _lines(checks: Iterable[Check], verdict: str = "not checked") -> list[str]:
    chosen = [check for check in checks if check.verdict == verdict]
    return [f"{check.name}: {check.detail}" if check.detail else check.name for check in chosen]
