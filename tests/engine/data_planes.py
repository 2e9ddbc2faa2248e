"""The rows of a pair read by somebody else: the identity of `make prove`, plain HTTP through the emulator's proxy."""

import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.engine.harness import Tenant

Row = dict[str, Any]


class DataPlanes:
    """OData of any Dataverse or F&O instance of the tenant; shares no code with the product's clients."""

    def __init__(self, tenant: Tenant) -> None:
        """Sign in lazily, once per host."""
        variables = tenant.variables()
        self._client_id = variables["DUALWRITE_PROVE_CLIENT_ID"]
        self._secret = variables["DUALWRITE_PROVE_CLIENT_SECRET"]
        self._authority = f"https://login.microsoftonline.com/{variables['AZURE_TENANT_ID']}"
        context = ssl.create_default_context(cafile=variables["DUALWRITE_EMULATOR_CA"])
        self._http = httpx.Client(proxy=tenant.emulator.url, verify=context, trust_env=False, timeout=60)
        self._tokens: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def dataverse(self, url: str, query: str) -> list[Row]:
        """All rows that `query` (`accounts?$select=name`) names, over all pages."""
        return list(self._rows(f"{url.rstrip('/')}/api/data/v9.2/{query}"))

    def finops(self, url: str, query: str) -> list[Row]:
        """All rows of all companies that `query` (`CustomersV3?$select=...`) names, over all pages."""
        mark = "&" if "?" in query else "?"
        return list(self._rows(f"{url.rstrip('/')}/data/{query}{mark}cross-company=true"))

    def create(self, address: str, values: Row) -> Row:
        """Create a row in the set at this address and return it."""
        headers = {"Prefer": "return=representation", **self._headers(address)}
        answer = self._http.post(address, json=values, headers=headers)
        assert answer.is_success, f"{address}: {answer.status_code} {answer.text[:300]}"
        return dict(answer.json())

    def delete(self, address: str) -> None:
        """Delete the row at this address."""
        answer = self._http.delete(address, headers=self._headers(address))
        assert answer.is_success, f"{address}: {answer.status_code} {answer.text[:300]}"

    def _rows(self, url: str | None) -> Iterator[Row]:
        while url:
            answer = self._http.get(url, headers=self._headers(url))
            assert answer.is_success, f"{url}: {answer.status_code} {answer.text[:300]}"
            body = answer.json()
            yield from body["value"]
            url = body.get("@odata.nextLink")

    def _headers(self, url: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token(url)}"}

    def _token(self, url: str) -> str:
        host = urlsplit(url).netloc
        if host not in self._tokens:
            form = {
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._secret,
                "scope": f"https://{host}/.default",
            }
            answer = self._http.post(f"{self._authority}/oauth2/v2.0/token", data=form).raise_for_status()
            self._tokens[host] = str(answer.json()["access_token"])
        return self._tokens[host]
