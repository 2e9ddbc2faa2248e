"""The two environments of a pair: what each is, and how far it is."""

from dataclasses import dataclass
from enum import StrEnum

from emulator.power_platform.records import Environment, FinOps, LifecycleFinOps

FINANCE = "Finance and Operations"
_LIFECYCLE = "Lifecycle Services"


class Stage(StrEnum):
    """How far one step on the way to live sync is."""

    DONE = "done"
    UNDERWAY = "underway"
    FAILED = "failed"
    WAITING = "waiting"


_FINANCE_STATES = {
    "InstallRequested": ("installation requested", Stage.UNDERWAY),
    "Installing": ("being installed", Stage.UNDERWAY),
    "Installed": ("ready", Stage.DONE),
    "InstallFailed": ("installation failed", Stage.FAILED),
    "Updating": ("being updated", Stage.UNDERWAY),
}


@dataclass(frozen=True)
class Side:
    """One environment of a pair. `identifiers`: what a person may want to copy, by title."""

    product: str
    name: str
    state: str
    stage: Stage
    facts: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]


def dataverse_side(environment: Environment) -> Side:
    """Return the Dataverse side; the environment has a database."""
    state, stage = _dataverse_state(environment)
    return Side(
        product="Dataverse",
        name=environment.database.host if environment.database else environment.display_name,
        state=state,
        stage=stage,
        facts=(environment.sku, environment.location),
        identifiers=identifiers_of(environment),
    )


def identifiers_of(environment: Environment) -> tuple[tuple[str, str], ...]:
    """Return what a person may want to copy of an environment."""
    database = environment.database
    url = (("URL", f"https://{database.host}"),) if database else ()
    return (("environment id", environment.id), *url)


def finance_side(environment: Environment, ordered: LifecycleFinOps | None) -> Side:
    """Return the F&O side: that of the environment, else the one that it is to be integrated with, else none."""
    if environment.finops is not None:
        return _own_finance(environment.finops)
    if ordered is None:
        return Side(FINANCE, "none yet", "not there", Stage.WAITING, (), ())
    identifiers = (("id", ordered.id), ("URL", f"https://{ordered.host}"))
    facts = (ordered.version, _LIFECYCLE)
    return Side(FINANCE, ordered.host, "waits for its integration", Stage.WAITING, facts, identifiers)


def _dataverse_state(environment: Environment) -> tuple[str, Stage]:
    if environment.database is None or not environment.database.ready:
        return "being created", Stage.UNDERWAY
    if environment.management_state != "Ready":
        return "busy", Stage.UNDERWAY
    return "ready", Stage.DONE


def _own_finance(finops: FinOps) -> Side:
    kind = _LIFECYCLE if finops.type == "Linked" else "unified"
    facts = (finops.version, kind, *(("demo data",) if finops.demo_data else ()))
    identifiers = (("id", finops.id), ("URL", f"https://{finops.host}"))
    return Side(FINANCE, finops.host, *_FINANCE_STATES[finops.state], facts, identifiers)
