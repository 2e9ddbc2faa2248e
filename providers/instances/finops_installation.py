"""Installing F&O on an environment and following it to readiness: the long work behind `FinOpsInstance`.

Platform Tools, then the Provisioning App with its choices, then the ladder of
power-platform-api.md 14.10 read from both sides. Every step looks first: what a template or a
killed run has queued, installed or registered is only waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from providers.api.transport.errors import (
    ApiError,
    AuthenticationError,
    Conflict,
    InvalidRequest,
    OperationFailed,
    PermissionDenied,
)
from providers.api.transport.operations import Outcome
from providers.instances.finops_readiness import LINK_IN_BAP, Observation, missing, require_agreement
from providers.instances.package_installation import Installation, Packages
from providers.instances.references import carries_mark
from providers.protocol.findings import REFRESH_BY_HAND, REGISTER_BY_HAND
from providers.protocol.versions import at_least, fitting, newest
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.dataverse.models import FinOpsApplication, IntegrationDetails
    from providers.api.power_platform.interface import PowerPlatform
    from providers.api.power_platform.models import Environment, OperationError

PLATFORM_TOOLS = "msprov_fnouploadersolution"
PROVISIONING_APP = "msdyn_FinanceAndOperationsProvisioningAppAnchor"
# The user of a new F&O whose rights the registered application gets (assumed: the creator's account).
FINOPS_ADMINISTRATOR = "Admin"
_REFRESH_NOTE = " (with F&O)"
_REFRESH_STEPS = (
    "the Power Platform does not show the link yet; editing the environment's description in the admin center makes it"
)
# Polls in which only the link in BAP is missing before the environment is edited to refresh it (10.1).
_LATE_POLLS = 5


class DataverseSide(Protocol):
    """What Dataverse tells and takes about F&O (14.8)."""

    def integration_details(self) -> IntegrationDetails | None:
        """The linked F&O; None when there is no link."""

    def finops_versions(self) -> list[str]:
        """Versions on offer."""

    def finops_application_details(self) -> FinOpsApplication | None:
        """Version and type; None while there is no F&O."""

    def queue_finops_install_or_update(self, payload: str) -> None:
        """Queue an update."""


class FinOpsSide(Protocol):
    """What F&O itself answers (14.9)."""

    def reachable(self) -> bool:
        """Whether it answers and knows the caller; `PermissionDenied` when it does not know it."""

    def register_application(self, client_id: str, user: str, name: str) -> None:
        """Let an Entra application in."""


class FinOpsInstallation:
    """F&O on one environment. `finops_at` gives the client of an F&O address, `client_id` the program's application.

    `mark` is the ownership mark of the stack, None for an environment that is not the stack's.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        power_platform: PowerPlatform,
        packages: Packages,
        dataverse: DataverseSide,
        finops_at: Callable[[str], FinOpsSide],
        client_id: str | None,
        mark: str | None,
        waiting: Waiting,
        package_interval: float,
        finops_interval: float,
    ) -> None:
        self._environment = environment
        self._power_platform = power_platform
        self._packages = packages
        self._dataverse = dataverse
        self._finops_at = finops_at
        self._client_id = client_id
        self._mark = mark
        self._waiting = waiting
        self._package_interval = package_interval
        self._interval = finops_interval
        self._late = 0

    def install(self, *, demo_data: bool, developer_tools: bool, minimum: str | None) -> Observation:
        """Bring F&O there with these choices, unless it is there or on its way, and see it ready from both sides."""
        self._package(PLATFORM_TOOLS).ensure(self._waiting, usually="about 10 min")
        try:
            self._package(PROVISIONING_APP).ensure(
                self._waiting, payload=lambda: self._payload(demo_data, developer_tools, minimum), usually="about 1 h"
            )
        except OperationFailed as error:
            raise self._explained(error) from None
        seen = self.follow()
        _verify_choices(seen, demo_data=demo_data, developer_tools=developer_tools)
        return seen

    def follow(self) -> Observation:
        """Wait until the ladder agrees from both sides, registering the program's application on the way."""
        url = self._waiting.until(
            self._address, what="waiting for the link to F&O", interval=self._interval, usually="1 to 3 h"
        )
        self._admitted(url)
        return self._waiting.until(
            self._ready, what="checking F&O from both sides", interval=self._interval, usually="some minutes"
        )

    def update(self, minimum: str) -> Observation:
        """Raise the application to at least `minimum` in place; nothing is queued while an update is on its way."""
        installed = self.observe().version
        if not at_least(installed, minimum):
            target = self._target(minimum)
            if not self._package(PROVISIONING_APP).current(fresh=True).installing:
                self._queue(f"ApplicationVersion={target}")
            self._waiting.until(
                lambda: self._updated(minimum),
                what=f"updating F&O to {target}",
                interval=self._interval,
                usually="about 1 h",
            )
        return self.follow()

    def observe(self) -> Observation:
        """What every side says now; F&O itself is asked only when its address is known."""
        environment = self._power_platform.environment(self._environment.id)
        integration = self._dataverse.integration_details()
        application = self._dataverse.finops_application_details()
        self._environment = environment
        return Observation(
            linked=environment.finops,
            integration=integration,
            package_state=self._package(PROVISIONING_APP).current().state,
            application=application,
            properties=self._power_platform.finops_properties(environment.id),
        )

    def _package(self, name: str) -> Installation:
        return Installation(self._packages, self._environment.id, name, interval=self._package_interval)

    def _payload(self, demo_data: bool, developer_tools: bool, minimum: str | None) -> str:
        choices = {"DevToolsEnabled": str(developer_tools).lower(), "DemoDataEnabled": str(demo_data).lower()}
        target = self._target(minimum)
        if target:
            choices["ApplicationVersion"] = target
        return "|".join(f"{key}={value}" for key, value in choices.items())

    def _target(self, minimum: str | None) -> str | None:
        """The version to ask for; None leaves the choice to the service, which takes the latest."""
        offered = self._dataverse.finops_versions()
        target = fitting(offered, minimum)
        if minimum and target is None:
            raise InvalidRequest(
                f"F&O {minimum} is not on offer for this environment; the newest is {newest(offered) or 'unknown'}",
                next_step="Lower `version`, or leave it out to get the newest.",
            )
        return target

    def _queue(self, payload: str) -> None:
        try:
            self._dataverse.queue_finops_install_or_update(payload)
        except ApiError as error:
            if not error.may_have_happened:
                raise
            # The package's state or the version tells whether the service took it; the wait below reads both.
            self._waiting.announce(f"the request of the update got no answer ({error.reason}); looking at F&O instead")

    def _updated(self, minimum: str) -> Outcome[None]:
        application = self._dataverse.finops_application_details()
        installed = application.application_version if application else None
        if at_least(installed, minimum):
            return Outcome.done(None)
        package = self._package(PROVISIONING_APP).current()
        if package.failed:
            raise self._explained(OperationFailed(f"the update of F&O to {minimum} failed"))
        return Outcome.pending(f"{installed or 'no version'}, {package.state}")

    def _address(self) -> Outcome[str]:
        seen = self.observe()
        return Outcome.done(seen.url) if seen.url else Outcome.pending(f"{seen.package_state}, not linked yet")

    def _admitted(self, url: str) -> None:
        """Register the program's application in F&O, or wait until a person did."""
        finops = self._finops_at(url)
        steps = registration_steps(url, self._client_id)

        def poll() -> Outcome[None]:
            try:
                return Outcome.done(None) if finops.reachable() else Outcome.pending("F&O does not answer yet")
            except (PermissionDenied, AuthenticationError):
                if self._register(finops):
                    return Outcome.pending("registering the application")
                self._waiting.announce(steps, REGISTER_BY_HAND)
                return Outcome.pending("waiting for the person who registers the application")

        self._waiting.until(
            poll, what="waiting for access to F&O", interval=self._interval, late=f"{steps} Then run again."
        )

    def _register(self, finops: FinOpsSide) -> bool:
        """Try to register ourselves; the creator of F&O may do so (assumed), others need a person."""
        if self._client_id is None:
            return False
        try:
            finops.register_application(self._client_id, FINOPS_ADMINISTRATOR, "dual-write as code")
        except (PermissionDenied, AuthenticationError):
            return False
        return True

    def _ready(self) -> Outcome[Observation]:
        seen = self.observe()
        seen = replace(seen, reachable=seen.url is not None and self._finops_at(seen.url).reachable())
        require_agreement(seen)
        open_rungs = missing(seen)
        if not open_rungs:
            return Outcome.done(seen)
        self._refresh_link(open_rungs)
        return Outcome.pending(f"missing {', '.join(open_rungs)}")

    def _refresh_link(self, open_rungs: list[str]) -> None:
        """Edit the description when the link in BAP stays away: documentation's own way to refresh it (10.1).

        Nothing is written to an environment of somebody else's: a person is told how to do it.
        """
        self._late = self._late + 1 if open_rungs == [LINK_IN_BAP] else 0
        if self._late == 0 or self._late % _LATE_POLLS:
            return
        if self._mark is not None and carries_mark(self._environment.description, self._mark):
            self._waiting.announce("editing the environment's description, which makes the platform show the link")
            edited = _edited(self._environment.description)
            self._power_platform.update_environment(self._environment.id, description=edited)
        elif self._late == _LATE_POLLS:
            self._waiting.announce(_REFRESH_STEPS, REFRESH_BY_HAND)

    def _explained(self, error: OperationFailed) -> OperationFailed:
        """The failure with what the service keeps about it (15.4): reason, code, correlation id."""
        try:
            causes = self._power_platform.operation_errors(self._environment.id)
        except ApiError:
            return error
        return _with_cause(error, causes[0]) if causes else error


def registration_steps(url: str, client_id: str | None) -> str:
    """What a person does so that F&O accepts the program's application; shown while waiting and when time is up."""
    application = f"the application {client_id}" if client_id else "the program's application (its client id)"
    return (
        f"Sign in to {url} as administrator, open System administration > Setup > Microsoft Entra ID applications, "
        f"add {application} with the user {FINOPS_ADMINISTRATOR}."
    )


def _verify_choices(seen: Observation, *, demo_data: bool, developer_tools: bool) -> None:
    """F&O that was on its way already may have been asked for with other choices."""
    wrong = []
    if seen.demo_data not in (None, demo_data):
        wrong.append(f"with {'demo' if seen.demo_data else 'empty'} data")
    if seen.developer_tools not in (None, developer_tools):
        wrong.append(f"{'with' if seen.developer_tools else 'without'} developer tools")
    if wrong:
        raise Conflict(
            f"F&O is there already, {' and '.join(wrong)}, and both are fixed when it is installed",
            next_step="Set `data` and `developerTools` to what is there, or give the CDS instance a new `domain`.",
        )


def _edited(description: str) -> str:
    """The description with the note at its end, or without it: either is an edit."""
    without = description.removesuffix(_REFRESH_NOTE)
    return without if without != description else description + _REFRESH_NOTE


def _with_cause(error: OperationFailed, cause: OperationError) -> OperationFailed:
    where = f" in {cause.action}" if cause.action else ""
    return OperationFailed(
        f"{error.reason.partition(':')[0]}{where}: {cause.message or error.reason}",
        code=cause.code or error.code,
        correlation_id=cause.correlation_id or error.correlation_id,
        next_step="Remove the cause, or give support the correlation id; the next run requests it once more.",
    )
