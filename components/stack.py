"""The stack file's shape: one typed model of every key below `dualwrite:`.

A `Draft...` model has the keys of a section of which none is certain to be there: what rules read while parts of the
file are broken. The model after it is the section of a right file. A key stands in the first of the two alone, unless a
right file cannot be without it.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictBool, Tag
from pydantic.alias_generators import to_camel

from components.values import (
    Address,
    Company,
    Currency,
    Day,
    Domain,
    Duration,
    EnvironmentId,
    Https,
    Lcid,
    MapVersion,
    NotNegative,
    Positive,
    Tenant,
    Text,
    Version,
)
from providers.catalogue.bootstrap_tables import DEFAULT_TABLES
from providers.catalogue.companies import AsLinked
from providers.catalogue.limits import COMPANIES_LIMIT, LIVE_COMPANIES_LIMIT, ROWS_LIMIT, SINGLE_THREADED_LIMIT
from providers.protocol.consent import Action

NAMESPACE = "dualwrite"
Kind = Literal["new", "existing"]
Cloud = Literal["emulator", "public", "gcc", "gcchigh", "dod", "china"]
State = Literal["running", "paused", "stopped"]
InitialSync = Literal["none", "finops", "cds"]
CatchUp = Literal["replay", "keep-as-errors", "discard"]


class Section(BaseModel):
    """A map of the stack file: keys in camel case, unknown keys are errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, defer_build=True
    )


class DraftCds(Section):
    """`cds` as far as it is right."""

    instance: Kind | None = None
    url: Address | None = Field(None, description="Existing: its address. Either this or environmentId.")
    environment_id: EnvironmentId | None = Field(None, description="Existing: its Power Platform environment id.")
    name: Text | None = Field(
        None, description="New: display name; at most 20 characters where F&O is installed on it."
    )
    domain: Domain | None = Field(
        None, description="New: first label of its address; at most 19 characters where F&O is installed on it."
    )
    type: Literal["sandbox", "production"] = Field("sandbox", description="New: kind of environment.")
    location: Text | None = Field(None, description="New: location, such as europe. Can never be changed.")
    currency: Currency | None = Field(None, description="New: ISO code, such as EUR. Can never be changed.")
    language: Lcid | None = Field(None, description="New: locale id (LCID), such as 1033. Can never be changed.")


class Cds(DraftCds):
    """The CDS instance (a Dataverse environment): a new one, or an existing one by its address."""

    instance: Kind = Field(description="Whether the stack creates it.")


class DraftFinOps(Section):
    """`finops` as far as it is right."""

    instance: Kind | None = None
    data: Literal["empty", "demo"] | None = Field(None, description="New: without data, or with the demo companies.")
    developer_tools: StrictBool = Field(False, description="New: install the developer tools.")
    version: Version | None = Field(
        None, description="New: a minimum version, as quoted text. Default: the newest on offer when it is created."
    )
    url: Address | None = Field(None, description="Existing: its address.")


class FinOps(DraftFinOps):
    """The F&O instance: a new one is installed on the stack's CDS environment."""

    instance: Kind = Field(description="Whether the stack installs it.")


class Solution(Section):
    """A map solution of the user's own."""

    name: Text = Field(description="Unique name of the solution.")
    version: Version = Field(description="A minimum version, as quoted text.")


def _kind(value: Any) -> str:
    return "~word" if isinstance(value, str) else "~list"


Companies = Annotated[Annotated[list[Company], Tag("~list")] | Annotated[AsLinked, Tag("~word")], Discriminator(_kind)]


class Connection(Section):
    """The link between the two."""

    companies: Companies | None = Field(
        None,
        description="Legal entities of the link as quoted text, the whole list; or as-linked, which records what is "
        "linked. Default: [DAT] for a new F&O; required for an existing one.",
    )
    company_change: Literal["manual", "reset"] = Field(
        "manual", description="How companies are changed on a link that is in use: by hand with steps, or by a reset."
    )
    reset: str = Field(
        "",
        description="Any new text resets the link once more, which links the pair anew, and restores its maps; needs "
        "the consent reset-link where maps have run.",
        strict=True,
    )
    gateway: Https | None = Field(None, description="The dual-write gateway; required unless cloud is emulator.")
    packages: list[Text] | None = Field(
        None, description="Application packages in order of installation. Default: what the chosen maps need."
    )
    solutions: list[Solution] = Field([], description="Map solutions of the user's own.")


class DraftLegalEntity(Section):
    """An entry of `companies` as far as it is right."""

    code: Company | None = None
    name: Text | None = Field(None, description="Used at creation only; no two companies of one name.")
    country: Text | None = Field(None, description="Country/region, such as USA; used at creation only.")


class LegalEntity(DraftLegalEntity):
    """A legal entity that must exist in F&O."""

    code: Company = Field(description="Company code, as quoted text.")


class DraftBootstrap(Section):
    """An entry of `bootstrap` as far as it is right."""

    company: Company | None = None
    business_units: list[Text] | None = Field(
        None, description="Restricts the tables that have one; no two entries may name the same. Default: all."
    )
    tables: list[Text] = Field(
        list(DEFAULT_TABLES), description="Dataverse tables by set name, in the order in which they are stamped."
    )
    overwrite: StrictBool = Field(False, description="Also stamp rows that carry another company.")
    order: Literal["live", "before-live-sync"] = Field("live", description="While maps run, or before they start.")
    max_failures: NotNegative = Field(100, description="Stop after this many rows that could not be stamped.")
    simulate: StrictBool = Field(False, description="Count per table, write nothing.")


class Bootstrap(DraftBootstrap):
    """Stamp a company on CDS rows that have none, once."""

    company: Company = Field(description="Company code, as quoted text.")


class Override(Section):
    """What one map does differently."""

    state: State | None = Field(None, description="Run state of this map.")
    initial_sync: InitialSync | None = Field(None, description="Side that wins a conflict in its initial sync.")
    version: MapVersion | None = Field(
        None, description="Version of the map, as quoted text; or latest, the newest of the author. Default: as it is."
    )
    author: Text | None = Field(None, description="Publisher of the version; needed for latest.")
    catch_up: CatchUp | None = Field(None, description="What becomes of rows queued while it was paused.")
    resync: str | None = Field(None, description="Any new text runs its initial sync once more.", strict=True)


class DraftMaps(Section):
    """`maps` as far as it is right."""

    include: list[Text] | None = None
    exclude: list[Text] = Field([], description="Areas or map names to leave out.")
    custom: list[Text] = Field([], description="Maps outside the standard list.")
    prerequisites: Literal["add", "strict"] = Field(
        "add", description="Add the maps that chosen ones need, or refuse when one is missing."
    )
    state: State = Field("running", description="Run state of all maps.")
    initial_sync: InitialSync = Field("none", description="Side that wins a conflict in the initial sync.")
    catch_up: CatchUp = Field("replay", description="What becomes of rows queued while a map was paused.")
    resync: str = Field("", description="Any new text runs the initial sync once more.", strict=True)
    integration_keys: dict[str, list[Text]] = Field({}, description="Key columns by Dataverse table.")
    overrides: dict[str, Override] = Field({}, description="Map name to what it does differently.")


class Maps(DraftMaps):
    """Which maps run, and how."""

    include: list[Text] = Field(description="Areas, map names, or all.")


class Limits(Section):
    """Documented limits, which a check before each change holds to."""

    live_companies: Positive = Field(LIVE_COMPANIES_LIMIT, description="Companies of a link in live sync.")
    initial_sync_companies: Positive = Field(COMPANIES_LIMIT, description="Companies in an initial sync.")
    initial_sync_rows: Positive = Field(ROWS_LIMIT, description="Rows of a map and company in an initial sync.")
    single_threaded_rows: Positive = Field(
        SINGLE_THREADED_LIMIT, description="The same for the tables that initial sync imports in one thread."
    )


class Timeouts(Section):
    """How long the slow steps may take, such as 90s, 30m, 2h."""

    environment: Duration = Field("2h", description="Creation of the environment, and each application package.")
    finops: Duration = Field("4h", description="Installation or update of F&O.")
    link: Duration = Field("30m", description="Companies, the link, its health and map solutions.")
    initial_sync: Duration = Field(
        "6h", description="Starting the maps, with initial sync where there is one; and each bootstrap."
    )


class DraftConfirmation(Section):
    """An entry of `confirm` as far as it is right."""

    action: Action | None = None
    target: Text | None = None
    until: Day | None = None


class Confirmation(DraftConfirmation):
    """Consent to what cannot be undone."""

    action: Action = Field(description="What you consent to.")
    target: Text = Field(description="First label of the CDS host; for discard-queue the map's name.")
    until: Day = Field(description="Last day on which it counts, as quoted text.")


class DraftStack(Section):
    """A stack file as far as it is right: a section that is broken or left out has no keys."""

    cloud: Cloud = Field("emulator", description="Where the tenant is.")
    tenant: Tenant | None = Field(
        None,
        description="The tenant of the pair, by its id or a domain: with credentials of another one nothing is done.",
    )
    cds: DraftCds = Field(default_factory=DraftCds)
    finops: DraftFinOps = Field(default_factory=DraftFinOps)
    connection: Connection = Field(default_factory=Connection, description="The dual-write link between the two.")
    companies: tuple[DraftLegalEntity, ...] = ()
    bootstrap: tuple[DraftBootstrap, ...] = ()
    maps: DraftMaps = Field(default_factory=DraftMaps)
    limits: Limits = Field(default_factory=Limits, description="Documented limits that a plan is checked against.")
    timeouts: Timeouts = Field(default_factory=Timeouts, description="How long the slow steps may take.")
    confirm: tuple[DraftConfirmation, ...] = ()


class Stack(DraftStack):
    """Everything below `dualwrite:` in a stack file."""

    cds: Cds = Field(description="The CDS instance (Dataverse environment) of the pair.")
    finops: FinOps = Field(description="The F&O instance of the pair.")
    companies: tuple[LegalEntity, ...] = Field((), description="Legal entities to create in F&O when they are missing.")
    bootstrap: tuple[Bootstrap, ...] = Field((), description="Companies to stamp on CDS rows that have none.")
    maps: Maps = Field(description="Which maps run, and how.")
    confirm: tuple[Confirmation, ...] = Field((), description="Consent to what cannot be undone; each entry ends.")
