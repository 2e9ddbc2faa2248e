"""Refusals in the shape of Entra's token endpoint.

Shape: learn.microsoft.com/entra/identity-platform/reference-error-codes; codes and texts as quoted there and in public
issue threads.
"""

from typing import Any
from uuid import uuid4

from emulator.core.microsoft_names import Name
from emulator.core.wire import Call, ServiceError, UnknownNameError
from emulator.tenant import Tenant

# The answers of a token endpoint are never cached (RFC 6749, 5.1).
NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
_NOT_INSTALLED = (
    "This can happen if the application has not been installed by the administrator of the tenant or consented to by"
    " any user in the tenant."
)


def refusal(tenant: Tenant, call: Call, error: str, code: int, text: str, status: int = 400) -> ServiceError:
    """Return `{"error", "error_description": "AADSTS<code>: <text> ...", "error_codes", ...}`."""
    timestamp = tenant.clock.real_now().strftime("%Y-%m-%d %H:%M:%SZ")
    trace_id = str(uuid4())
    description = f"AADSTS{code}: {text} Trace ID: {trace_id} Correlation ID: {call.correlation_id} "
    body: dict[str, Any] = {
        "error": error,
        "error_description": f"{description}Timestamp: {timestamp}",
        "error_codes": [code],
        "timestamp": timestamp,
        "trace_id": trace_id,
        "correlation_id": call.correlation_id,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    return ServiceError(status, body, {**NO_STORE, "x-ms-request-id": trace_id})


def unknown_tenant(tenant: Tenant, call: Call, name: str, error: str) -> ServiceError:
    """Return AADSTS90002; discovery calls it `invalid_tenant`, the token endpoint `invalid_request`."""
    text = (
        f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct"
        " cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for"
        " the tenant."
    )
    return refusal(tenant, call, error, 90002, text)


def missing_parameter(tenant: Tenant, call: Call, name: str) -> ServiceError:
    """Return AADSTS900144."""
    text = f"The request body must contain the following parameter: '{name}'."
    return refusal(tenant, call, "invalid_request", 900144, text)


def unknown_application(tenant: Tenant, call: Call, client_id: str) -> ServiceError:
    """Return AADSTS700016."""
    text = (
        f"Application with identifier '{client_id}' was not found in the directory 'Contoso'. {_NOT_INSTALLED}"
        " You may have sent your authentication request to the wrong tenant."
    )
    return UnknownNameError(Name("application", client_id), refusal(tenant, call, "unauthorized_client", 700016, text))


def wrong_secret(tenant: Tenant, call: Call, client_id: str) -> ServiceError:
    """Return AADSTS7000215."""
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not"
        f" the client secret ID, for a secret added to app '{client_id}'."
    )
    return refusal(tenant, call, "invalid_client", 7000215, text, 401)


def bad_scope(tenant: Tenant, call: Call, scope: str) -> ServiceError:
    """Return AADSTS70011."""
    text = (
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter"
        f" 'scope' is not valid. The scope {scope} is not valid."
    )
    return refusal(tenant, call, "invalid_scope", 70011, text)


def unknown_resource(tenant: Tenant, call: Call, resource: str) -> ServiceError:
    """Return AADSTS500011."""
    text = (
        f"The resource principal named {resource} was not found in the tenant named Contoso. {_NOT_INSTALLED}"
        " You might have sent your authentication request to the wrong tenant."
    )
    return UnknownNameError(Name("resource", resource), refusal(tenant, call, "invalid_resource", 500011, text))


def unknown_grant(tenant: Tenant, call: Call, kind: str) -> ServiceError:
    """Return AADSTS70003."""
    text = f"The app requested an unsupported grant type '{kind}'."
    return UnknownNameError(Name("grant type", kind), refusal(tenant, call, "unsupported_grant_type", 70003, text))


def delegated_only(tenant: Tenant, call: Call, client_id: str, resource: str) -> ServiceError:
    """Return AADSTS501051, the answer to an app-only request for the dual-write resource."""
    text = f"Application '{client_id}' is not assigned to a role for the application '{resource}'."
    # Source: doc.nais.io, Azure AD, FAQ / Troubleshooting; delegated-only: dual-write-management-api.md 1.2
    return refusal(tenant, call, "invalid_grant", 501051, text)


def not_preauthorized(tenant: Tenant, call: Call, client_id: str, resource: str) -> ServiceError:
    """Return AADSTS65002: a first-party client that may not ask for this resource (management API 1.2)."""
    text = (
        f"Consent between first party application '{client_id}' and first party resource '{resource}' must be"
        " configured via preauthorization - applications owned and operated by Microsoft must get approval from the"
        " API owner before requesting tokens for that API."
    )
    return refusal(tenant, call, "invalid_grant", 65002, text)


def no_consent(tenant: Tenant, call: Call, client_id: str) -> ServiceError:
    """Return AADSTS65001: a registration of the tenant that nobody allowed to act for users there."""
    text = (
        f"The user or administrator has not consented to use the application with ID '{client_id}'. Send an"
        " interactive authorization request for this user and resource."
    )
    return refusal(tenant, call, "invalid_grant", 65001, text)
