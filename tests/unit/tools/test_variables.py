"""What the user's own variables mean: empty ones, passphrases, exceptions from a proxy."""

import pytest

from tools.exit_codes import UserError
from tools.variables import has_passphrase, loopback_exceptions, refuse_empty

LOOPBACK = "127.0.0.1,localhost,::1"


@pytest.mark.parametrize(
    "name",
    [
        "PULUMI_BACKEND_URL",
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "DUALWRITE_TOKEN",
        "DUALWRITE_TOKEN_COMMAND",
    ],
)
@pytest.mark.parametrize("value", ["", " ", "\t\n"])
def test_variable_that_is_set_to_nothing_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(UserError, match=f"^{name} is set but empty: give a value or unset it"):
        refuse_empty({name: value, "PATH": ""})


def test_all_empty_variables_are_named_at_once() -> None:
    with pytest.raises(UserError, match=r"^AZURE_CLIENT_ID, PULUMI_BACKEND_URL are set but empty"):
        refuse_empty({"PULUMI_BACKEND_URL": "", "AZURE_CLIENT_ID": "", "AZURE_TENANT_ID": "contoso.com"})


def test_other_empty_variables_and_an_empty_passphrase_are_no_fault() -> None:
    refuse_empty({"PULUMI_CONFIG_PASSPHRASE": "", "PYTHONDONTWRITEBYTECODE": "", "HTTPS_PROXY": ""})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, False),
        ({"PULUMI_CONFIG_PASSPHRASE": ""}, True),
        ({"PULUMI_CONFIG_PASSPHRASE": "own"}, True),
        ({"PULUMI_CONFIG_PASSPHRASE_FILE": "/run/secret"}, True),
    ],
)
def test_explicit_empty_passphrase_is_a_passphrase(given: dict[str, str], named: bool) -> None:
    assert has_passphrase(given) is named


@pytest.mark.parametrize("proxy", ["https_proxy", "http_proxy", "all_proxy", "grpc_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_with_any_proxy_this_machine_is_excepted_in_both_spellings(proxy: str) -> None:
    given = {proxy: "http://proxy.contoso.com:8080"}
    assert loopback_exceptions(given) == {"no_proxy": LOOPBACK, "NO_PROXY": LOOPBACK}


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (None, "corp.local", (f"corp.local,{LOOPBACK}", f"corp.local,{LOOPBACK}")),
        ("corp.local", None, (f"corp.local,{LOOPBACK}", f"corp.local,{LOOPBACK}")),
        ("a.local, b.local", "c.local", (f"a.local,b.local,{LOOPBACK}", f"c.local,{LOOPBACK}")),
        ("localhost,127.0.0.1", None, ("localhost,127.0.0.1,::1", "localhost,127.0.0.1,::1")),
        ("*", None, ("*", "*")),
    ],
)
def test_exceptions_of_the_user_stay(lower: str | None, upper: str | None, expected: tuple[str, str]) -> None:
    own = {name: value for name, value in (("no_proxy", lower), ("NO_PROXY", upper)) if value}
    found = loopback_exceptions({"https_proxy": "http://proxy", **own})
    assert (found["no_proxy"], found["NO_PROXY"]) == expected


def test_without_a_proxy_nothing_is_set() -> None:
    assert loopback_exceptions({"https_proxy": "", "no_proxy": "corp.local"}) == {}
