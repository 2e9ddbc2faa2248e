"""The service `login`: its routes, switches and seed section."""

from collections.abc import Mapping
from typing import Any

from emulator.core.routing import Route, Service
from emulator.core.seeds import SeedError
from emulator.core.switches import Switches
from emulator.core.wire import ServiceError
from emulator.identity.directory import Application, Directory, User
from emulator.login import discovery, grants
from emulator.tenant import Tenant

_PLATFORM = "learn.microsoft.com: Microsoft identity platform"


def _discovery_routes(tenant: Tenant) -> tuple[Route, ...]:
    return (
        tenant.route(
            "GET",
            "/common/discovery/instance",
            discovery.instance,
            "MSAL for Python: msal/authority.py",
            "Instance discovery: aliases of the authority",
        ),
        tenant.route(
            "GET",
            "/{tenant}/v2.0/.well-known/openid-configuration",
            discovery.configuration,
            f"{_PLATFORM}, OpenID Connect",
            "OpenID configuration, v2",
        ),
        tenant.route(
            "GET",
            "/{tenant}/.well-known/openid-configuration",
            discovery.configuration_v1,
            f"{_PLATFORM}, OpenID Connect",
            "OpenID configuration, v1",
        ),
        tenant.route(
            "GET", "/{tenant}/discovery/v2.0/keys", discovery.keys, f"{_PLATFORM}, access tokens", "Signing keys, v2"
        ),
        tenant.route(
            "GET", "/{tenant}/discovery/keys", discovery.keys, f"{_PLATFORM}, access tokens", "Signing keys, v1"
        ),
        tenant.route(
            "GET",
            "/common/userrealm/{user}",
            discovery.user_realm,
            "MSAL for Python: Authority.user_realm_discovery",
            "Kind of a user's account",
        ),
    )


def _token_routes(tenant: Tenant) -> tuple[Route, ...]:
    return (
        tenant.route(
            "POST",
            "/{tenant}/oauth2/v2.0/token",
            grants.token_v2,
            f"{_PLATFORM}, client credentials and ROPC; dual-write-management-api.md 1",
            "Tokens: client secret, password, refresh token",
        ),
        tenant.route(
            "POST",
            "/{tenant}/oauth2/token",
            grants.token_v1,
            "learn.microsoft.com: Azure AD v1 endpoint",
            "Tokens by resource, v1",
        ),
    )


def service(tenant: Tenant) -> Service:
    """Return the identity service; it alone needs no bearer."""
    return Service(
        name="login",
        hosts=lambda host: host in discovery.HOSTS,
        routes=(*_discovery_routes(tenant), *_token_routes(tenant)),
        audiences=lambda _host: set(),
        # Documented: RFC 6749, 5.2 (invalid_client is 401)
        unauthorized=lambda reason: ServiceError(401, {"error": "invalid_client", "error_description": reason}),
    )


def register_switches(switches: Switches) -> None:
    """Declare the life times of tokens and the assumed behaviours."""
    switches.register(
        "access_token_lifetime",
        3599,
        "real seconds an access token lives; set it low to see clients renew",
        "inferred: Entra answers 3599 where its documents say one hour",
    )
    switches.register(
        "web_app_refresh_token_lifetime",
        86400,
        "real seconds from sign-in that a refresh token of the dual-write web app lives; 0: all are expired",
        "inferred: refresh tokens of single-page apps live 24 hours (dual-write-management-api.md 1.2)",
    )
    switches.register(
        "refresh_token_lifetime",
        7776000,
        "real seconds without use after which any other refresh token expires; 0: all are expired",
        "inferred: 90 days in Entra's AADSTS700082",
    )
    switches.register(
        "web_app_refresh_needs_origin",
        True,
        "a refresh token of the dual-write web app is redeemed only with an Origin header",
        "inferred: dual-write-management-api.md 1.2",
    )
    switches.register(
        "tokens_for_unknown_instances",
        True,
        "tokens are issued for any host under dynamics.com, also one that the tenant does not have (any more)",
    )


def seed(directory: Directory, section: Mapping[str, Any]) -> None:
    """Add the people and applications of the section `identity` of a seed document."""
    try:
        for item in section.get("applications", ()):
            directory.add_application(Application(**item))
        for item in section.get("users", ()):
            directory.add_user(User(**item))
    except TypeError as error:
        msg = f"seed section identity: {error}"
        raise SeedError(msg) from None
