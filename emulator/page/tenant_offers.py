"""What a person can do to an environment, to a pair, and to the whole tenant."""

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.page.journal_view import SERVICES
from emulator.page.offers import CLOCK, FAULTS, RESET, Field, Group, Offer, act
from emulator.page.pair_sides import Stage
from emulator.page.pairs import Other, Pair
from emulator.tenant import Tenant

DISARM = "Undo: disarm it while it waits."
_REFUSAL = {"error": {"code": "InternalServerError", "message": "Something went wrong."}}
_SPANS = (("3600", "an hour"), ("86400", "a day"), ("604800", "a week"))
_SERVICES = (("*", "any service"), *((each, each) for each in SERVICES))


def pair_groups(tenant: Tenant, pair: Pair) -> tuple[Group, ...]:
    """Return the buttons of a pair."""
    host = pair.dataverse.name
    link = _link_offers(tenant, pair, host) if pair.cid else [_link(host)]
    return (
        Group("The link", tuple(link)),
        Group("Finance and Operations and Dataverse", tuple(_broken_sides(host, pair))),
        Group("Applications in Finance and Operations", tuple(_applications(tenant, pair))),
        Group("The Dataverse environment", environment_offers(pair.key, pair.name, with_finance=True)),
    )


def environment_offers(environment_id: str, name: str, *, with_finance: bool) -> tuple[Offer, ...]:
    """Return the buttons of an environment."""
    gone = (
        "Cannot be undone: an environment with F&O is not recovered, its domain stays reserved for 7 days."
        if with_finance
        else "Cannot be undone here; the API for administrators recovers it."
    )
    named = {"environment": environment_id}
    return (
        act("Rename", "rename-environment", "Undo: the old name.", named, Field("name", "new name", name)),
        act("Delete", "delete-environment", gone, named, grave=True),
    )


def other_offers(other: Other) -> tuple[Offer, ...]:
    """Return the buttons of an environment that is in no pair."""
    if other.environment_id is None:
        return ()
    return environment_offers(other.environment_id, other.name, with_finance=False)


def tenant_groups() -> tuple[Group, ...]:
    """Return the buttons that concern no single environment."""
    domain = Field("domain", "domain", "contoso-uat")
    first_day = "Cannot be undone: the tenant forgets everything that came after its first day."
    return (
        Group(
            "Time", (Offer("Move the clock", CLOCK, {}, "Cannot be undone: time never goes back.", (_span_field(),)),)
        ),
        Group("The next request", tuple(_next_request())),
        Group(
            "The tenant",
            (
                act("Reserve a domain", "reserve-domain", "Cannot be undone; it lapses by itself.", {}, domain),
                Offer("Back to the first day", RESET, {}, first_day, grave=True),
            ),
        ),
    )


def armed(faults: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, Offer], ...]:
    """Return each fault in words, with the button that disarms it."""
    return tuple((_fault_words(fault), disarm(fault["id"])) for fault in faults)


def disarm(number: int) -> Offer:
    """Return the button that forgets a fault."""
    return Offer("Disarm", FAULTS, {}, "Undo: arm it again.", method="DELETE", query=f"?id={number}")


def _span_field() -> Field:
    return Field("advance", "by", "3600", _SPANS, number=True)


def _next_request() -> list[Offer]:
    service = Field("service", "of", "*", _SERVICES)
    start = {"service": "dualwrite", "method": "POST", "path": "*/Start"}
    return [
        Offer("Fail the next start", FAULTS, {**start, "status": 500, "body": _REFUSAL}, DISARM),
        Offer("Lose the next answer", FAULTS, {"method": "POST", "drop": "after"}, DISARM, (service,)),
        Offer("Refuse the next request", FAULTS, {"status": 503, "body": _REFUSAL}, DISARM, (service,)),
    ]


def _link(host: str) -> Offer:
    undo = "Cannot be undone: no call removes a link; it goes with its environment."
    return act("Link", "link", undo, {"environment": host})


def _link_offers(tenant: Tenant, pair: Pair, host: str) -> list[Offer]:
    named = {"environment": host}
    linked = {code.casefold() for code in pair.companies}
    entities = tenant.rows.scan("finops", pair.finance.name, "LegalEntities")
    codes = sorted(str(row["LegalEntityId"]) for row in entities)
    free = _choices(code for code in codes if code.casefold() not in linked)
    taken = _choices(pair.companies)
    offers = []
    if free:
        field = Field("company", "company", free[0][0], free)
        offers.append(act("Add company", "add-company", "Undo: remove it again.", named, field))
    if taken:
        field = Field("company", "company", taken[-1][0], taken)
        offers.append(act("Remove company", "remove-company", "Undo: add it again.", named, field))
    lost = (
        "Cannot be undone: maps, keys, and history of the link are gone; the next refresh and up restore the stack's."
    )
    offers.append(act("Reset the link", "reset-link", lost, named, grave=True))
    return offers


def _broken_sides(host: str, pair: Pair) -> list[Offer]:
    named = {"environment": host}
    team = "Cannot be undone here: the program or an administrator names the team again."
    offers = [
        act("Rename the root team", "rename-root-team", "Undo: the old name.", named, Field("name", "to", "renamed")),
        act(
            "Leave rows of an earlier link",
            "add-stale-configuration",
            "Cannot be undone here: a reset of the link clears them.",
            named,
            Field("side", "in", "dataverse", (("dataverse", "Dataverse"), ("finops", "F&O"))),
        ),
    ]
    if pair.finance.stage is Stage.DONE:
        formats = Field("locale", "to", "de-de", (("de-de", "de-de"), ("en-us", "en-us")))
        offers += [
            act("Stop data management", "stop-data-management", "Undo: start it.", named),
            act("Start data management", "start-data-management", "Undo: stop it.", named),
            act("Set the number format", "set-number-format", "Undo: en-us.", named, formats),
        ]
    if pair.companies:
        company = Field("company", "of", pair.companies[0], tuple((code, code) for code in pair.companies))
        offers.append(act("Clear the owning team", "clear-owning-team", team, named, company))
    return offers


def _applications(tenant: Tenant, pair: Pair) -> list[Offer]:
    """Return the buttons of the applications that are registered in F&O; none while there is no F&O."""
    rows = tenant.rows.scan("finops", pair.finance.name, "SysAADClients")
    known = tuple((str(row["AADClientId"]), str(row.get("Name") or row["AADClientId"])) for row in rows)
    others = tuple((one.app_id, one.name) for one in tenant.identity.directory.applications())
    named = {"environment": pair.finance.name}
    offers = []
    if known:
        field = Field("client_id", "application", known[0][0], known)
        offers.append(act("Remove", "remove-application", "Undo: register it again.", named, field))
    if pair.finance.stage is Stage.DONE:
        field = Field("application", "application", others[0][0], others)
        offers.append(act("Register", "register-application", "Undo: remove it.", named, field))
    return offers


def _choices(codes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((code, code) for code in codes)


def _fault_words(fault: Mapping[str, Any]) -> str:
    what = "lose the answer" if fault.get("drop") else f"answer {fault['status']}" if "status" in fault else "disturb"
    where = " ".join(str(fault[name]) for name in ("service", "method", "host", "path") if name in fault)
    count = fault.get("count", 1)
    times = "until it is disarmed" if count == 0 else f"{fault['hits']} of {count} done"
    return f"{what}: {where or 'any request'} ({times})"
