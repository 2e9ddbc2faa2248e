"""What a client reads before it asks for a token: instance discovery, OpenID configuration, keys, the user's realm."""

from urllib.parse import urlsplit

from emulator.core.wire import Call, Reply
from emulator.identity.directory import AUTHORITY_HOST, TENANT_DOMAIN
from emulator.login.errors import refusal, unknown_tenant
from emulator.tenant import Tenant

HOSTS = (AUTHORITY_HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net")
# Authorities without a tenant of their own; the token's issuer is the user's tenant.
SHARED = {"common", "organizations"}


def realm(tenant: Tenant, call: Call, error: str = "invalid_tenant") -> str:
    """Return the tenant id of the authority, or `common` or `organizations`; raises AADSTS90002."""
    name = call.parameters["tenant"].lower()
    if name in {tenant.identity.tenant_id, TENANT_DOMAIN}:
        return tenant.identity.tenant_id
    if name in SHARED:
        return name
    raise unknown_tenant(tenant, call, call.parameters["tenant"], error)


def _base_and_issuer(tenant: Tenant, call: Call) -> tuple[str, str]:
    """Return where the authority's endpoints begin, and its tenant in the name of the issuer.

    A shared authority names a template there, as its tokens come from many tenants.
    """
    name = realm(tenant, call)
    return f"https://{AUTHORITY_HOST}/{name}", "{tenantid}" if name in SHARED else name


def instance(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /common/discovery/instance?authorization_endpoint=...`."""
    endpoint = urlsplit(call.query.get("authorization_endpoint", f"https://{AUTHORITY_HOST}/common/oauth2/authorize"))
    if endpoint.hostname not in HOSTS:
        text = f"Unknown or invalid instance. The authority '{endpoint.hostname}' is not known."
        raise refusal(tenant, call, "invalid_instance", 50049, text)
    authority = endpoint.path.strip("/").split("/")[0] or "common"
    version = "/v2.0" if "/v2.0/" in endpoint.path else ""
    aliases = [AUTHORITY_HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net"]
    return Reply(
        json={
            "tenant_discovery_endpoint": (
                f"https://{AUTHORITY_HOST}/{authority}{version}/.well-known/openid-configuration"
            ),
            "api-version": call.query.get("api-version", "1.1"),
            "metadata": [
                {"preferred_network": AUTHORITY_HOST, "preferred_cache": "login.windows.net", "aliases": aliases}
            ],
        }
    )


def configuration(tenant: Tenant, call: Call) -> Reply:
    """Answer the v2 OpenID configuration of the tenant, `common` or `organizations`."""
    base, issuer = _base_and_issuer(tenant, call)
    return Reply(
        json={
            **_common(base, "/v2.0"),
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"https://{AUTHORITY_HOST}/{issuer}/v2.0",
            "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "request_uri_parameter_supported": False,
        }
    )


def configuration_v1(tenant: Tenant, call: Call) -> Reply:
    """Answer the v1 OpenID configuration."""
    base, issuer = _base_and_issuer(tenant, call)
    return Reply(
        json={
            **_common(base, ""),
            "jwks_uri": f"https://{AUTHORITY_HOST}/common/discovery/keys",
            "issuer": f"https://sts.windows.net/{issuer}/",
            "scopes_supported": ["openid"],
            "microsoft_multi_refresh_token": True,
        }
    )


def _common(base: str, version: str) -> dict[str, object]:
    endpoints = f"{base}/oauth2{version}"
    return {
        "token_endpoint": f"{endpoints}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "authorization_endpoint": f"{endpoints}/authorize",
        "device_authorization_endpoint": f"{endpoints}/devicecode",
        "end_session_endpoint": f"{endpoints}/logout",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }


def keys(tenant: Tenant, call: Call) -> Reply:
    """Answer the JWKS; one key signs all of the tenant's tokens."""
    realm(tenant, call)
    return Reply(json={"keys": [tenant.identity.key.public_jwk()]})


def user_realm(_tenant: Tenant, call: Call) -> Reply:
    """Answer what kind of account a user name is; MSAL asks before it sends a password."""
    user = call.parameters["user"]
    domain = user.rpartition("@")[2].lower()
    if domain != TENANT_DOMAIN:
        return Reply(json={"ver": "1.0", "account_type": "Unknown", "cloud_instance_name": "microsoftonline.com"})
    return Reply(
        json={
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": domain,
            "cloud_instance_name": "microsoftonline.com",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        }
    )
