"""Removing an environment that a stack made: verified, then requested until it took effect (power-platform-api 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.api.transport.errors import Conflict, NotFound, OperationFailed
from providers.api.transport.operations import Outcome
from providers.instances.lifecycle import stage_of
from providers.instances.references import carries_mark, foreign, same_domain
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.power_platform.interface import PowerPlatform
    from providers.api.power_platform.models import Environment, LifecycleOperation

_USUALLY = "some minutes"
# A delete operation may fail and be repeated; the recordings show the third one succeeding (11.1).
_TRIES = 10


def remove(
    service: PowerPlatform, environment_id: str, *, domain: str, mark: str, waiting: Waiting, interval: float
) -> bool:
    """Delete the environment when it is still ours, and wait until it is gone; False when it was gone already."""
    try:
        environment = service.environment(environment_id)
    except NotFound:
        return False
    _verify(environment, domain, mark)
    removal = _Removal(service, environment_id)
    waiting.until(removal.poll, what="deleting the environment", interval=interval, usually=_USUALLY)
    return True


def _verify(environment: Environment, domain: str, mark: str) -> None:
    if not carries_mark(environment.description, mark):
        raise foreign(environment, environment.domain or domain)
    if environment.domain and not same_domain(environment, domain):
        raise Conflict(
            f"the environment {environment.id} has the domain '{environment.domain}', this stack made '{domain}'",
            next_step="Run a refresh, look at the difference, then decide.",
        )


class _Removal:
    """A delete that is requested until it took effect."""

    def __init__(self, service: PowerPlatform, environment_id: str) -> None:
        self._service = service
        self._id = environment_id
        self._url: str | None = None
        self._tries = 0

    def poll(self) -> Outcome[None]:
        try:
            self._service.environment(self._id)
        except NotFound:
            return Outcome.done(None)
        if self._url is None:
            return self._request()
        return self._progress(self._url)

    def _request(self) -> Outcome[None]:
        self._tries += 1
        try:
            started = self._service.delete_environment(self._id)
        except NotFound:
            return Outcome.done(None)
        except Conflict as error:
            # Another operation runs on it, for longer than the client waits; the answer may have no code (4.4).
            if not (error.busy or error.code == "HTTP 409"):
                raise
            return Outcome.pending("waiting for another operation on it")
        self._url = started.operation_url
        return Outcome.pending("requested", started.retry_after)

    def _progress(self, url: str) -> Outcome[None]:
        try:
            operation = self._service.operation(url)
        except NotFound:
            return Outcome.pending("nearly gone")
        if not operation.finished:
            return Outcome.pending(stage_of(operation), operation.retry_after)
        return Outcome.pending("deleted, still shown") if operation.succeeded else self._once_more(operation)

    def _once_more(self, failed: LifecycleOperation) -> Outcome[None]:
        """Let the next poll request another delete, as long as there are tries left."""
        if self._tries >= _TRIES:
            raise OperationFailed(
                f"the service ended {self._tries} delete operations as Failed",
                correlation_id=failed.id,
                next_step="Look at the environment's history in the admin center, then run again.",
            )
        self._url = None
        return Outcome.pending("the service failed to delete it; once more")
