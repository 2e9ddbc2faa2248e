"""Unmodified azure-identity and MSAL get their tokens from the emulated login service."""

import time
from typing import Any

import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, EnvironmentCredential

from emulator.identity import directory
from tests.clients.conftest import DATAVERSE, Running

BAP = "https://service.powerapps.com/.default"
DUAL_WRITE = f"{directory.DUAL_WRITE_AUDIENCE}/.default"
AUTHORITY = f"https://login.microsoftonline.com/{directory.TENANT_ID}"

pytestmark = [
    pytest.mark.usefixtures("emulator"),
    # MSAL says this of every sign-in with a password.
    pytest.mark.filterwarnings("ignore:This API has been deprecated for public client flows:DeprecationWarning"),
]


def credential(
    tenant: str = directory.TENANT_ID,
    client: str = directory.DEMO_CLIENT_ID,
    secret: str = directory.DEMO_CLIENT_SECRET,
) -> ClientSecretCredential:
    return ClientSecretCredential(tenant, client, secret)


@pytest.mark.parametrize("scope", [BAP, "https://api.powerplatform.com/.default", f"https://{DATAVERSE}/.default"])
def test_secret_credential_gets_a_token(scope: str) -> None:
    with credential() as signed_in:
        token = signed_in.get_token(scope)
    assert token.token.count(".") == 2
    assert 3500 < token.expires_on - time.time() <= 3600


def test_continuous_access_evaluation_changes_nothing() -> None:
    with credential() as signed_in:
        assert signed_in.get_token(BAP, enable_cae=True).token


def test_domain_name_stands_for_the_tenant() -> None:
    with credential(tenant=directory.TENANT_DOMAIN) as signed_in:
        assert signed_in.get_token(BAP).token


def test_environment_variables_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", directory.TENANT_ID)
    monkeypatch.setenv("AZURE_CLIENT_ID", directory.DEMO_CLIENT_ID)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", directory.DEMO_CLIENT_SECRET)
    with EnvironmentCredential() as signed_in:
        assert signed_in.get_token(BAP).token


def test_token_is_cached_until_it_nears_its_end(emulator: Running) -> None:
    with credential() as signed_in:
        assert signed_in.get_token(BAP).token == signed_in.get_token(BAP).token
    emulator.control("POST", "switches", {"access_token_lifetime": 60})
    with credential() as signed_in:
        assert signed_in.get_token(BAP).token != signed_in.get_token(BAP).token


@pytest.mark.parametrize(
    ("wrong", "scope", "code"),
    [
        ({"secret": "wrong"}, BAP, "AADSTS7000215"),
        ({"client": "0a0a0a0a-0000-4000-8000-000000000000"}, BAP, "AADSTS700016"),
        ({}, "https://nobody.example/.default", "AADSTS500011"),
        ({}, "https://service.powerapps.com/User", "AADSTS70011"),
        ({}, DUAL_WRITE, "AADSTS501051"),
    ],
)
def test_refusal_reaches_the_caller_with_its_code(wrong: dict[str, str], scope: str, code: str) -> None:
    with credential(**wrong) as signed_in, pytest.raises(ClientAuthenticationError, match=f"{code}: .*Correlation ID"):
        signed_in.get_token(scope)


def test_unknown_tenant_is_named() -> None:
    missing = "0b0b0b0b-0000-4000-8000-000000000000"
    with credential(tenant=missing) as signed_in, pytest.raises(ClientAuthenticationError, match=missing):
        signed_in.get_token(BAP)


def acquired(answer: dict[str, Any] | None) -> dict[str, Any]:
    assert answer is not None
    assert "error" not in answer, answer
    return answer


def test_msal_application_gets_a_token_and_caches_it() -> None:
    application = msal.ConfidentialClientApplication(
        directory.DEMO_CLIENT_ID, client_credential=directory.DEMO_CLIENT_SECRET, authority=AUTHORITY
    )
    assert acquired(application.acquire_token_for_client([BAP]))["token_source"] == "identity_provider"
    assert acquired(application.acquire_token_for_client([BAP]))["token_source"] == "cache"


def test_msal_signs_the_administrator_in_for_dual_write() -> None:
    application = msal.PublicClientApplication(directory.DATA_INTEGRATION_APP_ID, authority=AUTHORITY)
    answer = acquired(
        application.acquire_token_by_username_password(
            directory.ADMINISTRATOR_UPN, directory.ADMINISTRATOR_PASSWORD, [DUAL_WRITE]
        )
    )
    assert answer["id_token_claims"]["preferred_username"] == directory.ADMINISTRATOR_UPN
    (account,) = application.get_accounts()
    assert account["username"] == directory.ADMINISTRATOR_UPN
    again = acquired(application.acquire_token_silent([DUAL_WRITE], account))
    assert again["access_token"] == answer["access_token"]


def test_msal_renews_with_its_refresh_token() -> None:
    application = msal.PublicClientApplication(directory.DATA_INTEGRATION_APP_ID, authority=AUTHORITY)
    answer = acquired(
        application.acquire_token_by_username_password(
            directory.ADMINISTRATOR_UPN, directory.ADMINISTRATOR_PASSWORD, [DUAL_WRITE]
        )
    )
    (account,) = application.get_accounts()
    renewed = acquired(application.acquire_token_silent([DUAL_WRITE], account, force_refresh=True))
    assert renewed["access_token"] != answer["access_token"]


def test_msal_reads_the_refusal_of_a_wrong_password() -> None:
    application = msal.PublicClientApplication(directory.DATA_INTEGRATION_APP_ID, authority=AUTHORITY)
    answer = application.acquire_token_by_username_password(directory.ADMINISTRATOR_UPN, "wrong", [DUAL_WRITE])
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [50126])
