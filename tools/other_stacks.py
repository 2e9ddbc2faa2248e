"""The other stacks of the same project and backend: does one of them manage the maps of this stack's pair already?

Two stacks on one pair undo each other's map states. Nothing is written, and no service is asked: today's stack file
names this pair, the state that their last run left names theirs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from components.stack import NAMESPACE
from providers.instances.references import is_id
from providers.protocol.addresses import host_of, short_name
from tools import backend, pulumi_cli
from tools.pulumi_cli import Deployment
from tools.variables import BACKEND
from tools.workspace import ROOT


class PairNames(NamedTuple):
    """Everything that a pair of environments is called, in lower case; empty where it is not known."""

    environment_ids: frozenset[str] = frozenset()
    cds_hosts: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    finops_hosts: frozenset[str] = frozenset()

    def shared_with(self, other: "PairNames") -> str | None:
        """A name that both have, where one side of the two pairs is the same environment; else None.

        A domain is taken once in every region, so it counts only where the host of one of the two is not known.
        """
        hosts = self.cds_hosts and other.cds_hosts
        pairs = zip(self._replace(domains=frozenset()) if hosts else self, other, strict=True)
        return next((name for mine, theirs in pairs for name in sorted(mine & theirs)), None)


def deployments(stack: str, environment: Mapping[str, str]) -> dict[str, Deployment]:
    """The other stacks of the project in the backend that hold anything, by name."""
    if backend.is_unused(environment[BACKEND], ROOT):
        return {}
    listed = json.loads(pulumi_cli.ask(("stack", "ls", "--json"), environment) or "[]")
    names = [str(each["name"]) for each in listed if each["name"] != stack and each.get("resourceCount") != 0]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(names, pool.map(lambda name: pulumi_cli.deployment(name, environment), names), strict=True))


def problem(stack: str, config: Mapping[str, Any], others: Mapping[str, Deployment], tenant: str | None) -> str | None:
    """Why the stack must not manage its maps, naming the stack that does; None where no other one does.

    `tenant`: id or domain of the tenant that this run signs in to; stacks of another tenant are no neighbours.
    """
    mine = declared(config)
    for name, deployment in others.items():
        for theirs in managed(deployment, tenant):
            shared = mine.shared_with(theirs)
            if shared:
                return (
                    f"Stack '{name}' manages the maps of {shared}, and stack '{stack}' names it as well: two stacks on "
                    "one pair undo each other's map states. Nothing was run. Keep one of the two: `make destroy "
                    f"STACK={name}` deletes what that one created, existing instances stay; or name another pair."
                )
    return None


def declared(config: Mapping[str, Any]) -> PairNames:
    """What a stack file calls its pair, as far as it can be read."""
    cds, finops = _section(config, "cds"), _section(config, "finops")
    words = [_text(cds, key) for key in ("url", "environmentId", "domain")]
    return _names(words, _text(finops, "url"))


def managed(deployment: Deployment, tenant: str | None) -> Iterator[PairNames]:
    """The pairs whose maps a stack manages, in this tenant as far as is known."""
    for outputs in deployment.of_type("LiveSync"):
        if outputs.get("maps") and not _elsewhere(_text(outputs, "tenant_id"), tenant):
            words = [_text(outputs, key) for key in ("cds", "cds_url", "environment_id")]
            yield _names(words, _text(outputs, "finops_host"), _text(outputs, "finops"))


def _elsewhere(stored: str, tenant: str | None) -> bool:
    """Whether both tenants are known by their ids, and are two."""
    return bool(stored and tenant) and is_id(str(tenant)) and stored.casefold() != str(tenant).casefold()


def _names(words: Iterable[str], *finops: str) -> PairNames:
    """The names of a pair, of what its CDS is called (URL, id or domain) and of addresses or hosts of its F&O."""
    called = _kept(words)
    identifiers = frozenset(filter(is_id, called))
    hosts = _kept(map(host_of, called))
    return PairNames(
        identifiers,
        hosts,
        _kept(map(short_name, called - identifiers)),
        _kept(host_of(place) or place for place in finops),
    )


def _kept(names: Iterable[str | None]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names if name)


def _text(values: Mapping[str, Any], key: str) -> str:
    return str(values.get(key) or "")


def _section(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = config.get(f"{NAMESPACE}:{name}")
    return value if isinstance(value, dict) else {}
