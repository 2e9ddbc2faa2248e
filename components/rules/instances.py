"""What the sections of the two instances mean together: which keys belong to which kind, lengths, addresses, places.

Sources: power-platform-api.md 5.2 and 14.4, dual-write-semantics.md 1.4 and 2.3. Pure.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic.alias_generators import to_camel

from components.draft import Draft
from components.findings import Broken
from components.stack import DraftCds, DraftFinOps, Kind
from providers.catalogue.geography import geography_problem
from providers.catalogue.limits import FINOPS_DOMAIN_LIMIT, FINOPS_NAME_LIMIT
from providers.cds_instance import CdsInstanceProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances.hosts import dataverse_problem, finops_problem

# power-platform-api.md 5.2: the shapes of the addresses of the two sides.
_DATAVERSE_HOST, _FINOPS_HOST = re.compile(r"\.crm\d*\."), re.compile(r"\.operations\.")


class _Keys(NamedTuple):
    """Which keys of a section belong to which kind of instance, as the inputs of its resource are marked."""

    section: str
    required: list[str]
    of_new: list[str]
    of_existing: list[str]

    @classmethod
    def of(
        cls, section: str, model: type[DraftCds | DraftFinOps], kind: CdsInstanceProvider | FinOpsInstanceProvider
    ) -> "_Keys":
        """The keys of the section among the inputs of a kind of resource."""

        def keys(names: list[str]) -> list[str]:
            return [to_camel(name) for name in names if name in model.model_fields]

        return cls(
            section,
            keys(kind.inputs_for("new", required=True)),
            keys(kind.inputs_for("new")),
            keys(kind.inputs_for("existing")),
        )


_CDS = _Keys.of("cds", DraftCds, CdsInstanceProvider())
_FINOPS = _Keys.of("finops", DraftFinOps, FinOpsInstanceProvider())
# semantics 1.4: demo data is chosen for the deployment.
_CHOSEN_ONCE = "demo data or none is chosen when F&O is installed; an existing one keeps the data it has, leave it out"


def instance_rules(draft: Draft) -> Iterator[Broken]:
    """Every rule about the two instances that the draft breaks."""
    yield from _keys_of_kind(draft, _CDS, draft.stack.cds.instance)
    yield from _keys_of_kind(draft, _FINOPS, draft.stack.finops.instance)
    yield from _lengths(draft.stack.cds, draft.stack.finops)
    yield from _addresses(draft.stack.cds, draft.stack.finops, draft.stack.cloud)


def _keys_of_kind(draft: Draft, keys: _Keys, kind: Kind | None) -> Iterator[Broken]:
    written, filled = list(draft.written(keys.section)), draft.filled(keys.section)
    if kind == "new":
        yield from _missing(keys, filled)
        yield from _foreign_to_new(keys, written)
    elif kind == "existing":
        yield from _foreign_to_existing(keys, written)
        yield from _not_named(keys, filled)
    elif {"url", "name"} <= set(written):
        yield Broken((keys.section, "url"), "says existing and `name` says new; keep one of the two")


def _missing(keys: _Keys, filled: list[str]) -> Iterator[Broken]:
    for wanted in keys.required:
        if wanted not in filled:
            yield Broken((keys.section, wanted), "is required with `instance: new`")


def _foreign_to_new(keys: _Keys, written: list[str]) -> Iterator[Broken]:
    new = " and ".join(f"`{word}`" for word in keys.required[:2])
    for other in keys.of_existing:
        if other in written:
            text = f"belongs to `instance: existing`; a new one has {new}, so leave it out"
            yield Broken((keys.section, other), text)


def _foreign_to_existing(keys: _Keys, written: list[str]) -> Iterator[Broken]:
    usual = "belongs to `instance: new`; an existing one keeps what it has"
    for other in keys.of_new:
        if other in written:
            yield Broken((keys.section, other), _CHOSEN_ONCE if other == "data" else usual)


def _not_named(keys: _Keys, filled: list[str]) -> Iterator[Broken]:
    if len(set(keys.of_existing) & set(filled)) != 1:
        wanted = " or ".join(f"`{word}`" for word in keys.of_existing)
        exactly = ", by exactly one of them" if len(keys.of_existing) > 1 else ""
        yield Broken((keys.section,), f"an existing one is named by {wanted}{exactly}")


def _lengths(cds: DraftCds, finops: DraftFinOps) -> Iterator[Broken]:
    if "existing" in (finops.instance, cds.instance):
        return
    for name, value, limit in (("name", cds.name, FINOPS_NAME_LIMIT), ("domain", cds.domain, FINOPS_DOMAIN_LIMIT)):
        if value and len(value) > limit:
            text = f"has {len(value)} characters; F&O is installed on it, so {limit} at most: `{value[:limit]}`"
            yield Broken(("cds", name), text)


def _addresses(cds: DraftCds, finops: DraftFinOps, cloud: str) -> Iterator[Broken]:
    """Addresses of the other side, and of two geographies (semantics 2.3): those of new instances are not told yet."""
    cds_url, finops_url = _existing_address(cds), _existing_address(finops)
    if _FINOPS_HOST.search(cds_url):
        yield Broken(("cds", "url"), "is the address of an F&O instance; that of a CDS instance has `.crm` in it")
    if _DATAVERSE_HOST.search(finops_url):
        text = "is the address of a CDS instance; that of an F&O instance has `.operations.` in it"
        yield Broken(("finops", "url"), text)
    yield from _foreign_hosts(cds_url, finops_url, cloud)
    location = cds.location if cds.instance == "new" else None
    apart = geography_problem(finops_url, cds_url=cds_url, location=location)
    if apart:
        yield Broken(("finops", "url"), apart)


def _foreign_hosts(cds_url: str, finops_url: str, cloud: str) -> Iterator[Broken]:
    """Addresses outside the cloud, and that of a Web API; one of the other side is told as such."""
    foreign_cds = None if _FINOPS_HOST.search(cds_url) else dataverse_problem(cloud, cds_url or None)
    foreign_finops = None if _DATAVERSE_HOST.search(finops_url) else finops_problem(cloud, finops_url or None)
    problems = (("cds", foreign_cds), ("finops", foreign_finops))
    yield from (Broken((section, "url"), text) for section, text in problems if text)


def _existing_address(section: DraftCds | DraftFinOps) -> str:
    """The address of an existing instance; empty when it is not told, or the instance is new."""
    return (section.url or "") if section.instance == "existing" else ""
