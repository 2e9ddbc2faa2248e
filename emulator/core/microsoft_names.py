"""Names that Microsoft's services have: asked before a name is refused as unknown.

What Microsoft has and the emulator lacks is *not modelled* (501); only what neither has is the caller's mistake. The
lists, with their sources, stand in data/microsoft_names.json; each is of one real organization or instance, so what a
solution of Microsoft's adds beyond them is told by its prefix.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

_NAMESPACE = re.compile(r"Microsoft\.Dynamics\.(?:CRM|DataEntities)\.")
_IDENTIFIER = re.compile(r"[A-Z]\w*")
# One-to-many relationships are called after the table they start from, or after the role of the user in them.
_RELATIONSHIP_ROLES = {"lk", "user", "owner", "business", "team", "createdby", "modifiedby", "organization"}

_OPTIONS = {"$apply", "$compute", "$deltatoken", "$format", "$id", "$index", "$levels", "$schemaversion", "$search"}


@dataclass(frozen=True)
class Name:
    """A name that a caller used. `kind`: see `_KINDS`; `owner`: logical name or set of the table it belongs to."""

    kind: str
    text: str
    owner: str = ""

    def __str__(self) -> str:
        of = f" of {self.owner}" if self.owner else ""
        return f"the {self.kind.partition(' ')[2] or self.kind} '{self.text}'{of}"


def known(name: Name) -> bool:
    """Return whether Microsoft's service has that name, or may have it for all that the lists tell."""
    return _KINDS[name.kind](name)


@cache
def _document() -> dict[str, Any]:
    text = files("emulator.data").joinpath("microsoft_names.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def _listed(service: str, part: str, owner: str = "") -> frozenset[str]:
    found = _document()[service][part]
    return frozenset((found.get(owner, "") if isinstance(found, Mapping) else found).split())


def _of_solution(text: str) -> bool:
    """Return whether the name carries the prefix of one of Microsoft's solutions (`_x_value`: that of the lookup)."""
    return text.lower().lstrip("_").partition("_")[0] in _listed("dataverse", "prefixes") and "_" in text.lstrip("_")


def _dataverse_segment(name: Name) -> bool:
    """A part of a path: an entity set, an operation, a type to cast to, a navigation property."""
    text = _NAMESPACE.sub("", name.text).partition("(")[0]
    parts = ("sets", "operations", "tables") if text != name.text.partition("(")[0] else ("sets", "operations")
    return (
        any(text in _listed("dataverse", part) for part in parts)
        or _of_solution(text)
        or (bool(name.owner) and _dataverse_property(Name(name.kind, text, name.owner)))
    )


def _dataverse_property(name: Name) -> bool:
    """A column, by its own name or as `_x_value`, or a navigation property."""
    column = re.sub(r"^_(\w+)_value$", r"\1", name.text)
    return (
        column in _listed("dataverse", "columns", name.owner)
        or column in _listed("dataverse", "columns of all tables")
        or name.text in _listed("dataverse", "navigations", name.owner)
        or _of_solution(column)
        or _is_relationship(name.text)
    )


def _is_relationship(text: str) -> bool:
    first = text.lower().partition("_")[0]
    return "_" in text and (first in _RELATIONSHIP_ROLES or first in _listed("dataverse", "tables"))


def _dataverse_table(name: Name) -> bool:
    return name.text.lower() in _listed("dataverse", "tables") or _of_solution(name.text)


def _query_function(name: Name) -> bool:
    return _NAMESPACE.sub("", name.text) in _listed("dataverse", "query functions")


def _finops_property(name: Name) -> bool:
    """A property or navigation property; of an entity that the list lacks, any that may be one."""
    if name.owner not in _document()["finops"]["columns"]:
        return _IDENTIFIER.fullmatch(name.text) is not None
    parts = ("columns", "navigations")
    return any(name.text in _listed("finops", part, name.owner) for part in parts)


def _resource(name: Name) -> bool:
    """The audience of a token: an address of Microsoft's, or the id of one of its applications."""
    host = (urlsplit(name.text).hostname or "").lower()
    domain = ".".join(host.split(".")[-2:])
    bare = name.text.lower().removeprefix("api://").rstrip("/")
    hosts = _listed("login", "hosts") | _listed("login", "domains")
    return host in hosts or domain in _listed("login", "domains") or bare in _listed("login", "applications")


def _package(name: Name) -> bool:
    """An application package by its unique name: Microsoft's begin with the name of a product or a prefix of its."""
    return name.text.lower().startswith(tuple(_listed("bap", "package prefixes")))


_KINDS: dict[str, Callable[[Name], bool]] = {
    "dataverse segment": _dataverse_segment,
    "dataverse property": _dataverse_property,
    "dataverse table": _dataverse_table,
    "dataverse query function": _query_function,
    "finops set": lambda name: name.text in _listed("finops", "sets"),
    "finops property": _finops_property,
    "resource": _resource,
    "application": lambda name: name.text.lower() in _listed("login", "applications"),
    "grant type": lambda name: name.text in _listed("login", "grants"),
    "location": lambda name: name.text.lower() in _listed("bap", "locations"),
    "application package": _package,
    "bap member": lambda name: name.text in _listed("bap", "members"),
    # No source tells which else the service has, or that it has no others.
    "query option": lambda name: name.text in _OPTIONS,
    "option": lambda _name: True,
}
