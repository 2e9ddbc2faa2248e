"""Application packages of an environment (power-platform-api.md 14.7)."""

import threading
from collections.abc import Mapping
from urllib.parse import quote

from providers.api.app_management.models import ApplicationPackage, PackageOperation
from providers.api.transport.answers import Response
from providers.api.transport.client import ServiceClient
from providers.api.transport.errors import InvalidRequest, TransportError
from providers.api.transport.shared import Shared
from providers.api.transport.wire import read

VERSION = "2022-03-01-preview"
# Seconds for which the packages of an environment are shared between callers.
LIST_LIFETIME = 1.0


class AppManagement:
    """The `appmanagement` namespace of the Power Platform API. There is no uninstall."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._lists: dict[str, Shared[dict[str, ApplicationPackage]]] = {}

    def packages(self, environment_id: str, *, fresh: bool = False) -> dict[str, ApplicationPackage]:
        """All packages by unique name; shared by threads for a second."""
        return self._shared(environment_id).get(fresh=fresh)

    def _shared(self, environment_id: str) -> Shared[dict[str, ApplicationPackage]]:
        with self._lock:
            if environment_id not in self._lists:
                self._lists[environment_id] = Shared(
                    lambda: self._read_packages(environment_id), LIST_LIFETIME, self._client.timing.clock
                )
            return self._lists[environment_id]

    def _read_packages(self, environment_id: str) -> dict[str, ApplicationPackage]:
        path = f"{_environment(environment_id)}/applicationPackages"
        found = self._client.read_pages(ApplicationPackage, path, params={"api-version": VERSION})
        return {package.unique_name: package for package in found}

    def install(self, environment_id: str, unique_name: str, payload: str | None = None) -> str:
        """Request an installation and return the operation id; `payload` is the `a=b|c=d` text of 14.6.

        Never re-sent blindly: `TransportError` with `may_have_happened` = look at the package's state. Raises
        `Conflict` (`OperationNotStartable`) while an installation runs.
        """
        path = f"{_environment(environment_id)}/applicationPackages/{quote(unique_name, safe='')}/install"
        try:
            response = self._client.request(
                "POST",
                path,
                params={"api-version": VERSION},
                json={"payloadValue": payload} if payload else {},
                expected={200, 202},
                answer="maybe",
                # What is busy may be this very installation: the caller looks at the package's state.
                wait_busy=False,
            )
        finally:
            self._shared(environment_id).forget()
        found = _operation_id(response)
        if not found:
            raise TransportError(
                f"the installation of {unique_name} was taken, but no operation was named",
                correlation_id=response.correlation_id,
                status=response.status,
                service=self._client.service,
                may_have_happened=True,
            )
        return found

    def operation(self, environment_id: str, operation_id: str) -> PackageOperation:
        """One poll of an installation; 202 and 409 mean that it still runs."""
        response = self._client.request(
            "GET",
            f"{_environment(environment_id)}/operations/{quote(operation_id, safe='')}",
            params={"api-version": VERSION},
            expected={200, 202, 409},
            answer="maybe",
        )
        known = response.object() if response.status != 409 else {}
        operation = read(PackageOperation, {"operationId": operation_id, **known}, response, self._client.service)
        return operation.model_copy(update={"retry_after": response.retry_after})


def _environment(environment_id: str) -> str:
    if not environment_id.strip():
        raise InvalidRequest("an empty environment id was about to be sent")
    return f"/appmanagement/environments/{quote(environment_id, safe='')}"


def _operation_id(response: Response) -> str:
    """From the body (`lastOperation.operationId`), else the last segment of `Operation-Location`."""
    last = response.object().get("lastOperation")
    found = last.get("operationId") if isinstance(last, Mapping) else None
    if isinstance(found, str) and found:
        return found
    return (response.operation_url or "").split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]
