"""Which environment is meant, and whose it is: references, natural keys, the ownership mark. Pure.

The mark `dual-write <project>/<stack>` stands in the description of every environment that a
stack created. Only with it is an environment that was found by its domain the stack's own.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit
from uuid import UUID

from providers.api.power_platform.models import Environment
from providers.api.transport.errors import Conflict, NotFound


def carries_mark(description: str | None, mark: str) -> bool:
    """Whether the mark stands in the description as a whole; `p/dev` is not found in `p/dev2` or `p/dev.eu`."""
    return re.search(rf"(?<![\w/.-]){re.escape(mark)}(?!\.?[\w/-])", description or "") is not None


def same_domain(environment: Environment, domain: str) -> bool:
    """Whether this is the environment with that domain name; domains do not differ by case."""
    return (environment.domain or "").casefold() == domain.casefold()


def own_environment(
    environments: Iterable[Environment], *, domain: str, display_name: str, mark: str
) -> Environment | None:
    """The environment that this stack made under that domain, or None when nobody has it.

    A young environment has no domain yet: it is known by mark and display name. Raises
    `Conflict` when the domain is somebody else's and when two environments fit.
    """
    known = list(environments)
    holders = [environment for environment in known if same_domain(environment, domain)]
    young = [
        environment
        for environment in known
        if not environment.domain
        and environment.display_name == display_name
        and carries_mark(environment.description, mark)
    ]
    fitting = holders or young
    if len(fitting) > 1:
        raise Conflict(
            f"two environments answer to the domain '{domain}': {fitting[0].id} and {fitting[1].id}",
            next_step="Delete or rename the one that is not this stack's, then run again.",
        )
    if not fitting:
        return None
    if not carries_mark(fitting[0].description, mark):
        raise foreign(fitting[0], domain)
    return fitting[0]


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
    return (by.display_name or by.user_principal_name or by.id if by else "") or "an unknown principal"


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
    if _is_guid(reference):
        return environment.id.casefold() == reference.casefold()
    return same_domain(environment, reference)


def host_of(url: str | None) -> str | None:
    """The host name of a URL, for comparing URLs with and without a trailing slash; None without one."""
    return urlsplit(url).hostname if url else None


def same_host(one: str | None, other: str | None) -> bool:
    """Whether two URLs name one host; False when either names none."""
    return host_of(one) is not None and host_of(one) == host_of(other)


def bare_address(url: str) -> str:
    """The address of an instance without path, port and trailing slash; a text without a host comes back as it is."""
    host = host_of(url)
    return f"https://{host}" if host else url


def is_existing(reference: str) -> bool:
    """Whether a reference means an existing environment: a new one is called by its domain, never by URL or id."""
    return "://" in reference or _is_guid(reference)


def names_the_same(reference: str, *, was: str, environment_id: str) -> bool:
    """Whether a reference means the environment that was called `was`: by its id, or by domain instead of URL.

    Nothing offline tells the domain of an id, so from an id to another word is another environment.
    """
    if _is_guid(reference):
        return reference.casefold() == environment_id.casefold()
    by_domain_and_url = ("://" in reference) != ("://" in was)
    return by_domain_and_url and short_name(reference).casefold() == short_name(was).casefold()


def short_name(reference: str) -> str:
    """What people call the environment of a reference: the first label of its host, else the reference itself."""
    return (host_of(reference) or reference).partition(".")[0]


def _is_guid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
