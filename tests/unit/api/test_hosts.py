"""The host rule: no host outside the cloud ever gets a bearer."""

import string
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers.api.transport.clouds import CLOUDS, profile
from providers.api.transport.errors import ForeignHost
from providers.api.transport.hosts import (
    HostRule,
    app_management_hosts,
    gateway_hosts,
    instance_host,
    only,
    power_platform_hosts,
)

LABELS = st.text(alphabet=string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)
HOSTS = st.lists(LABELS, min_size=1, max_size=5).map(".".join)
BAP = power_platform_hosts(profile("public"))


def allowed(rule: HostRule, url: str) -> bool:
    try:
        rule.check(url)
    except ForeignHost:
        assert not rule.admits(url)
        return False
    return rule.admits(url)


@given(host=HOSTS)
def test_strange_hosts_get_no_bearer(host: str) -> None:
    inside = host == "api.bap.microsoft.com" or host.endswith(".api.bap.microsoft.com")
    assert inside or not allowed(BAP, f"https://{host}/x")


@given(prefix=st.text(max_size=30), suffix=st.text(max_size=30))
@example(prefix="https://evil.example/", suffix="")
@example(prefix="https://", suffix=".evil.example")
@example(prefix="https://", suffix="@evil.example")
@example(prefix="https://evil.example#", suffix="")
@example(prefix="https://evil.example?", suffix="")
@example(prefix="https://evil.example\\@", suffix="")
@example(prefix="https://evil.example\t.", suffix="/x")
@example(prefix="http://", suffix="")
def test_what_is_sent_goes_to_the_host_that_was_checked(prefix: str, suffix: str) -> None:
    url = f"{prefix}api.bap.microsoft.com{suffix}"
    if not allowed(BAP, url):
        return
    # httpx is what sends; it has to read the same host out of the text as the rule did.
    try:
        sent = httpx.URL(url)
    except httpx.InvalidURL:
        return
    assert sent.scheme == "https"
    assert sent.port in (None, 443)
    assert sent.host == "api.bap.microsoft.com" or sent.host.endswith(".api.bap.microsoft.com")
    assert urlsplit(url).username is None


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://api.bap.microsoft.com/providers", True),
        ("https://API.BAP.microsoft.com:443/providers", True),
        ("https://europe.api.bap.microsoft.com/providers", True),
        ("https://evilapi.bap.microsoft.com/", False),
        ("https://bap.microsoft.com/", False),
        ("https://api.bap.microsoft.com./", False),
        ("https://api.bap.microsoft.com:444/", False),
        ("https://api.bap.microsoft.com:https/", False),
        ("ftp://api.bap.microsoft.com/", False),
        ("//api.bap.microsoft.com/", False),
        ("https://[::1]/", False),
        ("https://", False),
        ("", False),
    ],
)
def test_rule_wants_https_443_and_the_host(url: str, inside: bool) -> None:
    assert allowed(BAP, url) is inside


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://projectmanagementservice.weu-il107.gateway.prod.island.powerapps.com", True),
        ("https://other.weu-il107.gateway.prod.island.powerapps.com", False),
        ("https://projectmanagementservice.evil.example", False),
        ("https://projectmanagementservice.gateway.prod.island.powerapps.com.evil.example", False),
    ],
)
def test_gateway_is_the_project_management_service_of_an_island(url: str, inside: bool) -> None:
    assert allowed(gateway_hosts(profile("public")), url) is inside


@pytest.mark.parametrize("cloud", sorted(CLOUDS))
def test_each_cloud_knows_its_own_hosts_and_no_other(cloud: str) -> None:
    own = profile(cloud)
    assert allowed(power_platform_hosts(own), f"https://{own.bap_host}/")
    assert allowed(app_management_hosts(own), f"https://a1.b2.environment.{own.power_platform_host}/")
    for other in (profile(name) for name in CLOUDS if name != cloud):
        assert not allowed(power_platform_hosts(own), f"https://{other.bap_host}/")


def test_one_instance_gets_no_bearer_of_another() -> None:
    rule = only("contoso.crm4.dynamics.com")
    assert allowed(rule, "https://contoso.crm4.dynamics.com/api")
    assert not allowed(rule, "https://fabrikam.crm4.dynamics.com/api")
    assert not allowed(rule, "https://x.contoso.crm4.dynamics.com/api")


@pytest.mark.parametrize(
    ("given_text", "host"),
    [
        ("contoso.crm4.dynamics.com", "contoso.crm4.dynamics.com"),
        ("https://Contoso.crm4.dynamics.com/", "contoso.crm4.dynamics.com"),
        ("https://contoso.operations.eu.dynamics.com/?cmp=DAT", "contoso.operations.eu.dynamics.com"),
    ],
)
def test_instances_are_given_by_host_or_url(given_text: str, host: str) -> None:
    assert instance_host(given_text, profile("public").dataverse_suffixes) == host


def test_refusal_names_host_but_no_credentials() -> None:
    with pytest.raises(ForeignHost) as caught:
        BAP.check("https://user:hunter2000@evil.example/path?token=abc")
    assert "https://evil.example" in str(caught.value)
    assert "hunter2000" not in str(caught.value)
    assert "abc" not in str(caught.value)


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
SPELLINGS = st.sampled_from([str.lower, str.upper, str.title])
ENDINGS = st.sampled_from(["", "/", "/data/x", "?a=b", "#part", ":443", ":443/x"])


@given(label=LABEL, spelt=SPELLINGS, ending=ENDINGS)
def test_every_way_to_write_a_host_of_the_service_is_allowed(
    label: str, spelt: Callable[[str], str], ending: str
) -> None:
    assert allowed(BAP, spelt(f"https://{label}.api.bap.microsoft.com").replace("Https", "https") + ending)


@given(
    label=LABEL,
    insert=st.sampled_from(
        ["@", "%40", "\\", "/", "#", "?", ":8443@", ".evil.example/", "\t.", " ", "\x00", "。", "%2e"]
    ),
    at=st.integers(min_value=0, max_value=60),
)
def test_address_with_something_in_it_goes_to_the_service_or_nowhere(label: str, insert: str, at: int) -> None:
    right = f"https://{label}.api.bap.microsoft.com/providers"
    url = right[: min(at, len(right))] + insert + right[min(at, len(right)) :]
    if allowed(BAP, url):
        sent = httpx.URL(url)
        assert (sent.scheme, sent.port) in (("https", None), ("https", 443))
        assert sent.host == "api.bap.microsoft.com" or sent.host.endswith(".api.bap.microsoft.com")
