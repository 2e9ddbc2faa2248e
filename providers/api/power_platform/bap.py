"""`PowerPlatform` on the BAP admin API (power-platform-api.md sections 5 to 13) and the F&O reads of 15.4."""

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from providers.api.power_platform.models import (
    CreateStarted,
    Currency,
    Environment,
    FinOpsProperties,
    Language,
    LifecycleOperation,
    Locations,
    OperationError,
    OperationStarted,
    Template,
    TenantCapacity,
)
from providers.api.power_platform.request import EnvironmentRequest
from providers.api.transport.client import ServiceClient
from providers.api.transport.errors import InvalidRequest, NotFound, TransportError
from providers.api.transport.shared import Shared
from providers.api.transport.wire import mapping, read, read_list, unexpected

ROOT = "/providers/Microsoft.BusinessAppPlatform"
ADMIN = f"{ROOT}/scopes/admin/environments"
CURRENT = "2023-06-01"
# A newer version turns the environment into a managed one when only a description is sent (section 3).
CHANGES = "2021-04-01"
OPERATIONS = "2024-05-01"
LICENSING = "2022-03-01-preview"
DOCUMENTED = "2024-10-01"
_CATALOGUE = {"api-version": CURRENT}
EXPAND_LIST = "properties/billingPolicy,properties/copilotPolicies"
EXPAND_ONE = f"permissions,properties.capacity,{EXPAND_LIST}"
# Seconds for which the list of all environments is shared between callers, and one of them by those of a refresh.
LIST_LIFETIME = 1.0
ONE_LIFETIME = 5.0


class BapPowerPlatform:
    """See `power_platform.PowerPlatform`. `bap` and `power_platform` are the clients of the two hosts."""

    def __init__(self, bap: ServiceClient, power_platform: ServiceClient) -> None:
        self._bap = bap
        self._power_platform = power_platform
        self._list: Shared[list[Environment]] = Shared(self._read_environments, LIST_LIFETIME, bap.timing.clock)
        self._lock = threading.Lock()
        self._ones: dict[str, Shared[Environment]] = {}

    def environments(self, *, fresh: bool = False) -> list[Environment]:
        """See `PowerPlatform`."""
        return self._list.get(fresh=fresh)

    def _read_environments(self) -> list[Environment]:
        return self._bap.read_pages(Environment, ADMIN, params={"$expand": EXPAND_LIST, "api-version": CURRENT})

    def environment(self, environment_id: str, *, shared: bool = False) -> Environment:
        """See `PowerPlatform`."""
        if not shared:
            return self._read_environment(environment_id)
        with self._lock:
            one = self._ones.get(environment_id)
            if one is None:
                one = Shared(lambda: self._read_environment(environment_id), ONE_LIFETIME, self._bap.timing.clock)
                self._ones[environment_id] = one
        return one.get()

    def _read_environment(self, environment_id: str) -> Environment:
        query = {"$expand": EXPAND_ONE, "api-version": CURRENT}
        return self._bap.read(Environment, f"{ADMIN}/{_segment(environment_id)}", params=query)

    def _forget(self) -> None:
        """Something was written: what was read before is not shared any more."""
        self._list.forget()
        with self._lock:
            self._ones.clear()

    def find_by_domain(self, domain: str, *, fresh: bool = False) -> Environment | None:
        """See `PowerPlatform`."""
        wanted = domain.casefold()
        return next((each for each in self.environments(fresh=fresh) if (each.domain or "").casefold() == wanted), None)

    def create_environment(self, request: EnvironmentRequest) -> CreateStarted:
        """See `PowerPlatform`."""
        try:
            response = self._bap.request(
                "POST",
                f"{ROOT}/environments",
                params={"api-version": CURRENT},
                json=_create_body(request),
                expected={200, 201, 202},
                answer="maybe",
            )
        finally:
            self._forget()
        name = response.object().get("name")
        started = CreateStarted(
            operation_url=response.operation_url,
            environment_id=name if isinstance(name, str) and name else None,
            retry_after=response.retry_after,
        )
        if started.operation_url is None and started.environment_id is None:
            raise TransportError(
                "the service took the environment but named no operation to follow",
                correlation_id=response.correlation_id,
                status=response.status,
                service=self._bap.service,
                may_have_happened=True,
            )
        return started

    def operation(self, url: str) -> LifecycleOperation:
        """See `PowerPlatform`."""
        response = self._bap.request("GET", url, expected={200, 202, 409}, answer="maybe")
        body = response.json()
        done = response.status == 200 and isinstance(body, Mapping)
        operation = read(LifecycleOperation, body if done else {}, response, self._bap.service)
        return operation.model_copy(update={"retry_after": response.retry_after})

    def operations_of(self, environment_id: str) -> list[LifecycleOperation]:
        """See `PowerPlatform`."""
        query = {"api-version": OPERATIONS, "$filter": f"environment eq '{_segment(environment_id)}'"}
        return self._bap.read_list(LifecycleOperation, f"{ROOT}/lifecycleOperations", params=query)

    def update_environment(
        self, environment_id: str, *, display_name: str | None = None, description: str | None = None
    ) -> OperationStarted:
        """See `PowerPlatform`."""
        changes = {"displayName": display_name, "description": description}
        return self._change(
            "PATCH",
            f"{ADMIN}/{_segment(environment_id)}",
            {"properties": {name: value for name, value in changes.items() if value is not None}},
            CHANGES,
        )

    def modify_sku(self, environment_id: str, sku: str) -> OperationStarted:
        """See `PowerPlatform`."""
        return self._change("POST", f"{ADMIN}/{_segment(environment_id)}/modifySku", {"environmentSku": sku}, CHANGES)

    def delete_environment(self, environment_id: str) -> OperationStarted:
        """See `PowerPlatform`."""
        # Code 7 means that an application removed it (11.1).
        body = {"code": "7", "message": "removed by dualwrite"}
        return self._change("DELETE", f"{ADMIN}/{_segment(environment_id)}", body, CURRENT)

    def _change(self, method: str, path: str, body: Mapping[str, Any], version: str) -> OperationStarted:
        try:
            response = self._bap.request(
                method,
                path,
                params={"api-version": version},
                json=body,
                expected={200, 202, 204},
                # A rename and a delete come to the same when sent twice; a change of SKU is read back instead.
                replay="never" if method == "POST" else "safe",
                answer="maybe",
            )
        finally:
            self._forget()
        return OperationStarted(operation_url=response.operation_url, retry_after=response.retry_after)

    def locations(self) -> Locations:
        """See `PowerPlatform`."""
        return self._bap.read(Locations, f"{ROOT}/locations", params=_CATALOGUE)

    def templates(self, location: str) -> list[Template]:
        """See `PowerPlatform`."""
        response = self._bap.request("GET", _place(location, "templates"), params=_CATALOGUE)
        by_sku = mapping(response, self._bap.service)
        if not any(isinstance(templates, list) for templates in by_sku.values()):
            raise unexpected("no list of templates", response, self._bap.service)
        found: list[Template] = []
        for sku, templates in by_sku.items():
            if isinstance(templates, list):
                each = read_list(Template, templates, response, self._bap.service)
                found += [template.model_copy(update={"sku": sku}) for template in each]
        return found

    def currencies(self, location: str) -> list[Currency]:
        """See `PowerPlatform`."""
        return self._bap.read_list(Currency, _place(location, "environmentCurrencies"), params=_CATALOGUE)

    def languages(self, location: str) -> list[Language]:
        """See `PowerPlatform`."""
        return self._bap.read_list(Language, _place(location, "environmentLanguages"), params=_CATALOGUE)

    def validate_domain(self, domain: str, location: str) -> str | None:
        """See `PowerPlatform`."""
        try:
            self._bap.request(
                "POST",
                f"{ROOT}/validateEnvironmentDetails",
                params={"api-version": CHANGES},
                json={"domainName": domain, "environmentLocation": location},
                expected={200, 204},
                replay="safe",
                answer="none",
            )
        except InvalidRequest as error:
            if error.code == "InvalidDomainName":
                return str(error)
            raise
        return None

    def tenant_capacity(self) -> TenantCapacity:
        """See `PowerPlatform`."""
        query = {"api-version": LICENSING}
        return self._power_platform.read(TenantCapacity, "/licensing/tenantCapacity", params=query)

    def finops_properties(self, environment_id: str) -> FinOpsProperties | None:
        """See `PowerPlatform`."""
        path = f"/dynamics/environments/{_segment(environment_id)}/finopsproperties"
        try:
            return self._power_platform.read(FinOpsProperties, path, params={"api-version": DOCUMENTED})
        except NotFound:
            return None

    def operation_errors(self, environment_id: str, limit: int = 20) -> list[OperationError]:
        """See `PowerPlatform`."""
        path = f"/dynamics/environments/{_segment(environment_id)}/operationerrors"
        query = {"api-version": DOCUMENTED, "maxResults": str(limit)}
        return self._power_platform.read_list(OperationError, path, member="errors", params=query)


def _place(location: str, catalogue: str) -> str:
    return f"{ROOT}/locations/{_segment(location)}/{catalogue}"


def _segment(value: str) -> str:
    """One path segment. An empty id would turn a get into a list that looks like success (section 6)."""
    if not value.strip():
        raise InvalidRequest("an empty id was about to be sent")
    return quote(value, safe="")


def _create_body(request: EnvironmentRequest) -> dict[str, Any]:
    """The body of section 7; absent members are left out, unknown ones would be refused."""
    database: dict[str, Any] = {
        "baseLanguage": request.language,
        "currency": {"code": request.currency},
        "domainName": request.domain,
    }
    if request.security_group_id:
        database["securityGroupId"] = request.security_group_id
    if request.templates:
        database["templates"] = list(request.templates)
    properties: dict[str, Any] = {
        "displayName": request.display_name,
        "environmentSku": request.sku,
        "databaseType": "CommonDataService",
        "linkedEnvironmentMetadata": database,
    }
    if request.description:
        properties["description"] = request.description
    if request.azure_region:
        properties["azureRegion"] = request.azure_region
    place = {"location": request.location} if request.location else {"macroRegion": request.macro_region}
    return {**place, "properties": properties}
