"""Which environment is meant, and whose it is: references, natural keys, the ownership mark. Pure.

The mark `dual-write <project>/<stack>` stands in the description of every environment that a
stack created. Only with it is an environment that was found by its domain the stack's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from providers.api.transport.errors import Conflict, NotFound
from providers.protocol.addresses import host_of, short_name
from providers.protocol.diff import Meaning

if TYPE_CHECKING:
    from providers.api.power_platform.models import Environment


def carries_mark(description: str | None, mark: str) -> bool:
    """Whether the mark stands in the description as a whole; `p/dev` is not found in `p/dev2` or `p/dev.eu`."""
    return re.search(rf"(?<![\w/.-]){re.escape(mark)}(?!\.?[\w/-])", description or "") is not None


def marked_by(description: str | None) -> str | None:
    """`<project>/<stack>` of the mark in a description, None without one; F&O's refresh note after it is no part."""
    found = re.search(r"(?<![\w/.-])dual-write ([\w.-]+/[\w-]+(?:\.[\w-]+)*)(?![\w/])", description or "")
    return found[1] if found else None


def same_domain(environment: Environment, domain: str) -> bool:
    """Whether this is the environment with that domain name; domains do not differ by case."""
    return environment.domain.casefold() == domain.casefold()


def own_environment(
    environments: Iterable[Environment], *, domain: str, display_name: str, mark: str
) -> Environment | None:
    """The environment that this stack made under that domain, or None when nobody has it.

    A young environment has no domain yet: it is known by mark and display name. Raises
    `Conflict` when the domain is somebody else's and when two environments fit.
    """
    known = list(environments)
    environment = _only_one([each for each in known if same_domain(each, domain)], domain)
    if environment is None:
        environment = _only_one([each for each in known if _is_young(each, display_name, mark)], domain)
    if environment is not None and not carries_mark(environment.description, mark):
        raise foreign(environment, domain)
    return environment


def _only_one(environments: Sequence[Environment], domain: str) -> Environment | None:
    if len(environments) > 1:
        raise Conflict(
            f"two environments answer to the domain '{domain}': {environments[0].id} and {environments[1].id}",
            next_step="Delete or rename the one that is not this stack's, then run again.",
        )
    return next(iter(environments), None)


def _is_young(environment: Environment, display_name: str, mark: str) -> bool:
    """Whether the environment has no domain yet, and mark and name say that this stack made it."""
    is_named = not environment.domain and environment.display_name == display_name
    return is_named and carries_mark(environment.description, mark)


def foreign(environment: Environment, domain: str) -> Conflict:
    """The refusal to touch an environment that this stack did not create."""
    return Conflict(
        f"the domain '{domain}' belongs to the environment '{environment.display_name}' ({environment.id}), "
        f"created by {creator(environment)}, not by this stack",
        # The code with which a create call is refused then (power-platform-api.md section 17).
        code="DomainNameAlreadyInUse",
        correlation_id=environment.correlation_id,
        next_step="Choose another domain, or say `instance: existing` to use that environment as it is.",
    )


def creator(environment: Environment) -> str:
    """Who created an environment, as far as the service says."""
    by = environment.created_by
    name = by and (by.display_name or by.user_principal_name or by.id)
    return name or "an unknown principal"


def resolve(environments: Iterable[Environment], reference: str) -> Environment:
    """The environment that a stack calls `reference`: a domain, the URL of its Dataverse, or an environment id.

    Raises `NotFound` when there is none and `Conflict` when two environments have that domain.
    """
    fitting = [environment for environment in environments if _answers_to(environment, reference.strip())]
    if not fitting:
        raise NotFound(
            f"no environment of this tenant answers to '{reference}'",
            next_step="Check the name, and that the program's identity may see the environment.",
        )
    if len(fitting) > 1:
        raise Conflict(f"two environments answer to '{reference}': {fitting[0].id} and {fitting[1].id}")
    return fitting[0]


def _answers_to(environment: Environment, reference: str) -> bool:
    if "://" in reference:
        return host_of(environment.url) == host_of(reference)
    if is_id(reference):
        return environment.id.casefold() == reference.casefold()
    return same_domain(environment, reference)


def is_existing(reference: str) -> bool:
    """Whether a reference means an existing environment: a new one is called by its domain, never by URL or id."""
    return "://" in reference or is_id(reference)


class KnownNames(NamedTuple):
    """Every name of a CDS environment as the state of a resource on it holds them; empty: not stored."""

    environment_id: str
    url: str


def reference_meaning(was: str, wanted: str, names: KnownNames) -> Meaning:
    """What calling an environment in another way means: by domain, URL or id, compared by what is stored of it.

    A domain is the first label of the host. From a domain, as a new instance is called, to the URL or id of an existing
    one and back is worth storing: it says whose the environment is.
    """
    same = _same_environment(was, wanted, names)
    if same:
        return Meaning.SAME if is_existing(was) == is_existing(wanted) else Meaning.RENAMED
    return Meaning.UNTOLD if same is None else Meaning.OTHER


def _same_environment(was: str, wanted: str, names: KnownNames) -> bool | None:
    """Whether both words are of one environment; None where what is stored does not tell."""
    if is_id(wanted):
        return _same_word(wanted, names.environment_id or _id_in(was))
    if "://" in wanted:
        return _same_address(was, wanted, names)
    return _same_word(wanted, short_name(names.url or _address_in(was)))


def _id_in(word: str) -> str:
    """The word when it is an id, else nothing."""
    return word if is_id(word) else ""


def _address_in(word: str) -> str:
    """The word when it is a URL or a domain, else nothing."""
    return "" if is_id(word) else word


def _same_word(wanted: str, known: str) -> bool | None:
    return wanted.casefold() == known.casefold() if known else None


def _same_address(was: str, wanted: str, names: KnownNames) -> bool | None:
    host = host_of(names.url) or host_of(was)
    if host:
        return host == host_of(wanted)
    # The domain alone tells environments apart, not that two are one: hosts of other regions have it as well.
    return False if not is_id(was) and short_name(wanted).casefold() != was.casefold() else None


def is_id(text: str) -> bool:
    """Whether a reference is the id of an environment."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
