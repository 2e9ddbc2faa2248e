"""The identity service through the dispatcher: discovery, tokens of applications and of people, refusals."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from emulator.app import assemble
from emulator.core.clock import Clock
from emulator.core.seeds import SeedError
from emulator.core.store import Store
from emulator.core.wire import Reply
from emulator.identity import directory
from emulator.identity.tokens import SigningKey, TokenError
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

LOGIN = "https://login.microsoftonline.com"
TOKEN = f"{LOGIN}/{directory.TENANT_ID}/oauth2/v2.0/token"
COMMON = f"{LOGIN}/common/oauth2/v2.0/token"
BAP_SCOPE = "https://service.powerapps.com/.default"
DUAL_WRITE_SCOPE = f"{directory.DUAL_WRITE_AUDIENCE}/.default"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
PAGE = {"Origin": "https://dataintegrator.trafficmanager.net/"}

APPLICATION = {
    "grant_type": "client_credentials",
    "client_id": directory.DEMO_CLIENT_ID,
    "client_secret": directory.DEMO_CLIENT_SECRET,
    "scope": BAP_SCOPE,
}
REFRESH = {
    "grant_type": "refresh_token",
    "client_id": directory.DATA_INTEGRATION_APP_ID,
    "refresh_token": directory.ADMINISTRATOR_REFRESH_TOKEN,
    "scope": f"{DUAL_WRITE_SCOPE} openid profile offline_access",
}
PASSWORD = {
    "grant_type": "password",
    "client_id": directory.DATA_INTEGRATION_APP_ID,
    "username": directory.ADMINISTRATOR_UPN,
    "password": directory.ADMINISTRATOR_PASSWORD,
    "scope": f"{DUAL_WRITE_SCOPE} offline_access",
}


def post(call: CallTenant, form: Mapping[str, str], url: str = TOKEN, headers: Mapping[str, str] = PAGE) -> Reply:
    return call("POST", url, body=urlencode(form).encode(), headers=headers)


def changed(form: Mapping[str, str], **changes: str | None) -> dict[str, str]:
    return {name: value for name, value in {**form, **changes}.items() if value is not None}


def claims(tenant: Tenant, token: str) -> dict[str, Any]:
    options: Any = {"verify_aud": False, "verify_exp": False}
    return dict(jwt.decode(token, tenant.identity.key.public_key, algorithms=["RS256"], options=options))


@pytest.mark.parametrize("added", ["openid profile offline_access", "offline_access", "openid", "email profile"])
def test_application_may_add_the_scopes_of_a_sign_in(call: CallTenant, added: str) -> None:
    reply = post(call, changed(APPLICATION, scope=f"{BAP_SCOPE} {added}"))
    assert (reply.status, sorted(reply.json)) == (200, ["access_token", "expires_in", "ext_expires_in", "token_type"])


def test_instance_discovery_names_all_aliases(call: CallTenant) -> None:
    endpoint = "https://login.windows.net/contoso.onmicrosoft.com/oauth2/v2.0/authorize"
    reply = call("GET", f"{LOGIN}/common/discovery/instance", params={"authorization_endpoint": endpoint})
    assert reply.json["tenant_discovery_endpoint"] == (
        f"{LOGIN}/contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration"
    )
    assert reply.json["metadata"][0]["aliases"] == [
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
    ]


def test_instance_discovery_refuses_foreign_authority(call: CallTenant) -> None:
    endpoint = {"authorization_endpoint": "https://login.example.com/common/oauth2/authorize"}
    reply = call("GET", f"{LOGIN}/common/discovery/instance", params=endpoint)
    assert (reply.status, reply.json["error"], reply.json["error_codes"]) == (400, "invalid_instance", [50049])


@pytest.mark.parametrize(
    ("path", "issuer", "token_endpoint"),
    [
        (f"{directory.TENANT_ID}/v2.0", f"{LOGIN}/{directory.TENANT_ID}/v2.0", f"{directory.TENANT_ID}/oauth2/v2.0"),
        (
            f"{directory.TENANT_DOMAIN}/v2.0",
            f"{LOGIN}/{directory.TENANT_ID}/v2.0",
            f"{directory.TENANT_ID}/oauth2/v2.0",
        ),
        ("common/v2.0", f"{LOGIN}/{{tenantid}}/v2.0", "common/oauth2/v2.0"),
        ("organizations/v2.0", f"{LOGIN}/{{tenantid}}/v2.0", "organizations/oauth2/v2.0"),
        (directory.TENANT_ID, f"https://sts.windows.net/{directory.TENANT_ID}/", f"{directory.TENANT_ID}/oauth2"),
        ("common", "https://sts.windows.net/{tenantid}/", "common/oauth2"),
    ],
)
def test_openid_configuration_of_each_authority(call: CallTenant, path: str, issuer: str, token_endpoint: str) -> None:
    reply = call("GET", f"{LOGIN}/{path}/.well-known/openid-configuration")
    assert reply.status == 200
    assert reply.json["issuer"] == issuer
    assert reply.json["token_endpoint"] == f"{LOGIN}/{token_endpoint}/token"


def test_configuration_of_unknown_tenant_is_invalid_tenant(call: CallTenant) -> None:
    reply = call("GET", f"{LOGIN}/fabrikam.onmicrosoft.com/v2.0/.well-known/openid-configuration")
    assert (reply.status, reply.json["error"], reply.json["error_codes"]) == (400, "invalid_tenant", [90002])


@pytest.mark.parametrize("version", ["/v2.0", ""])
def test_tokens_verify_with_the_published_key(tenant: Tenant, call: CallTenant, version: str) -> None:
    document = call("GET", f"{LOGIN}/common{version}/.well-known/openid-configuration").json
    published = jwt.PyJWKSet.from_dict(call("GET", document["jwks_uri"]).json)
    token = post(call, APPLICATION).json["access_token"]
    key = published[jwt.get_unverified_header(token)["kid"]]
    read = jwt.decode(token, key, algorithms=["RS256"], audience="https://service.powerapps.com")
    assert read["tid"] == directory.TENANT_ID


@pytest.mark.parametrize(
    ("user", "kind"), [(directory.ADMINISTRATOR_UPN, "Managed"), ("someone@fabrikam.com", "Unknown")]
)
def test_user_realm_knows_the_tenants_domain(call: CallTenant, user: str, kind: str) -> None:
    assert call("GET", f"{LOGIN}/common/userrealm/{user}").json["account_type"] == kind


def test_secret_gets_an_app_only_token(tenant: Tenant, call: CallTenant) -> None:
    reply = post(call, APPLICATION)
    assert reply.status == 200
    assert set(reply.json) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert reply.json["expires_in"] == 3599
    read = claims(tenant, reply.json["access_token"])
    assert (read["appid"], read["idtyp"]) == (directory.DEMO_CLIENT_ID, "app")
    assert "upn" not in read
    assert read["exp"] - read["iat"] == 3599


def test_token_of_the_endpoint_opens_its_service(call: CallTenant) -> None:
    token = post(call, APPLICATION).json["access_token"]
    environments = "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments"
    assert call("GET", environments, params={"api-version": "2021-04-01"}, token=token).status == 200
    assert call("GET", "https://api.powerplatform.com/appmanagement/x", token=token).status == 401


def test_secret_may_come_as_basic_authorization(call: CallTenant) -> None:
    pair = f"{directory.DEMO_CLIENT_ID}:{directory.DEMO_CLIENT_SECRET}".encode()
    form = changed(APPLICATION, client_id=None, client_secret=None)
    headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    assert post(call, form, headers=headers).status == 200


def test_v1_endpoint_takes_a_resource(tenant: Tenant, call: CallTenant) -> None:
    form = changed(APPLICATION, scope=None, resource="https://api.powerplatform.com")
    reply = post(call, form, f"{LOGIN}/{directory.TENANT_DOMAIN}/oauth2/token")
    assert reply.json["expires_in"] == "3599"
    assert reply.json["resource"] == "https://api.powerplatform.com"
    assert int(reply.json["expires_on"]) - int(reply.json["not_before"]) == 3599
    assert claims(tenant, reply.json["access_token"])["aud"] == "https://api.powerplatform.com"


REFUSED = [
    pytest.param(changed(APPLICATION, client_secret="wrong"), 401, "invalid_client", 7000215, id="wrong secret"),
    pytest.param(changed(APPLICATION, client_secret=None), 401, "invalid_client", 7000216, id="no secret"),
    pytest.param(changed(APPLICATION, client_id="0" * 8), 400, "unauthorized_client", 700016, id="unknown application"),
    pytest.param(changed(APPLICATION, client_id=None), 400, "invalid_request", 900144, id="no application"),
    pytest.param(changed(APPLICATION, grant_type=None), 400, "invalid_request", 900144, id="no grant type"),
    pytest.param(changed(APPLICATION, grant_type="x"), 400, "unsupported_grant_type", 70003, id="unknown grant type"),
    pytest.param(changed(APPLICATION, scope=None), 400, "invalid_request", 900144, id="no scope"),
    pytest.param(changed(APPLICATION, scope="nonsense"), 400, "invalid_scope", 70011, id="scope without resource"),
    pytest.param(
        changed(APPLICATION, scope="https://service.powerapps.com/User"), 400, "invalid_scope", 70011, id="not .default"
    ),
    pytest.param(
        changed(APPLICATION, scope=f"{BAP_SCOPE} https://api.powerplatform.com/.default"),
        400,
        "invalid_request",
        28000,
        id="two resources",
    ),
    pytest.param(
        changed(APPLICATION, scope="https://nobody.example/.default"), 400, "invalid_resource", 500011, id="resource"
    ),
    pytest.param(changed(APPLICATION, scope=DUAL_WRITE_SCOPE), 400, "invalid_grant", 501051, id="dual-write app-only"),
    pytest.param(changed(PASSWORD, password="wrong"), 400, "invalid_grant", 50126, id="wrong password"),
    pytest.param(changed(PASSWORD, username="x@contoso.com"), 400, "invalid_grant", 50034, id="unknown person"),
    pytest.param(changed(PASSWORD, client_id=AZURE_CLI), 400, "invalid_grant", 65002, id="dual-write by other client"),
    pytest.param(changed(PASSWORD, scope=BAP_SCOPE), 400, "invalid_grant", 65002, id="web app for other resource"),
    pytest.param(
        changed(PASSWORD, client_id=directory.DEMO_CLIENT_ID), 401, "invalid_client", 7000218, id="person, no secret"
    ),
    pytest.param(
        changed(PASSWORD, client_id=directory.DEMO_CLIENT_ID, client_secret=directory.DEMO_CLIENT_SECRET),
        400,
        "invalid_grant",
        65001,
        id="dual-write by a registration",
    ),
    pytest.param(changed(REFRESH, refresh_token="x"), 400, "invalid_grant", 9002313, id="foreign refresh token"),
    pytest.param(changed(REFRESH, refresh_token="1.x.y.z"), 400, "invalid_grant", 9002313, id="forged refresh token"),
    pytest.param(changed(REFRESH, client_id=AZURE_CLI), 400, "invalid_grant", 70000, id="refresh by other client"),
]


@pytest.mark.parametrize(("form", "status", "error", "code"), REFUSED)
def test_refusal_has_entras_shape(call: CallTenant, form: dict[str, str], status: int, error: str, code: int) -> None:
    reply = post(call, form)
    assert (reply.status, reply.json["error"], reply.json["error_codes"]) == (status, error, [code])
    assert reply.json["error_description"].startswith(f"AADSTS{code}: ")
    assert reply.json["trace_id"] in reply.json["error_description"]
    assert f"Correlation ID: {reply.json['correlation_id']}" in reply.json["error_description"]
    assert "wrong" not in reply.json["error_description"].replace("the wrong tenant", "")


def test_refusal_repeats_the_clients_correlation_id(call: CallTenant) -> None:
    sent = "5f1c1b8e-0000-4000-8000-000000000001"
    reply = post(call, changed(APPLICATION, client_secret="x"), headers={"client-request-id": sent})
    assert reply.json["correlation_id"] == sent


def test_unknown_tenant_gets_no_token(call: CallTenant) -> None:
    reply = post(call, APPLICATION, f"{LOGIN}/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token")
    assert (reply.status, reply.json["error"], reply.json["error_codes"]) == (400, "invalid_request", [90002])


@pytest.mark.parametrize("authority", ["common", "organizations"])
def test_secret_needs_a_tenant(call: CallTenant, authority: str) -> None:
    reply = post(call, APPLICATION, f"{LOGIN}/{authority}/oauth2/v2.0/token")
    assert reply.json["error_codes"] == [50059]


def test_refresh_token_gets_the_delegated_dual_write_token(tenant: Tenant, call: CallTenant) -> None:
    reply = post(call, REFRESH, COMMON)
    assert reply.status == 200
    read = claims(tenant, reply.json["access_token"])
    assert (read["aud"], read["upn"]) == (directory.DUAL_WRITE_AUDIENCE, directory.ADMINISTRATOR_UPN)
    assert read["appid"] == directory.DATA_INTEGRATION_APP_ID
    assert DUAL_WRITE_SCOPE in reply.json["scope"].split()
    assert claims(tenant, reply.json["id_token"])["oid"] == directory.ADMINISTRATOR_OBJECT_ID


def test_rotated_refresh_token_works_in_turn(call: CallTenant) -> None:
    rotated = post(call, REFRESH, COMMON).json["refresh_token"]
    assert rotated != directory.ADMINISTRATOR_REFRESH_TOKEN
    assert post(call, changed(REFRESH, refresh_token=rotated), COMMON).status == 200


def test_refresh_token_is_no_bearer(tenant: Tenant, call: CallTenant) -> None:
    rotated = post(call, REFRESH, COMMON).json["refresh_token"].removeprefix("1.")
    with pytest.raises(TokenError):
        tenant.identity.verify(rotated, {directory.DUAL_WRITE_AUDIENCE})


def test_web_apps_refresh_token_needs_an_origin(tenant: Tenant, call: CallTenant) -> None:
    assert post(call, REFRESH, COMMON, headers={}).json["error_codes"] == [9002327]
    tenant.switches.set("web_app_refresh_needs_origin", False)
    assert post(call, REFRESH, COMMON, headers={}).status == 200


def test_password_gets_the_delegated_dual_write_token(tenant: Tenant, call: CallTenant) -> None:
    reply = post(call, PASSWORD, headers={})
    assert claims(tenant, reply.json["access_token"])["upn"] == directory.ADMINISTRATOR_UPN
    assert post(call, changed(REFRESH, refresh_token=reply.json["refresh_token"]), headers={}).status == 200


def test_refresh_token_only_on_request(call: CallTenant) -> None:
    assert "refresh_token" not in post(call, changed(PASSWORD, scope=DUAL_WRITE_SCOPE)).json


def test_other_public_client_acts_for_a_person(tenant: Tenant, call: CallTenant) -> None:
    reply = post(call, changed(PASSWORD, client_id=AZURE_CLI, scope=BAP_SCOPE, client_info="1"))
    read = claims(tenant, reply.json["access_token"])
    assert (read["appid"], read["idtyp"]) == (AZURE_CLI, "user")
    info = base64.urlsafe_b64decode(reply.json["client_info"] + "==").decode()
    assert info == f'{{"uid":"{directory.ADMINISTRATOR_OBJECT_ID}","utid":"{directory.TENANT_ID}"}}'


def test_expired_refresh_tokens_are_refused(tenant: Tenant, call: CallTenant) -> None:
    other = post(call, changed(PASSWORD, client_id=AZURE_CLI, scope=f"{BAP_SCOPE} offline_access")).json
    tenant.switches.set("web_app_refresh_token_lifetime", 0)
    tenant.switches.set("refresh_token_lifetime", 0)
    assert post(call, REFRESH).json["error_codes"] == [700084]
    form = changed(REFRESH, client_id=AZURE_CLI, refresh_token=other["refresh_token"], scope=BAP_SCOPE)
    assert post(call, form).json["error_codes"] == [700082]


class Wall:
    """The real time, moved by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def test_rotation_does_not_prolong_the_web_apps_sign_in(
    tenant: Tenant, call: CallTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Wall()
    monkeypatch.setattr(tenant.clock, "_real_now", wall.now)
    token = post(call, REFRESH).json["refresh_token"]
    wall.time += timedelta(hours=23)
    token = post(call, changed(REFRESH, refresh_token=token)).json["refresh_token"]
    wall.time += timedelta(hours=1)
    assert post(call, changed(REFRESH, refresh_token=token)).json["error_codes"] == [700084]


def test_short_lived_token_is_refused_by_the_real_clock(signing_key: SigningKey) -> None:
    wall = Wall()
    store = Store()
    tenant = assemble(store, Clock(store, "stepped", real_now=wall.now), signing_key)
    app = tenant.identity.directory.application(directory.DEMO_CLIENT_ID)
    assert app is not None
    token = tenant.identity.application_token(app, "https://x", lifetime=timedelta(seconds=30))
    tenant.events.advance(3600)
    assert tenant.identity.verify(token, {"https://x"}).app_id == directory.DEMO_CLIENT_ID
    wall.time += timedelta(seconds=30)
    with pytest.raises(TokenError, match="expired"):
        tenant.identity.verify(token, {"https://x"})
    store.close()


def test_short_life_is_what_the_endpoint_says(tenant: Tenant, call: CallTenant) -> None:
    tenant.switches.set("access_token_lifetime", 5)
    reply = post(call, APPLICATION)
    read = claims(tenant, reply.json["access_token"])
    assert reply.json["expires_in"] == read["exp"] - read["iat"] == 5


def test_token_for_a_deleted_instance_is_a_switch(tenant: Tenant, call: CallTenant) -> None:
    form = changed(APPLICATION, scope="https://gone.crm4.dynamics.com/.default")
    assert post(call, form).status == 200
    tenant.switches.set("tokens_for_unknown_instances", False)
    assert post(call, form).json["error_codes"] == [500011]


def test_seed_adds_applications_and_people(tenant: Tenant, call: CallTenant) -> None:
    app = {"app_id": "app-1", "object_id": "object-1", "name": "Seeded", "secret": "seeded-secret"}
    person = {
        "upn": "jo@contoso.onmicrosoft.com",
        "object_id": "object-2",
        "name": "Jo",
        "password": "jos-password",
        "refresh_token": "0.jos-token",
    }
    tenant.seeds.play({"identity": {"applications": [app], "users": [person]}})
    assert post(call, changed(APPLICATION, client_id="APP-1", client_secret="seeded-secret")).status == 200
    assert post(call, changed(PASSWORD, username="Jo@contoso.onmicrosoft.com", password="jos-password")).status == 200
    assert post(call, changed(REFRESH, refresh_token="0.jos-token")).status == 200


def test_seeded_application_with_unknown_member_is_refused(tenant: Tenant) -> None:
    with pytest.raises(SeedError, match="identity"):
        tenant.seeds.play({"identity": {"applications": [{"app": "x"}]}})
