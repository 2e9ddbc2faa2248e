"""The ladder of 14.10: what is missing, what contradicts, what was chosen."""

from dataclasses import replace

import pytest

from providers.api.dataverse.models import IntegrationDetails
from providers.api.power_platform.models import FinOpsProperties, LinkedFinOps
from providers.instances.finops_readiness import Observation, contradictions, missing
from tests.support.seen_instances import FINOPS_ID, FINOPS_URL, an_application

LINKED = LinkedFinOps(id=FINOPS_ID, type="Internal", url=FINOPS_URL)
INTEGRATION = IntegrationDetails(id=FINOPS_ID, url=FINOPS_URL)
PROPERTIES = FinOpsProperties(app_id=FINOPS_ID, demo_dataset="Contoso", deployment_type="UnifiedSandbox")
READY = Observation(LINKED, INTEGRATION, "Installed", an_application(), PROPERTIES, reachable=True)


def test_ready_when_all_rungs_agree() -> None:
    assert missing(READY) == []
    assert contradictions(READY) == []


@pytest.mark.parametrize(
    ("change", "rung"),
    [
        ({"linked": None}, "the link in the Power Platform"),
        ({"integration": None}, "the link in Dataverse"),
        ({"package_state": "Installing"}, "the Provisioning App"),
        ({"application": None}, "the application version"),
        ({"properties": None}, "the F&O properties"),
        ({"reachable": False}, "an answer of F&O"),
    ],
)
def test_each_missing_rung_is_named(change: dict[str, object], rung: str) -> None:
    assert missing(replace(READY, **change)) == [rung]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "agree"),
    [
        ({"linked": LINKED.model_copy(update={"url": FINOPS_URL.rstrip("/")})}, True),
        ({"linked": LINKED.model_copy(update={"id": FINOPS_ID.upper()})}, True),
        ({"linked": LINKED.model_copy(update={"url": "https://other.operations.eu.dynamics.com/"})}, False),
        ({"linked": LINKED.model_copy(update={"id": "another"})}, False),
        ({"properties": PROPERTIES.model_copy(update={"app_id": "another"})}, False),
        ({"properties": PROPERTIES.model_copy(update={"app_id": None})}, True),
    ],
)
def test_ids_and_addresses_must_agree(change: dict[str, object], agree: bool) -> None:
    assert (contradictions(replace(READY, **change)) == []) is agree  # type: ignore[arg-type]


@pytest.mark.parametrize(("dataset", "demo"), [("Contoso", True), (None, False), ("", False), ("None", False)])
def test_demo_data_is_read_from_the_dataset(dataset: str | None, demo: bool) -> None:
    properties = FinOpsProperties.model_validate({"demoDataset": dataset})
    assert replace(READY, properties=properties).demo_data is demo
    assert replace(READY, properties=None).demo_data is None


def test_developer_tools_are_read_from_either_side() -> None:
    assert replace(READY, application=an_application(deployment="OnlineDev")).developer_tools is True
    assert READY.developer_tools is False
    assert replace(READY, application=None).developer_tools is False
    assert replace(READY, application=None, properties=None).developer_tools is None
