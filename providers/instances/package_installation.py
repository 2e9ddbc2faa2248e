"""Installing an application package on an environment: request it once, follow it to `Installed`.

The service has one state per package and environment (power-platform-api.md 14.7), so what a
killed run requested is found again by that state and only waited for. There is no uninstall.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from providers.api.transport.errors import ApiError, NotFound, OperationFailed, ServiceUnavailable
from providers.api.transport.operations import Outcome
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.app_management.models import ApplicationPackage, PackageOperation

# The install endpoint fails for about half a minute on a young environment (8.4, D365BAP#121).
_START_TRIES_SECONDS = 180.0


class Packages(Protocol):
    """The part of the application management service that installing needs."""

    def packages(self, environment_id: str, *, fresh: bool = False) -> dict[str, ApplicationPackage]:
        """Every package on offer, by unique name; shared for a moment unless `fresh`."""

    def install(self, environment_id: str, unique_name: str, payload: str | None = None) -> str:
        """Request an installation; returns the operation's id."""

    def operation(self, environment_id: str, operation_id: str) -> PackageOperation:
        """The state of one installation."""


def named(packages: Mapping[str, ApplicationPackage], name: str) -> ApplicationPackage | None:
    """The package of that unique name, whatever its case."""
    folded = {unique.casefold(): package for unique, package in packages.items()}
    return packages.get(name) or folded.get(name.casefold())


def not_offered(packages: Mapping[str, ApplicationPackage], name: str, *, finops_there: bool) -> str | None:
    """Against a package that an environment does not list; None when it does, and while F&O may still bring it."""
    folded = {unique.casefold(): unique for unique in packages}
    if name.casefold() in folded:
        return None
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    if close:
        return f"is not offered on this environment; did you mean `{folded[close[0]]}`?"
    if not finops_there:
        return None
    return "is not offered on this environment: check its spelling and the tenant's licences for it"


class Installation:
    """One package on one environment, brought to `Installed`."""

    def __init__(self, service: Packages, environment_id: str, unique_name: str, *, interval: float) -> None:
        self._service = service
        self._environment_id = environment_id
        self._unique_name = unique_name
        self._interval = interval
        self._title = unique_name
        self._operation_id: str | None = None

    def current(self, *, fresh: bool = False) -> ApplicationPackage:
        """The package as the service holds it; `NotFound` when the environment does not offer it."""
        package = named(self._service.packages(self._environment_id, fresh=fresh), self._unique_name)
        if package is None:
            raise NotFound(
                f"the package {self._unique_name} is not offered on this environment",
                next_step="Check the tenant's licences for it in the admin center, Dynamics 365 apps.",
            )
        return package

    def ensure(
        self, waiting: Waiting, *, payload: Callable[[], str] | None = None, usually: str = ""
    ) -> ApplicationPackage:
        """Install the package unless it is there or on its way, and wait for it.

        `payload` is asked for its parameters only when the installation has to be requested.

        An installation that failed in an earlier run is requested once more; one that fails
        now raises `OperationFailed` with the service's message.
        """
        package = self.current(fresh=True)
        self._title = package.name or self._unique_name
        if package.installed:
            return package
        if package.installing:
            waiting.announce(f"{self._title} is already on its way ({package.state}); waiting for it")
        else:
            self._request(waiting, payload() if payload else None)
        return waiting.until(self._poll, what=self._title, interval=self._interval, usually=usually)

    def _request(self, waiting: Waiting, payload: str | None) -> None:
        def start() -> Outcome[str]:
            try:
                return Outcome.done(self._service.install(self._environment_id, self._unique_name, payload))
            except NotFound as error:
                return Outcome.pending(f"not accepted yet: {error.reason}")
            except ApiError as error:
                # A lost answer is looked up: what the service accepted shows in the package's state.
                if not (error.may_have_happened or isinstance(error, ServiceUnavailable) or error.busy):
                    raise
                package = self.current(fresh=True)
                if package.installing or package.installed:
                    return Outcome.done("")
                return Outcome.pending(f"not accepted yet: {error.reason}")

        what = f"request of {self._title}"
        operation_id = waiting.until(start, what=what, interval=self._interval, at_most=_START_TRIES_SECONDS)
        self._operation_id = operation_id or None

    def _poll(self) -> Outcome[ApplicationPackage]:
        # None: somebody else requested the installation, or the service has forgotten its operation.
        operation = self._operation()
        finished = operation is not None and operation.finished
        # The list is shared for a moment; what an ended operation did is read at once.
        package = self.current(fresh=finished)
        if package.installed:
            return Outcome.done(package)
        if operation and operation.finished and not operation.succeeded:
            raise self._failure(operation.error_message or operation.status_message, operation.error_name)
        if package.failed and operation is None:
            # The package's own word counts only where no operation is known.
            raise self._failure(_text(package.error), None)
        return Outcome.pending(package.state, operation.retry_after if operation else None)

    def _operation(self) -> PackageOperation | None:
        if self._operation_id is None:
            return None
        try:
            return self._service.operation(self._environment_id, self._operation_id)
        except NotFound:
            return None

    def _failure(self, message: str | None, code: str | None) -> OperationFailed:
        return OperationFailed(
            f"the installation of {self._unique_name} failed: {message or 'the service gives no reason'}",
            code=code,
            next_step="Remove the cause and run again: the next run requests the installation once more.",
        )


def _text(details: object) -> str | None:
    if isinstance(details, dict):
        message = details.get("message") or details.get("errorMessage")
        return str(message) if message else None
    return str(details) if details else None
