"""Each kind of resource in the words of the admin centres: what its creation, change and removal mean. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tools.bags import Bag, entries, mapping
from tools.review.changes import counted, some, told
from tools.review.preview import Step

SIDES = {"finops": "F&O", "cds": "CDS"}


def label(value: Any) -> str:
    """What people call an instance: its domain, or the first label of its address."""
    text = str(value or "")
    return (urlsplit(text).hostname or text).partition(".")[0] if "://" in text else text


def companies(value: Any) -> str:
    """`DAT, USMF`, or what a person links."""
    return ", ".join(map(str, value)) if isinstance(value, list) else "as the person links them"


def masters(inputs: Bag) -> Mapping[str, str]:
    """Map to the side that wins its initial sync."""
    sides = inputs.get("initial_sync")
    return dict.fromkeys(mapping(inputs, "maps"), sides) if isinstance(sides, str) else mapping(inputs, "initial_sync")


def _new_cds(inputs: Bag) -> str:
    if inputs.get("instance") == "existing":
        name = label(inputs.get("url") or inputs.get("environment_id"))
        return f"CDS instance {name}: used as it is, never renamed or deleted"
    kind = _listed(inputs, "type", "location", "currency")
    language = f", language {inputs['language']:.0f}" if inputs.get("language") else ""
    return f"CDS instance {inputs.get('domain')}: is created ({kind}{language}), unless this stack made it already"


def _listed(inputs: Bag, *names: str) -> str:
    """The values of those inputs that are given."""
    return ", ".join(str(inputs[name]) for name in names if inputs.get(name))


def _new_finops(inputs: Bag) -> str:
    if inputs.get("instance") == "existing":
        return f"F&O {label(inputs.get('url'))}: used as it is, never changed or removed"
    data = "with demo data" if inputs.get("data") == "demo" else "without data"
    tools = ", with developer tools" if inputs.get("developer_tools") else ""
    version = f", {inputs['version']} or newer" if inputs.get("version") else ""
    return f"F&O: is installed on {label(inputs.get('cds'))}, {data}{tools}{version}, unless it is there"


def _new_company(inputs: Bag) -> str:
    about = _listed(inputs, "name", "country")
    return f"Company {inputs.get('code')}: is created in F&O{f' ({about})' if about else ''}, unless it is there"


def _new_link(inputs: Bag) -> str:
    solutions = counted(len(entries(inputs, "solutions")), "map solution")
    way = "waits until a person has linked the two" if inputs.get("finops") else "comes with the installation of F&O"
    return f"Dual-write link: {way}; companies {companies(inputs.get('companies'))}; {solutions} applied"


def _new_bootstrap(inputs: Bag) -> str:
    units = entries(inputs, "business_units")
    where = f"rows of {some(units)}" if units else "rows of all business units"
    tables = ", ".join(entries(inputs, "tables"))
    if inputs.get("simulate"):
        return f"Company {inputs.get('company')} on {where}: counted only, nothing is written ({tables})"
    when = "before the maps start" if inputs.get("order") == "before-live-sync" else "while the maps run"
    which = "whatever company they have" if inputs.get("overwrite") else "that have no company"
    return f"Company {inputs.get('company')} is put on {where} {which}, {when}: {tables}"


def _new_maps(inputs: Bag) -> str:
    states = Counter(str(state) for state in mapping(inputs, "maps").values())
    counts = ", ".join(f"{count} {state}" for state, count in states.items()) or "none"
    keys = sorted(mapping(inputs, "integration_keys"))
    return f"Maps: {counts}{_new_sync(masters(inputs))}" + (f"; integration keys of {some(keys)}" if keys else "")


def _new_sync(synced: Mapping[str, str]) -> str:
    return f"; initial sync of {counted(len(synced), 'map')}, {winners(synced)}" if synced else "; no initial sync"


def winners(synced: Mapping[str, str]) -> str:
    """`F&O wins where both sides have a row`."""
    sides = " or ".join(SIDES.get(side, side) for side in sorted(set(synced.values())))
    return f"{sides} wins where both sides have a row"


def _new_map(inputs: Bag) -> str:
    return f"Map {inputs.get('map')}: version {_version(inputs)}"


def _version(inputs: Bag) -> str:
    author = f" ({inputs['author']})" if inputs.get("author") else ""
    return f"{inputs.get('version')}{author}"


def first_pin(inputs: Bag, active: str) -> str:
    """The line of a map whose version is declared for the first time; `active`: what it has, empty where unknown."""
    if not active:
        return _new_map(inputs)
    if active.partition(" ")[0] == inputs.get("version"):
        return f"{_new_map(inputs)}, which it has"
    return f"Map {inputs.get('map')}: version from {active} to {_version(inputs)}"


CREATED: dict[str, Callable[[Bag], str]] = {
    "CdsInstance": _new_cds,
    "FinOpsInstance": _new_finops,
    "ApplicationPackage": lambda inputs: (
        f"Application package {inputs.get('package')}: is installed, unless it is there"
    ),
    "Company": _new_company,
    "DualWriteConnection": _new_link,
    "CompanyBootstrap": _new_bootstrap,
    "LiveSync": _new_maps,
    "EntityMap": _new_map,
}
NAMES: dict[str, Callable[[Bag], str]] = {
    "CdsInstance": lambda bag: (
        f"CDS instance {bag.get('domain') or label(bag.get('url') or bag.get('environment_id'))}"
    ),
    "FinOpsInstance": lambda bag: f"F&O {label(bag.get('url') or bag.get('cds'))}",
    "ApplicationPackage": lambda bag: f"Application package {bag.get('package')}",
    "Company": lambda bag: f"Company {bag.get('code')}",
    "DualWriteConnection": lambda _: "Dual-write link",
    "CompanyBootstrap": lambda bag: f"Company {bag.get('company')} on rows",
    "LiveSync": lambda _: "Maps",
    "EntityMap": lambda bag: f"Map {bag.get('map')}",
}
# Inputs whose change stands elsewhere on the page, or only follows from what stands there.
UNTOLD = {"LiveSync": ("maps", "pinned", "drifted"), "EntityMap": ("latest", "offered")}
REMOVED = {
    "CdsInstance": "is deleted with all its data",
    "FinOpsInstance": "goes with its CDS instance; it cannot be removed alone",
    "ApplicationPackage": "stays installed: there is no uninstall; this stack forgets it",
    "Company": "stays: companies are never deleted from F&O; this stack forgets it",
    "DualWriteConnection": "is forgotten by this stack; the service has no unlink",
    "CompanyBootstrap": "rows keep their company; this stack forgets it",
    "LiveSync": "those that this stack started are stopped",
    "EntityMap": "is managed no more",
}


def name_of(step: Step, bag: Bag | None = None) -> str:
    """What people call the object."""
    naming = NAMES.get(step.kind)
    return naming(bag if bag is not None else step.old or step.new) if naming else f"{step.name} ({step.type})"


def line(step: Step) -> str:
    """One line about one resource."""
    if step.deletes:
        return f"{name_of(step)}: {removed(step)}"
    if step.replaces:
        instead = "anew" if name_of(step) == name_of(step, step.new) else f"in place of {name_of(step)}"
        return f"{_created(step)} ({instead})"
    return _created(step) if step.operation == "create" else _changed(step)


def _changed(step: Step) -> str:
    phrases = told(step, without=UNTOLD.get(step.kind, ()))
    if not phrases and "maps" not in step.changed:
        phrases = ["brought to what is declared; no input changes"]
    return f"{name_of(step)}: {'; '.join(phrases) or 'run states, see the table'}"


def removed(step: Step) -> str:
    """What becomes of the object when the stack lets it go."""
    if step.held.get("instance") == "existing" or step.held.get("created_by_us") is False:
        return "is left as it is; this stack forgets it"
    return REMOVED.get(step.kind, "is deleted")


def _created(step: Step) -> str:
    describe = CREATED.get(step.kind)
    return describe(step.new) if describe else f"{name_of(step)}: is created"
