"""The management service as a person uses it, on a linked pair."""

from collections.abc import Callable
from typing import Any

from emulator.core.wire import Reply
from emulator.identity.directory import ADMINISTRATOR_UPN
from emulator.tenant import Tenant

GATEWAY = "https://projectmanagementservice.weu-il107.gateway.prod.island.powerapps.com"
ROOT = f"{GATEWAY}/api/DualWriteManagement/1.0"
FINANCE_HOST = "contoso-uat.operations.eu.dynamics.com"
DATAVERSE_HOST = "contoso-uat.crm4.dynamics.com"
CORE = "msdyn_DualWriteAppCoreMaps"
ENVIRONMENT: dict[str, Any] = {
    "id": "3f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21",
    "name": "Contoso UAT",
    "domain": "contoso-uat",
    "packages": [
        "DualWriteCoreAnchor",
        "msdyn_DualWriteAppCoreAnchor",
        "msdyn_Dynamics365FinanceExtendedAnchor",
    ],
    "finops": {"host": FINANCE_HOST, "demo_data": True},
}


class Administrator:
    """The management service as a person sees it: one linked pair, calls, and time that passes."""

    def __init__(self, tenant: Tenant, call: Callable[..., Reply]) -> None:
        self.tenant = tenant
        self._call = call

    def get(self, path: str, **options: Any) -> Reply:
        """GET below the service's root, or of a whole URL."""
        return self._call("GET", self._url(path), user=ADMINISTRATOR_UPN, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Reply:
        """POST below the service's root, or to a whole URL."""
        return self._call("POST", self._url(path), json=json, user=ADMINISTRATOR_UPN, **options)

    def _url(self, path: str) -> str:
        return path if path.startswith("https://") else GATEWAY + path if path.startswith("/") else f"{ROOT}/{path}"

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.tenant.events.advance(seconds)

    @property
    def link(self) -> dict[str, Any]:
        """E1's answer for the pair."""
        found: dict[str, Any] = self.get(f"Environments?targetType=AX&identifier={FINANCE_HOST}").json[0]
        return found

    @property
    def cid(self) -> str:
        """The id of the pair's connection set."""
        return str(self.link["cid"])

    def apply(self, solution: str = CORE) -> None:
        """Apply a solution and wait until it is there."""
        body = {"action": "2", "solutions": [{"criteria": {"uniquename": solution}}]}
        assert self.post(f"SolutionAware/{self.cid}/RestoreTemplates", body).status == 200
        self.wait(120)

    def maps(self) -> dict[str, dict[str, Any]]:
        """E2's `detail` by map name."""
        found = self.get(f"Entities?targetType=AX&cid={self.cid}").json
        return {one["detail"]["tName"]: one["detail"] for one in found}

    def ask(self, action: str, *names: str, **parameters: Any) -> Reply:
        """Send one E3 for these maps."""
        known = self.maps()
        details = []
        for name in names:
            detail = {"tid": known[name]["tid"], "cid": self.cid, "pid": known[name].get("pid")}
            details.append({**detail, **({"parameters": parameters} if parameters else {})})
        return self.post("Start", {"action": action, "details": details})

    def do(self, action: str, *names: str, **parameters: Any) -> str:
        """Send one E3, wait long enough for it and its lag, and return the request id."""
        reply = self.ask(action, *names, **parameters)
        assert reply.status == 200, reply.json
        self.wait(60)
        return str(reply.json["requestId"])

    def outcome(self, request_id: str) -> list[tuple[str, str | None]]:
        """State and error text of a request, one per map (E4)."""
        entries = []
        for one in self.get(f"Status/{request_id}").json:
            mine = [entry for entry in one["detail"]["lastRequests"] if entry["requestId"] == request_id]
            entries += [(entry["state"], entry["errorMessage"]) for entry in mine]
        return entries

    def running(self, *names: str) -> None:
        """Initialise these maps and start them without initial sync."""
        for name in names:
            self.do("8", name)
            self.do("1", name, skipInitialSync=True)
