"""An F&O instance as a stack declares it and as the two sides hold it. The resource is `finops_instance`."""

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, NotRequired

import pulumi
from pydantic import Field

from providers.api.transport.errors import UnexpectedAnswer
from providers.catalogue.durations import TimeLimit
from providers.instances.cds_model import InstanceUrl
from providers.instances.finops_readiness import Observation
from providers.instances.on_cds import OnCdsArguments, OnCdsInputs, OnCdsOutputs
from providers.protocol.marks import AtCreation, BelongsTo, Checked, FixedWith, Minimum, Replaces
from providers.protocol.versions import at_least

if TYPE_CHECKING:
    from providers.api.power_platform.models import Environment

# What is chosen when F&O is installed, and what serves the checks before that.
_OF_NEW = BelongsTo("new")


class FinOpsInputs(OnCdsInputs):
    """F&O to be installed on `cds`, or the existing one at `url` to be linked with it.

    The two `environment_*` and `location` say what a new CDS will be, for the checks before it is there.
    """

    instance: Annotated[
        Literal["new", "existing"],
        Checked(
            file="inputs of the other kind",
            preview="no licence, region or capacity; an environment that cannot have F&O; another F&O in its place",
        ),
    ] = "new"
    data: Annotated[
        Literal["empty", "demo"] | None,
        Replaces(),
        FixedWith("cds"),
        BelongsTo("new", required=True),
        Checked(file="missing for a new one; of an existing one", preview="a change of what is installed"),
    ] = None
    developer_tools: Annotated[
        bool | None, Replaces(), FixedWith("cds"), _OF_NEW, Checked(preview="a change of what is installed")
    ] = None
    version: Annotated[
        str | None,
        Field(pattern=r"^\d+(\.\d+){1,3}$"),
        Minimum(),
        _OF_NEW,
        Checked(
            preview="not on offer, where an environment of the tenant shows what is",
            doing="not on offer, where none shows it",
        ),
    ] = None
    environment_name: Annotated[
        str | None, AtCreation(), _OF_NEW, Checked(file="too long for F&O", preview="taken by another environment")
    ] = None
    environment_type: Annotated[
        Literal["sandbox", "production"] | None, AtCreation(), _OF_NEW, Checked(preview="not offered with F&O there")
    ] = None
    location: Annotated[
        str | None,
        AtCreation(),
        Checked(file="another geography than that of F&O", preview="no licence for F&O there"),
    ] = None
    url: Annotated[
        InstanceUrl,
        BelongsTo("existing", required=True),
        Checked(
            file="no F&O of the cloud; another geography",
            preview="no answer, closed to the program, linked elsewhere; another tenant or too old, where it is linked",
            doing="another tenant or too old, where it is not linked before",
        ),
    ] = None
    timeout: TimeLimit = "4h"


class FinOpsArguments(OnCdsArguments):
    """`FinOpsInputs` as a program gives them."""

    instance: NotRequired[pulumi.Input[str] | None]
    data: NotRequired[pulumi.Input[str] | None]
    developer_tools: NotRequired[pulumi.Input[bool] | None]
    version: NotRequired[pulumi.Input[str] | None]
    environment_name: NotRequired[pulumi.Input[str] | None]
    environment_type: NotRequired[pulumi.Input[str] | None]
    location: NotRequired[pulumi.Input[str] | None]
    url: NotRequired[pulumi.Input[str] | None]


class FinOpsOutputs(OnCdsOutputs):
    """What the two sides hold. `version` is the minimum while it is met, else the older one that is installed.

    Of an existing one that is not linked, texts are empty and developer tools absent: nothing tells them.
    """

    instance: str = "new"
    data: str
    developer_tools: bool | None = None
    version: str | None = None
    environment_id: str
    cds_environment_id: str
    url: str
    application_version: str
    platform_version: str
    deployment_type: str
    demo_dataset: str


class Place(NamedTuple):
    """The CDS environment that F&O is on or linked with; empty where it is not known."""

    environment_id: str = ""
    url: str = ""

    @classmethod
    def of(cls, environment: "Environment | None", stored: FinOpsOutputs | None = None) -> "Place":
        """As the service shows it, else as it was stored."""
        if environment is not None:
            return cls(environment.id, environment.url)
        return cls(stored.cds_environment_id, stored.cds_url) if stored else cls()


def from_api(seen: Observation, place: Place, *, known: FinOpsInputs | FinOpsOutputs) -> tuple[str, FinOpsOutputs]:
    """The F&O environment's id and what the sides hold; choices that the service does not tell keep the known value."""
    identifier, url = seen.identifier, seen.url
    if not identifier or not url:
        raise UnexpectedAnswer("neither side names the id and the address of F&O", next_step="Run again.")
    return identifier, outputs_of(seen, place, url, known)


def outputs_of(seen: Observation, place: Place, url: str, known: FinOpsInputs | FinOpsOutputs) -> FinOpsOutputs:
    """What the sides hold of the F&O at `url`; choices that none of them tells keep the known value."""
    application, properties = seen.application, seen.properties
    return FinOpsOutputs(
        cloud=known.cloud,
        cds=known.cds,
        cds_url=place.url,
        instance=known.instance,
        data=_data(seen, known),
        developer_tools=known.developer_tools if seen.developer_tools is None else seen.developer_tools,
        version=known.version if at_least(seen.version, known.version) else seen.version,
        environment_id=seen.identifier or "",
        cds_environment_id=place.environment_id,
        url=url,
        application_version=seen.version or "",
        platform_version=application.platform_version if application else "",
        deployment_type=properties.deployment_type if properties else "",
        demo_dataset=properties.demo_dataset if properties else "",
    )


def _data(seen: Observation, known: FinOpsInputs | FinOpsOutputs) -> str:
    """Whether F&O has demo data: as the sides tell, else as it was chosen."""
    if seen.demo_data is None:
        return known.data or ""
    return "demo" if seen.demo_data else "empty"
