"""The token endpoint, v2 (`scope`) and v1 (`resource`): client_credentials, password and refresh_token."""

import base64
import binascii
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qsl, unquote_plus

from emulator.core.routing import not_modelled
from emulator.core.wire import Call, Reply, ServiceError
from emulator.identity.directory import DATA_INTEGRATION_APP_ID, Application, User
from emulator.login import errors, refresh, resources
from emulator.login.discovery import SHARED, realm
from emulator.login.refresh import Grant
from emulator.login.resources import DEFAULT, Wanted
from emulator.tenant import Tenant

# Public clients that every tenant knows: the dual-write web app, Azure CLI, Azure PowerShell and the client of
# Microsoft's Dataverse samples.
PUBLIC_CLIENTS = {
    DATA_INTEGRATION_APP_ID,
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    "1950a258-227b-4e31-a9cf-717495945fc2",
    "51f81489-12ee-4a9e-aaae-a2591f45987d",
}


@dataclass(frozen=True)
class Request:
    """One token request, read but not judged."""

    tenant: Tenant
    call: Call
    form: dict[str, str]
    authority: str
    version: int

    def need(self, name: str) -> str:
        """Return a form parameter; AADSTS900144 when it is missing or empty."""
        if not self.form.get(name):
            raise errors.missing_parameter(self.tenant, self.call, name)
        return self.form[name]

    def refuse(self, error: str, code: int, text: str, status: int = 400) -> ServiceError:
        """Return a refusal of this request."""
        return errors.refusal(self.tenant, self.call, error, code, text, status)

    def wanted(self) -> Wanted:
        """Return the resource that is asked for."""
        read = resources.of_scope if self.version == 2 else resources.of_resource
        return read(self.tenant, self.call, self.form)

    @property
    def lifetime(self) -> timedelta:
        """Return how long an access token of this answer lives."""
        return timedelta(seconds=self.tenant.switches["access_token_lifetime"])


def token_v2(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST /{tenant}/oauth2/v2.0/token`."""
    return _token(tenant, call, 2)


def token_v1(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST /{tenant}/oauth2/token`."""
    return _token(tenant, call, 1)


def _token(tenant: Tenant, call: Call, version: int) -> Reply:
    authority = realm(tenant, call, "invalid_request")
    request = Request(tenant, call, _form(call), authority, version)
    kind = request.need("grant_type")
    grants: dict[str, Callable[[Request], dict[str, object]]] = {
        "client_credentials": _client_credentials,
        "password": _password,
        "refresh_token": _refresh_token,
    }
    if kind not in grants:
        raise errors.unknown_grant(tenant, call, kind)
    return Reply(json=grants[kind](request), headers=dict(errors.NO_STORE))


def _form(call: Call) -> dict[str, str]:
    form: dict[str, str] = {}
    for name, value in parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True):
        form.setdefault(name, value)
    scheme, _, coded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        # RFC 6749 2.3.1: id and secret, form-encoded, as user and password.
        try:
            user, _, password = base64.b64decode(coded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return form
        form.setdefault("client_id", unquote_plus(user))
        form.setdefault("client_secret", unquote_plus(password))
    return form


def _client_credentials(request: Request) -> dict[str, object]:
    client_id = request.need("client_id")
    if request.authority in SHARED:
        text = "No tenant-identifying information found in either the request or implied by any provided credentials."
        raise request.refuse("invalid_request", 50059, text)
    app = request.tenant.identity.directory.application(client_id)
    if app is None:
        raise errors.unknown_application(request.tenant, request.call, client_id)
    if "client_assertion" in request.form:
        raise not_modelled(request.call.method, request.call.path, "certificates and federated credentials")
    if not request.form.get("client_secret"):
        text = "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type."
        raise request.refuse("invalid_client", 7000216, text, 401)
    _check_secret(request, app)
    wanted = request.wanted()
    # MSAL for Go and Java add `openid profile offline_access` here, too, and the service takes it.
    if wanted.names != (DEFAULT,):
        raise errors.bad_scope(request.tenant, request.call, request.form.get("scope", ""))
    if wanted.dual_write:
        raise errors.delegated_only(request.tenant, request.call, app.app_id, wanted.resource)
    token = request.tenant.identity.application_token(app, wanted.resource, lifetime=request.lifetime)
    return _answer(request, wanted, token)


def _check_secret(request: Request, app: Application) -> None:
    if not hmac.compare_digest(request.form.get("client_secret", "").encode(), app.secret.encode()):
        raise errors.wrong_secret(request.tenant, request.call, app.app_id)


def _password(request: Request) -> dict[str, object]:
    client_id = _client_of_user(request)
    name, password = request.need("username"), request.need("password")
    user = request.tenant.identity.directory.user(name)
    if user is None:
        text = (
            f"The user account {name} does not exist in the Contoso directory. To sign into this application, the"
            " account must be added to the directory."
        )
        raise request.refuse("invalid_grant", 50034, text)
    if not hmac.compare_digest(password.encode(), user.password.encode()):
        raise request.refuse(
            "invalid_grant", 50126, "Error validating credentials due to invalid username or password."
        )
    return _delegated(request, Grant(user, client_id, request.tenant.clock.real_now(), single_page=False))


def _refresh_token(request: Request) -> dict[str, object]:
    client_id = _client_of_user(request)
    grant = refresh.read(request.tenant, request.need("refresh_token"))
    if grant is None:
        raise request.refuse("invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
    if grant.client_id != client_id:
        text = "Provided grant is invalid or malformed: the refresh token was issued to another client."
        raise request.refuse("invalid_grant", 70000, text)
    _check_age(request, grant)
    if grant.single_page:
        if request.tenant.switches["web_app_refresh_needs_origin"] and not request.call.headers.get("origin"):
            text = (
                "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin"
                " requests."
            )
            raise request.refuse("invalid_request", 9002327, text)
        return _delegated(request, grant)
    return _delegated(request, replace(grant, issued=request.tenant.clock.real_now()))


def _check_age(request: Request, grant: Grant) -> None:
    switches, now = request.tenant.switches, request.tenant.clock.real_now()
    issued = grant.issued.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    if grant.single_page and now - grant.issued >= timedelta(seconds=switches["web_app_refresh_token_lifetime"]):
        text = (
            "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of"
            " 1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA"
            f" to the sign in page. The token was issued on {issued}."
        )
        raise request.refuse("invalid_grant", 700084, text)
    if now - grant.issued >= timedelta(seconds=switches["refresh_token_lifetime"]):
        text = (
            f"The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for"
            " 90.00:00:00."
        )
        raise request.refuse("invalid_grant", 700082, text)


def _client_of_user(request: Request) -> str:
    """Return the client that acts for a user: a public one, or a registration of the tenant with its secret."""
    client_id = request.need("client_id").lower()
    if client_id in PUBLIC_CLIENTS:
        return client_id
    app = request.tenant.identity.directory.application(client_id)
    if app is None:
        raise errors.unknown_application(request.tenant, request.call, client_id)
    if "client_assertion" in request.form:
        raise not_modelled(request.call.method, request.call.path, "certificates and federated credentials")
    if "client_secret" not in request.form:
        text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        raise request.refuse("invalid_client", 7000218, text, 401)
    _check_secret(request, app)
    return app.app_id


def _delegated(request: Request, grant: Grant) -> dict[str, object]:
    wanted = request.wanted()
    _check_client(request, grant, wanted)
    identity = request.tenant.identity
    token = identity.user_token(grant.user, wanted.resource, client_id=grant.client_id, lifetime=request.lifetime)
    answer = _answer(request, wanted, token)
    answer["scope"] = _granted(wanted)
    if "offline_access" in wanted.openid:
        answer["refresh_token"] = refresh.issue(request.tenant, grant)
    if "openid" in wanted.openid:
        answer["id_token"] = identity.id_token(grant.user, grant.client_id)
    if request.form.get("client_info") == "1":
        answer["client_info"] = _client_info(request.tenant, grant.user)
    return answer


def _check_client(request: Request, grant: Grant, wanted: Wanted) -> None:
    """Refuse a client that may not act for users at this resource."""
    if wanted.dual_write and grant.client_id not in PUBLIC_CLIENTS:
        raise errors.no_consent(request.tenant, request.call, grant.client_id)
    if wanted.dual_write != (grant.client_id == DATA_INTEGRATION_APP_ID):
        raise errors.not_preauthorized(request.tenant, request.call, grant.client_id, wanted.resource)


def _granted(wanted: Wanted) -> str:
    """Return the scopes of an answer, as whole names."""
    names = ("user_impersonation", *(name for name in wanted.names if name != "user_impersonation"))
    separator = "" if wanted.resource.endswith("/") else "/"
    whole = (f"{wanted.resource}{separator}{name}" for name in names)
    return " ".join([*whole, *sorted(wanted.openid & {"openid", "profile"})])


def _client_info(tenant: Tenant, user: User) -> str:
    text = json.dumps({"uid": user.object_id, "utid": tenant.identity.tenant_id}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _answer(request: Request, wanted: Wanted, token: str) -> dict[str, object]:
    seconds = int(request.lifetime.total_seconds())
    if request.version == 2:
        return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
    now = int(request.tenant.clock.real_now().timestamp())
    return {
        "token_type": "Bearer",
        # v1 writes its numbers as text.
        "expires_in": str(seconds),
        "ext_expires_in": str(seconds),
        "expires_on": str(now + seconds),
        "not_before": str(now),
        "resource": wanted.resource,
        "access_token": token,
    }
