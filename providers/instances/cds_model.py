"""A CDS instance as a stack declares it and as the service holds it, and which inputs fit which kind of instance.

Pure, apart from the models of the API clients. The resource is `cds_instance`.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from providers.api.dataverse.models import Organization, Solution
from providers.api.power_platform.models import Environment
from providers.catalogue.durations import Duration
from providers.instances.references import same_host
from providers.protocol.call import Inputs, Outputs
from providers.protocol.consent import Consent
from providers.protocol.marks import CaseBlind, NotCompared, Refused, Replaces
from providers.protocol.problems import Problem

_PERMANENT = "it is fixed when the environment is created; a new `domain` makes another environment"
_NEEDED = ("name", "domain", "location", "currency", "language")
OF_NEW, OF_EXISTING = (*_NEEDED, "type"), ("url", "environment_id")


class CdsInputs(Inputs):
    """A CDS instance in the words of the admin center. New: name to language. Existing: its URL or environment id.

    `finops`: the address of the F&O that an existing one is, or shall be, linked with; None: F&O is installed on it.
    """

    cloud: Annotated[str, Refused("another cloud is another tenant: use a stack of its own")]
    instance: Literal["new", "existing"] = "new"
    name: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    domain: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$", min_length=2, max_length=32),
        Replaces(),
        CaseBlind(),
    ] = None
    type: Literal["sandbox", "production"] | None = None
    location: Annotated[str | None, Refused(_PERMANENT)] = None
    currency: Annotated[str | None, Field(pattern=r"^[A-Za-z]{3}$"), CaseBlind(), Refused(_PERMANENT)] = None
    language: Annotated[int | None, Refused(_PERMANENT)] = None
    url: Annotated[str | None, Field(pattern=r"^https://[^/\s]+/?$"), Replaces()] = None
    environment_id: Annotated[str | None, Field(min_length=1), Replaces(), CaseBlind()] = None
    finops: Annotated[str | None, NotCompared()] = None
    confirm: tuple[Consent, ...] = ()
    timeout: Annotated[Duration, NotCompared()] = "2h"

    @property
    def reference(self) -> str:
        """How the stack calls the environment: its domain, or the URL or id of an existing one."""
        return self.domain or self.url or self.environment_id or ""


class CdsOutputs(Outputs):
    """What the service holds; `geography` is where it is by the service, `prime_solution` the marker's version.

    `reference` is the word by which an existing one was found: its URL or environment id.
    """

    cloud: str
    instance: str = "new"
    name: str
    domain: str
    type: str
    location: str
    currency: str
    language: int
    finops: str | None = None
    confirm: tuple[Consent, ...] = ()
    timeout: str = "2h"
    reference: str | None = None
    environment_id: str
    url: str
    api_url: str
    organization_id: str
    geography: str
    azure_region: str
    version: str
    prime_solution: str
    created_by_us: bool


def from_api(
    held: Environment, organization: Organization, prime: Solution | None, *, known: CdsInputs | CdsOutputs
) -> CdsOutputs:
    """What the service holds. The location keeps the stack's word for as long as the geography stays the same."""
    moved = isinstance(known, CdsOutputs) and known.geography != held.location
    url = held.url or ""
    return CdsOutputs(
        cloud=known.cloud,
        instance=known.instance,
        name=held.display_name,
        domain=(held.domain or "").lower(),
        type=held.sku.lower(),
        location=held.location if moved else known.location or held.location,
        currency=organization.currency or known.currency or "",
        language=held.language or organization.language or known.language or 0,
        finops=known.finops,
        confirm=known.confirm,
        timeout=known.timeout,
        reference=known.reference if known.instance == "existing" else None,
        environment_id=held.id,
        url=known.url if known.url and same_host(known.url, url) else url,
        api_url=held.api_url or "",
        organization_id=held.organization_id or organization.id,
        geography=held.location,
        azure_region=held.azure_region or "",
        version=held.version or "",
        prime_solution=prime.version if prime else "not present",
        created_by_us=known.instance == "new",
    )


def shape_problems(inputs: CdsInputs) -> Iterator[Problem]:
    """Inputs that are missing, or that belong to the other kind of instance."""
    given = {name for name in (*OF_NEW, *OF_EXISTING) if getattr(inputs, name) is not None}
    if inputs.instance == "new":
        yield from (Problem(name, "is required") for name in _NEEDED if name not in given)
        yield from (Problem(name, "is for an existing instance; leave it out") for name in OF_EXISTING if name in given)
        return
    yield from (
        Problem(name, "is for a new instance; an existing one keeps its own") for name in OF_NEW if name in given
    )
    if len(given & set(OF_EXISTING)) != 1:
        yield Problem("url", "an existing instance is found by either `url` or `environment_id`: give one of them")
