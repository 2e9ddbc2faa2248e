"""Making, finding again and renaming an environment: the long work behind `CdsInstance`.

Safe to take up at any point. The natural key is the domain, ownership is the mark in the
description. A create is sent once; when its answer got lost, the environment is looked up and
only a second create follows if the domain is still free after a grace time
(power-platform-api.md 8.4, 21).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from providers.api.transport.errors import (
    ApiError,
    Conflict,
    NotFound,
    OperationFailed,
    OperationTimedOut,
    PermissionDenied,
    UnexpectedAnswer,
)
from providers.api.transport.operations import Outcome
from providers.instances.references import own_environment, same_domain
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.dataverse.models import WhoAmI
    from providers.api.power_platform.interface import PowerPlatform
    from providers.api.power_platform.models import CreateStarted, Environment, LifecycleOperation
    from providers.api.power_platform.request import EnvironmentRequest

# Polls to wait for an environment whose create got no answer: a minute with the public cloud's interval.
_GRACE_POLLS = 6
# How long the service takes after "Succeeded" to show Dataverse, and to let its creator in (8.4).
_LATE_SECONDS = 900.0
_USUALLY_CREATE = "some minutes"
# A rename may be accepted without effect (10.1); as often as that it is sent (assumed).
_RENAME_TRIES = 10


class EnvironmentLifecycle:
    """One environment of this stack, known by its domain and its mark."""

    def __init__(
        self, service: PowerPlatform, wanted: EnvironmentRequest, *, mark: str, interval: float, waiting: Waiting
    ) -> None:
        self._service = service
        self._wanted = wanted
        self._mark = mark
        self._interval = interval
        self._waiting = waiting

    def ensure(self) -> Environment:
        """The environment, found or made, with its Dataverse metadata; not yet open to its creator, perhaps."""
        environment = self._own()
        if environment is None:
            return self._visible(self._create())
        self._waiting.announce(f"found the environment {environment.id} of this stack; going on with it")
        self._follow_started(environment)
        return self._visible(environment.id)

    def _own(self) -> Environment | None:
        return own_environment(
            self._service.environments(fresh=True),
            domain=self._wanted.domain,
            display_name=self._wanted.display_name,
            mark=self._mark,
        )

    def _create(self) -> str:
        """Send the create, once more when it had no effect, and follow it; returns the environment's id."""
        outcome = self._create_once()
        if isinstance(outcome, ApiError):
            outcome = self._create_once()
        if isinstance(outcome, ApiError):
            raise OperationFailed(
                f"two creates had no effect and no environment appeared; the last one: {outcome.reason}",
                code=outcome.code,
                correlation_id=outcome.correlation_id,
                next_step="Look at the environments in the admin center, then run again: nothing is created twice.",
            )
        return outcome

    def _create_once(self) -> str | ApiError:
        """The environment's id, or why a create that may be sent once more had no effect."""
        try:
            return self._follow(self._service.create_environment(self._wanted))
        except ApiError as error:
            environment = self._after_failed_create(error)
            if environment is None:
                return error
        self._follow_started(environment)
        return environment.id

    def _after_failed_create(self, error: ApiError) -> Environment | None:
        """What a create without success left behind; None when it may be sent once more."""
        if error.code == "DomainNameAlreadyInUse":
            environment = self._own()
            if environment is None:
                raise error
            return environment
        if not error.may_have_happened or isinstance(error, OperationTimedOut):
            raise error
        self._waiting.announce(f"the create got no answer ({error.reason}); looking for the environment")
        return self._appearing()

    def _appearing(self) -> Environment | None:
        """The environment of a create that got no answer; None when none appears in the time of grace."""
        try:
            return self._waiting.until(
                self._seen,
                what="looking for the environment",
                interval=self._interval,
                at_most=_GRACE_POLLS * self._interval,
            )
        except OperationTimedOut:
            if self._waiting.remaining <= 0:
                raise
            return None

    def _seen(self) -> Outcome[Environment]:
        environment = self._own()
        return Outcome.done(environment) if environment else Outcome.pending("not there yet")

    def _follow(self, started: CreateStarted) -> str:
        url = started.operation_url
        if url is None:
            if not started.environment_id:
                raise UnexpectedAnswer("the create was accepted without an operation", may_have_happened=True)
            return started.environment_id

        def poll() -> Outcome[str]:
            try:
                operation = self._service.operation(url)
            except NotFound:
                # Only for a delete does 404 mean done; here the environment itself tells.
                environment = self._own()
                return Outcome.done(environment.id) if environment else Outcome.pending("operation not visible")
            return self._outcome(operation)

        return self._until(poll)

    def _follow_started(self, environment: Environment) -> None:
        """Wait for a create that an earlier run started; its operation is found by the environment (8.3)."""

        def poll() -> Outcome[str]:
            operations = self._service.operations_of(environment.id)
            create = next((each for each in operations if each.type == "Create"), None)
            return self._outcome(create) if create else Outcome.done(environment.id)

        try:
            self._until(poll)
        except NotFound:
            # Older operations are forgotten by the service; then nothing is under way.
            return

    def _outcome(self, operation: LifecycleOperation) -> Outcome[str]:
        if operation.succeeded:
            environment = operation.environment_id or getattr(self._own(), "id", None)
            return Outcome.done(environment) if environment else Outcome.pending("environment not visible yet")
        if operation.finished:
            raise _failed_create(operation)
        return Outcome.pending(stage_of(operation), operation.retry_after)

    def _until(self, poll: Callable[[], Outcome[str]]) -> str:
        return self._waiting.until(
            poll, what="creating the environment", interval=self._interval, usually=_USUALLY_CREATE
        )

    def _visible(self, environment_id: str) -> Environment:
        """The environment once it can be read, is ready and shows its Dataverse (8.4)."""

        def poll() -> Outcome[Environment]:
            try:
                environment = self._service.environment(environment_id)
            except NotFound:
                return Outcome.pending("not visible yet")
            if not environment.dataverse_ready:
                return Outcome.pending("Dataverse not shown yet")
            return Outcome.done(environment) if environment.state == "Ready" else Outcome.pending(environment.state)

        environment = self._waiting.until(
            poll, what="waiting for Dataverse", interval=self._interval, at_most=_LATE_SECONDS, usually="a minute"
        )
        if not same_domain(environment, self._wanted.domain):
            raise Conflict(
                f"the service gave the environment {environment.id} the domain '{environment.domain}' instead of "
                f"'{self._wanted.domain}'",
                next_step="Delete it in the admin center and run again, or choose another `domain`.",
            )
        return environment


def _failed_create(operation: LifecycleOperation) -> OperationFailed:
    left, step = "", ", then run again."
    if operation.environment_id:
        left = f" and left the environment {operation.environment_id} behind"
        step = ", delete what is left, and run again."
    return OperationFailed(
        f"the service ended the create as Failed in stage {operation.stage or 'unknown'}{left}",
        correlation_id=operation.id,
        next_step=f"Look at the environment's history in the admin center{step}",
    )


def wait_for_access(who_am_i: Callable[[], WhoAmI], waiting: Waiting, interval: float) -> WhoAmI:
    """Wait until Dataverse knows the creator: it answers 403 for up to ten minutes (8.4)."""

    def poll() -> Outcome[WhoAmI]:
        try:
            return Outcome.done(who_am_i())
        except (PermissionDenied, NotFound) as error:
            return Outcome.pending(f"not open to us yet ({error.status or 'no answer'})")

    return waiting.until(
        poll,
        what="waiting for access to Dataverse",
        interval=interval,
        at_most=_LATE_SECONDS,
        usually="10 min",
        late="Add the program's application as an application user with System Administrator, run again.",
    )


def rename(service: PowerPlatform, environment_id: str, name: str, waiting: Waiting, interval: float) -> Environment:
    """Give the environment another display name; sent again when it still reads the old one afterwards (10.1)."""
    under_way: str | None = None
    sent = 0

    def poll() -> Outcome[Environment]:
        nonlocal under_way, sent
        if under_way and _is_running(service, under_way, "rename"):
            return Outcome.pending("the service is at it")
        environment = service.environment(environment_id)
        if environment.display_name == name:
            return Outcome.done(environment)
        if sent >= _RENAME_TRIES:
            raise OperationFailed(
                f"the service took the new name {sent} times and still shows '{environment.display_name}'",
                next_step="Look at the environment's history in the admin center, then run again.",
            )
        started = service.update_environment(environment_id, display_name=name)
        under_way, sent = started.operation_url, sent + 1
        return Outcome.pending(f"still '{environment.display_name}'", started.retry_after)

    return waiting.until(poll, what=f"renaming to '{name}'", interval=interval)


def change_type(
    service: PowerPlatform, environment_id: str, sku: str, waiting: Waiting, interval: float
) -> Environment:
    """Turn a sandbox into a production environment or back (10.3), and read it back."""
    started = None
    if service.environment(environment_id).sku != sku:
        started = service.modify_sku(environment_id, sku).operation_url

    def poll() -> Outcome[Environment]:
        if started and _is_running(service, started, "change of type"):
            return Outcome.pending("the service is at it")
        environment = service.environment(environment_id)
        done = environment.sku == sku and environment.state == "Ready"
        return Outcome.done(environment) if done else Outcome.pending(f"{environment.sku}, {environment.state}")

    return waiting.until(poll, what=f"changing the type to {sku}", interval=interval)


def _is_running(service: PowerPlatform, url: str, what: str) -> bool:
    """Whether an operation goes on; one that the service has forgotten does not. Raises `OperationFailed`."""
    try:
        operation = service.operation(url)
    except NotFound:
        return False
    if operation.finished and not operation.succeeded:
        raise OperationFailed(
            f"the service ended the {what} as Failed in stage {operation.stage or 'unknown'}",
            correlation_id=operation.id,
            next_step="Look at the environment's history in the admin center, then run again.",
        )
    return not operation.finished


def stage_of(operation: LifecycleOperation) -> str:
    """What an operation is at, for progress lines."""
    return f"{operation.state}, stage {operation.stage}" if operation.stage else operation.state
