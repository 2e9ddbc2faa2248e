"""What `connection` means together with the cloud: the gateway, and packages that are one package. Pure."""

from collections.abc import Iterator, Sequence

from components.draft import Draft
from components.findings import Broken
from providers.instances.hosts import gateway_problem


def connection_rules(draft: Draft) -> Iterator[Broken]:
    """Every rule about the gateway and the packages that the draft breaks."""
    cloud, connection = draft.stack.cloud, draft.stack.connection
    if cloud != "emulator" and connection.gateway is None:
        text = f"is required with `cloud: {cloud}`: the https address of the dual-write gateway of your geography"
        yield Broken(("connection", "gateway"), text)
    foreign = gateway_problem(cloud, connection.gateway)
    if foreign:
        yield Broken(("connection", "gateway"), foreign)
    yield from _packages_twice(connection.packages or [])


def _packages_twice(packages: Sequence[str]) -> Iterator[Broken]:
    seen: set[str] = set()
    for place, name in enumerate(packages):
        # As the program names its resources: two that differ in case alone are one package.
        resource = name.lower().replace("_", "-")
        if resource in seen:
            yield Broken(("connection", "packages", place), f"{name!r} stands in the list already; keep one")
        seen.add(resource)
