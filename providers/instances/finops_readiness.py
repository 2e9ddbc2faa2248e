"""Is this F&O linked and ready? The order of tests of power-platform-api.md 14.10, as a pure ladder.

One observation holds what each side says; the rungs that are missing and the statements that
contradict each other follow from it. F&O counts as ready only when both sides agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.api.transport.errors import Conflict
from providers.protocol.addresses import host_of

if TYPE_CHECKING:
    from providers.api.dataverse.models import FinOpsApplication, IntegrationDetails
    from providers.api.power_platform.models import FinOpsProperties, LinkedFinOps

LINK_IN_BAP = "the link in the Power Platform"
_EMPTY_DATASETS = ("", "none", "empty")


@dataclass(frozen=True)
class Observation:
    """What BAP, Dataverse, the package service, the Power Platform API and F&O say at one time; numbers of 14.10."""

    linked: LinkedFinOps | None = None  # 1
    integration: IntegrationDetails | None = None  # 2
    package_state: str = "None"  # 3
    application: FinOpsApplication | None = None  # 4
    properties: FinOpsProperties | None = None  # 5
    reachable: bool = False  # 6

    @property
    def url(self) -> str | None:
        """The F&O address, from whichever side knows it first."""
        return next((side.url for side in self._sides if side.url), None)

    @property
    def identifier(self) -> str | None:
        """The id of the F&O environment."""
        return next((side.id for side in self._sides if side.id), None)

    @property
    def _sides(self) -> list[IntegrationDetails | LinkedFinOps]:
        """What Dataverse and the Power Platform show of the link, as far as they show any."""
        return [side for side in (self.integration, self.linked) if side is not None]

    @property
    def nothing_there(self) -> bool:
        """Whether F&O is gone: both views of the link are known to lag, so its application is absent too (R35)."""
        return not self._sides and self.package_state in ("None", "Uninstalled")

    @property
    def demo_data(self) -> bool | None:
        """Whether it was installed with demo data; None when the service does not say."""
        if self.properties is None:
            return None
        return self.properties.demo_dataset.casefold() not in _EMPTY_DATASETS

    @property
    def developer_tools(self) -> bool | None:
        """Whether it has developer tools (`OnlineDev`); None when the service does not say."""
        if self.application and self.application.deployment_type:
            return self.application.deployment_type == "OnlineDev"
        if self.properties and self.properties.deployment_type:
            return self.properties.deployment_type == "UnifiedDeveloper"
        return None

    @property
    def version(self) -> str | None:
        """The application version that is installed."""
        return self.application.application_version if self.application else None


def missing(seen: Observation) -> list[str]:
    """The rungs that are not there yet, in the order of 14.10; empty when F&O is ready."""
    rungs = {
        LINK_IN_BAP: seen.linked is not None and bool(seen.linked.url),
        "the link in Dataverse": seen.integration is not None,
        "the Provisioning App": seen.package_state in ("Installed", "TemplateInstalled"),
        "the application version": seen.version is not None,
        "the F&O properties": seen.properties is not None,
        "an answer of F&O": seen.reachable,
    }
    return [name for name, there in rungs.items() if not there]


def contradictions(seen: Observation) -> list[str]:
    """Sentences on ids and URLs that the sides report differently; empty when they agree."""
    if seen.integration is None:
        return []
    return [*_of_the_link(seen.linked, seen.integration), *_of_the_properties(seen.properties, seen.integration)]


def require_agreement(seen: Observation) -> None:
    """Raises `Conflict` when the sides speak of two links."""
    against = contradictions(seen)
    if against:
        raise Conflict(
            f"the two sides of the link disagree: {'; '.join(against)}",
            next_step="Nothing was changed; open a support request with both ids.",
        )


def _of_the_link(linked: LinkedFinOps | None, integration: IntegrationDetails) -> Iterator[str]:
    if linked is None:
        return
    if host_of(linked.url) != host_of(integration.url):
        yield f"the Power Platform links {linked.url}, Dataverse {integration.url}"
    if _differ(linked.id, integration.id):
        yield f"the Power Platform links the id {linked.id}, Dataverse {integration.id}"


def _of_the_properties(properties: FinOpsProperties | None, integration: IntegrationDetails) -> Iterator[str]:
    if properties and _differ(properties.app_id, integration.id):
        yield f"the F&O properties name the id {properties.app_id}, Dataverse {integration.id}"


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one.casefold() != other.casefold()
