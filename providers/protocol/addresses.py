"""Addresses of instances, compared by what they mean: the host, without case, port, path and slash. Pure."""

from urllib.parse import urlsplit


def host_of(url: str | None) -> str | None:
    """The host name of a URL in lower case; None for a text that names none."""
    try:
        host = urlsplit(url).hostname if url else None
    except ValueError:
        return None
    return host.rstrip(".") if host else None


def same_host(one: str | None, other: str | None) -> bool:
    """Whether two URLs name one host; False when either names none."""
    return host_of(one) is not None and host_of(one) == host_of(other)


def bare_address(url: str) -> str:
    """The address of an instance without path, port and trailing slash; a text without a host comes back as it is."""
    host = host_of(url)
    return f"https://{host}" if host else url


def short_name(reference: str) -> str:
    """What people call the instance of a reference: the first label of its host, else the reference itself."""
    return (host_of(reference) or reference).partition(".")[0]
