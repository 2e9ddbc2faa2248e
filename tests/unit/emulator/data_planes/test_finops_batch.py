"""F&O `$batch`, and rows from a seed document."""

import json

import pytest

from emulator.core.seeds import SeedError
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.data_planes.conftest import API, CDS, DATA, FINOPS


def _part(method: str, path: str, body: object) -> str:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    return f"{head}{method} {path} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{json.dumps(body)}\r\n"


def _change_set(call: CallTenant, *parts: str) -> int:
    inner = "".join(f"--c\r\n{part}\r\n" for part in parts) + "--c--\r\n"
    body = f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{inner}\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/mixed; boundary=b"}
    return call("POST", f"{DATA}/$batch", body=body.encode(), headers=headers).status


def test_change_set_of_finops_is_atomic(tenant: Tenant, call: CallTenant, instance: str) -> None:
    tenant.person.act({"action": "register-application", "environment": CDS})
    good = _part("POST", "/data/CustomerGroups", {"CustomerGroupId": "10"})
    bad = _part("POST", "CustomerGroups", {"CustomerGroupId": "20", "PaymentTermId": "none"})
    assert _change_set(call, good, bad) == 400
    assert tenant.rows.count("finops", instance, "CustomerGroups") == 0
    assert _change_set(call, good, _part("PATCH", "CustomerGroups(dataAreaId='dat',CustomerGroupId='10')", {})) == 200
    assert tenant.rows.count("finops", instance, "CustomerGroups") == 1


def test_seeded_rows_stand_on_both_planes(tenant: Tenant, call: CallTenant, instance: str) -> None:
    rows = {
        "dataverse": {CDS: {"accounts": [{"name": "Contoso"}, {"name": "Fabrikam"}]}},
        "finops": {FINOPS: {"CustomerGroups": [{"dataAreaId": "DAT", "CustomerGroupId": "10"}]}},
    }
    tenant.seeds.play({"rows": rows})
    assert [row["name"] for row in call("GET", f"{API}/accounts").json["value"]] == ["Contoso", "Fabrikam"]
    assert tenant.rows.get("finops", FINOPS, "CustomerGroups", "dat|10") is not None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"nonsense": {}}, "unknown plane 'nonsense'"),
        ({"dataverse": {CDS: {"nonsenses": [{}]}}}, r"nonsenses\[0\]: no entity set"),
        ({"dataverse": {CDS: {"accounts": [{"nonsense": 1}]}}}, r"accounts\[0\].*nonsense"),
        ({"finops": {FINOPS: {"CustomerGroups": [{"CustomerGroupId": "1"}]}}}, r"CustomerGroups\[0\]"),
    ],
)
def test_seeded_row_that_does_not_fit_is_named(tenant: Tenant, instance: str, rows: object, said: str) -> None:
    with pytest.raises(SeedError, match=said):
        tenant.seeds.play({"rows": rows})
