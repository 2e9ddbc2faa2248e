"""The host rule: which hosts of a cloud may get a bearer token (power-platform-api.md section 1, rule 21.6)."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from providers.api.transport.clouds import CloudProfile
from providers.api.transport.errors import ForeignHost

_BLANK = re.compile(r"[\s\\\x00]")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


class HostRule(NamedTuple):
    """Hosts that one client may talk to: exact names, and names that end with a dot and a suffix."""

    exact: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    first_label: str | None = None

    def allows(self, host: str) -> bool:
        """Whether a token may go to this host; `host` is lower case and bare."""
        if not _HOST.fullmatch(host) or ".." in host:
            return False
        if self.first_label is not None and host.split(".", 1)[0] != self.first_label:
            return False
        return host in self.exact or any(host.endswith(f".{suffix}") for suffix in self.suffixes)

    def admits(self, url: str) -> bool:
        """Whether `check` lets a URL pass."""
        return not self._problem(url)

    def check(self, url: str) -> str:
        """The bare host of `url`. Raises `ForeignHost` unless it is https on port 443 at an allowed host."""
        problem = self._problem(url)
        if problem:
            raise ForeignHost(
                f"no token is sent to '{_shown(url)}': {problem}",
                next_step="Check the URL and `cloud` in the stack file.",
            )
        return (urlsplit(url).hostname or "").lower()

    def _problem(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return "it is not a valid URL"
        checks = (
            (_BLANK.search(url), "it is not a valid URL"),
            (parts.scheme.lower() != "https", "it is not https"),
            ("@" in parts.netloc, "it carries a user name"),
            (port not in (None, 443), "its port is not 443"),
            (not self.allows(host), "the host is outside the configured cloud"),
        )
        return next((problem for applies, problem in checks if applies), "")


def power_platform_hosts(profile: CloudProfile) -> HostRule:
    """BAP and its regional hosts such as `europe.api.bap.microsoft.com`."""
    return HostRule(frozenset({profile.bap_host}), (profile.bap_host,))


def app_management_hosts(profile: CloudProfile) -> HostRule:
    """The Power Platform API and its hosts per environment and tenant."""
    return HostRule(frozenset({profile.power_platform_host}), (profile.power_platform_host,))


def gateway_hosts(profile: CloudProfile) -> HostRule:
    """Gateways of the dual-write service: first label `projectmanagementservice` (dual-write-management-api.md 1.4)."""
    return HostRule(suffixes=profile.gateway_suffixes, first_label="projectmanagementservice")


def instance_host(host_or_url: str, suffixes: tuple[str, ...]) -> str:
    """The bare host of one Dataverse or F&O instance. Raises `ForeignHost` outside the suffixes of the cloud."""
    url = host_or_url if "://" in host_or_url else f"https://{host_or_url}"
    return HostRule(suffixes=suffixes).check(url)


def only(host: str) -> HostRule:
    """Nothing but this host."""
    return HostRule(frozenset({host}))


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(no URL)"
    return f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}" if parts.netloc else "(no host)"
