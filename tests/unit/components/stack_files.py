"""Stack files for tests: a right one, and mistakes that can be made in it independently of each other."""

from collections.abc import Iterable
from copy import deepcopy
from datetime import date
from typing import Any, NamedTuple

TODAY = date(2026, 11, 23)
RIGHT: dict[str, Any] = {
    "cloud": "emulator",
    "cds": {
        "instance": "new",
        "name": "contoso-uat",
        "domain": "contoso-uat",
        "type": "sandbox",
        "location": "europe",
        "currency": "EUR",
        "language": 1033,
    },
    "finops": {"instance": "new", "data": "empty"},
    "connection": {"companies": ["DAT"]},
    "maps": {"include": ["application-core", "finance"]},
    "timeouts": {"finops": "4h"},
}
MINE = {"name": "ContosoDualWriteMaps", "version": "1.2.0.0"}


class Mistake(NamedTuple):
    """A value at a place of the right file, the key that must be named, and a word of the advice."""

    place: tuple[str, ...]
    value: Any
    key: str
    says: str


def stack_file(mistakes: Iterable[Mistake] = ()) -> dict[str, Any]:
    """The right file with these mistakes made in it."""
    raw = deepcopy(RIGHT)
    for mistake in mistakes:
        put(raw, mistake.place, mistake.value)
    return raw


def existing_pair(**sections: Any) -> dict[str, Any]:
    """A right file of two existing instances, with these sections in place of its own."""
    return {
        "cds": {"instance": "existing", "url": "https://contoso.crm4.dynamics.com"},
        "finops": {"instance": "existing", "url": "https://contoso-erp.sandbox.operations.eu.dynamics.com"},
        "connection": {"companies": ["USMF", "FRRT"]},
        "maps": {"include": ["application-core", "finance"]},
        **sections,
    }


def put(raw: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    """Set a value deep inside."""
    *sections, last = place
    for name in sections:
        raw = raw.setdefault(name, {})
    raw[last] = value


# No two at one place: any subset can be made in one file.
MISTAKES = (
    Mistake(("colour",), "blue", "dualwrite:colour", "is not a key"),
    Mistake(("cds", "domian"), "x", "dualwrite:cds.domian", "did you mean `domain`?"),
    Mistake(("cds", "domain"), "contoso-uat-far-long", "dualwrite:cds.domain", "19 at most"),
    Mistake(("cds", "name"), "contoso-uat-far-too-long", "dualwrite:cds.name", "20 at most"),
    Mistake(("cds", "type"), "sandbx", "dualwrite:cds.type", "did you mean `sandbox`?"),
    Mistake(("cds", "location"), None, "dualwrite:cds.location", "is required"),
    Mistake(("cds", "currency"), "EURO", "dualwrite:cds.currency", "three letters"),
    Mistake(("cds", "language"), "german", "dualwrite:cds.language", "whole number"),
    Mistake(("cds", "url"), "https://contoso.crm4.dynamics.com", "dualwrite:cds.url", "instance: existing"),
    Mistake(("finops", "data"), "full", "dualwrite:finops.data", "empty, demo"),
    Mistake(("finops", "developerTools"), "no", "dualwrite:finops.developerTools", "true or false"),
    Mistake(("finops", "version"), 10.1, "dualwrite:finops.version", "put it in quotes"),
    Mistake(("finops", "url"), "https://x.operations.dynamics.com", "dualwrite:finops.url", "instance: existing"),
    Mistake(("connection", "companies"), [7], "dualwrite:connection.companies[0]", "put it in quotes"),
    Mistake(("connection", "companyChange"), "rest", "dualwrite:connection.companyChange", "did you mean `reset`?"),
    Mistake(("connection", "gateway"), "http://gateway.example", "dualwrite:connection.gateway", "https://"),
    Mistake(("connection", "packages"), "all", "dualwrite:connection.packages", "must be a list"),
    Mistake(
        ("connection", "solutions"),
        [{"name": "Mine", "version": 1.2}],
        "dualwrite:connection.solutions[0].version",
        "put it in quotes",
    ),
    Mistake(
        ("companies",),
        [{"code": "USMFX", "name": "Contoso", "country": "USA"}],
        "dualwrite:companies[0].code",
        "F&O takes company codes of 4 at most",
    ),
    Mistake(("bootstrap",), [{"company": "DAT"}], "dualwrite:bootstrap", "no rows that lack a company"),
    Mistake(("maps", "include"), ["finance", "warehouse"], "dualwrite:maps.include[1]", "no area"),
    Mistake(("maps", "custom"), ["a"], "dualwrite:maps.custom[0]", "no name of a map"),
    Mistake(("maps", "state"), "started", "dualwrite:maps.state", "running, paused, stopped"),
    Mistake(("maps", "initialSync"), "finop", "dualwrite:maps.initialSync", "did you mean `finops`?"),
    Mistake(("maps", "catchUp"), "drop", "dualwrite:maps.catchUp", "replay, keep-as-errors, discard"),
    Mistake(("maps", "resync"), "again", "dualwrite:maps.resync", "no map has one"),
    Mistake(("maps", "integrationKeys"), {"accounts": []}, "dualwrite:maps.integrationKeys.accounts", "is empty"),
    Mistake(("limits", "initialSyncRows"), 0, "dualwrite:limits.initialSyncRows", "1 or more"),
    Mistake(
        ("maps", "overrides", "accounts - Customers V3", "version"),
        "latest",
        'dualwrite:maps.overrides["accounts - Customers V3"].version',
        "needs the `author`",
    ),
    Mistake(("timeouts", "finops"), "long", "dualwrite:timeouts.finops", "such as 90s"),
    Mistake(("timeouts", "link"), 30, "dualwrite:timeouts.link", "put it in quotes"),
    Mistake(
        ("confirm",),
        [{"action": "discard-queue", "target": "accounts - Customers", "until": "2027-01-31"}],
        "dualwrite:confirm[0].target",
        "none of the chosen maps",
    ),
)
