"""`ApplicationPackage`: one Dynamics 365 application on an environment, such as a dual-write package.

API: Power Platform API `appmanagement` (power-platform-api.md 14.7). Natural key: environment
and unique name. Adopted when it is installed already, also by a template. Replaces: both parts
of the key. Not read back: the installed version; the service reports the one on offer. Takes
about ten minutes (assumed, no figure is documented). There is no uninstall: deletion leaves it in place.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Unpack

import pulumi
from pydantic import Field

from providers.api.transport.errors import ApiError, NotFound
from providers.catalogue.durations import TimeLimit, seconds
from providers.instances.existing_finops import environment_of
from providers.instances.identifiers import on_environment
from providers.instances.on_cds import OnCds, OnCdsArguments, OnCdsInputs, OnCdsOutputs
from providers.instances.package_installation import Installation, named, not_offered
from providers.instances.presence import address_of, environment_or_gone
from providers.instances.references import resolve
from providers.protocol.base import Call, ManagedResource, NotRead, Problem
from providers.protocol.findings import CDS_NOT_CHECKED
from providers.protocol.marks import CaseBlind, Checked, Replaces
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.app_management.models import ApplicationPackage as LivePackage

_USUALLY = "about 10 min"


class PackageInputs(OnCdsInputs):
    """An application package by its unique name, on the environment that the stack calls `cds`."""

    package: Annotated[
        str,
        Field(min_length=1),
        Replaces(),
        CaseBlind(),
        Checked(
            file="the same one twice",
            preview="misspelt; not offered on an environment that has F&O",
            doing="not offered on an environment that gets F&O first",
        ),
    ]
    timeout: TimeLimit = "2h"


class PackageArguments(OnCdsArguments):
    """`PackageInputs` as a program gives them."""

    package: pulumi.Input[str]


class PackageOutputs(OnCdsOutputs):
    """What the service holds: its title, the state of the installation and the version on offer."""

    package: str
    environment_id: str
    title: str
    state: str
    version: str


def from_api(
    live: "LivePackage", environment_id: str, cds_url: str, *, known: PackageInputs | PackageOutputs
) -> PackageOutputs:
    """The package as the service reports it."""
    return PackageOutputs(
        cloud=known.cloud,
        cds=known.cds,
        cds_url=cds_url,
        package=live.unique_name or known.package,
        environment_id=environment_id,
        title=live.name,
        state=live.state,
        version=live.version,
    )


class ApplicationPackageProvider(OnCds[PackageInputs, PackageOutputs]):
    """Install once, follow to `Installed`, leave in place."""

    resource = "ApplicationPackage"
    inputs = PackageInputs
    outputs = PackageOutputs

    def name_of(self, values: PackageInputs | PackageOutputs) -> str:
        """The unique name, as the admin APIs spell it."""
        return values.package

    def live_problems(self, inputs: PackageInputs, call: Call) -> Iterator[Problem]:
        """A name that no package has; silent while there is no environment to ask."""
        session = call.session(inputs.cloud)
        environment = environment_of(session.power_platform.environments(), inputs.cds)
        if environment is None:
            return
        try:
            packages = session.app_management.packages(environment.id)
        except ApiError as error:
            call.announce(f"not checked: whether the package is on offer ({error.reason})", CDS_NOT_CHECKED)
            return
        text = not_offered(packages, inputs.package, finops_there=environment.finops is not None)
        if text:
            yield Problem("package", text)

    def unfinished(self, stored: PackageOutputs) -> bool:
        """An installation that a person's attempt left failed is finished by the next run."""
        return stored.state not in ("Installed", "TemplateInstalled")

    def on_create(self, inputs: PackageInputs, call: Call) -> tuple[str, PackageOutputs]:
        """Install the package unless it is there, and verify it."""
        session = call.session(inputs.cloud)
        environment = resolve(session.power_platform.environments(fresh=True), inputs.cds)
        live = self._installed(environment.id, inputs, call)
        outputs = from_api(live, environment.id, environment.url, known=inputs)
        return on_environment(environment.id, inputs.package), outputs

    def on_read(self, identifier: str, stored: PackageOutputs, call: Call) -> PackageOutputs | None:
        """The package by environment and name; gone with its environment, or when it is not installed there."""
        session = call.session(stored.cloud)
        try:
            live = named(session.app_management.packages(stored.environment_id), stored.package)
        except NotFound as error:
            if environment_or_gone(session.power_platform, stored.environment_id) is None:
                return None
            raise NotRead(str(error)) from error
        if live is None or live.state in ("None", "Uninstalled"):
            return None
        address = address_of(stored.environment_id, stored.cds_url, session)
        return from_api(live, stored.environment_id, address, known=stored)

    def on_update(self, identifier: str, stored: PackageOutputs, inputs: PackageInputs, call: Call) -> PackageOutputs:
        """Finish an installation that is not `Installed`; nothing else can change in place."""
        live = self._installed(stored.environment_id, inputs, call)
        address = address_of(stored.environment_id, stored.cds_url, call.session(inputs.cloud))
        return from_api(live, stored.environment_id, address, known=inputs)

    def on_delete(self, identifier: str, stored: PackageOutputs, call: Call) -> None:
        """Say that it stays: the service has no uninstall."""
        call.progress("left in place: the service cannot uninstall an application package")

    def _installed(self, environment_id: str, inputs: PackageInputs, call: Call) -> "LivePackage":
        session = call.session(inputs.cloud)
        installation = Installation(
            session.app_management, environment_id, inputs.package, interval=session.profile.polls.package
        )
        return installation.ensure(Waiting(call, seconds(inputs.timeout)), usually=_USUALLY)


class ApplicationPackage(ManagedResource, module="dualwrite", name="ApplicationPackage"):
    """An application package that the stack needs on its environment."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    package: pulumi.Output[str]
    environment_id: pulumi.Output[str]
    title: pulumi.Output[str]
    state: pulumi.Output[str]
    version: pulumi.Output[str]

    def __init__(
        self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[PackageArguments]
    ) -> None:
        super().__init__(ApplicationPackageProvider(), resource_name, inputs, opts)
