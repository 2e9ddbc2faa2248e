"""`login.microsoftonline.com`: discovery, keys and the token endpoint."""

from emulator.http import Service, ServiceError
from emulator.tenant import Tenant

HOSTS = {"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"}


def service() -> Service:
    """Return the identity service; it alone needs no bearer."""
    return Service(
        name="login",
        hosts=lambda _tenant, host: host in HOSTS,
        routes=(),
        audiences=lambda _tenant, _host: set(),
        unauthorized=lambda reason: ServiceError(401, {"error": "invalid_client", "error_description": reason}),
    )


def register(tenant: Tenant) -> None:
    """Nothing to register yet."""
