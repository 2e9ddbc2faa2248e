"""CdsInstance in the real provider process against the emulator: its whole life, and what goes wrong in it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from providers.cds_instance import CdsInstanceProvider
from tests.contract.new_instances import CDS
from tests.contract.provider_process import Bag, ProviderError, ProviderProcess, agreed, declared
from tests.engine.harness import Tenant

CONSENT = {"action": "replace-environment", "target": "contoso-uat", "until": "2999-12-31"}
ENVIRONMENTS = "POST api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/environments"


def cds(**changes: Any) -> Bag:
    """A declared CdsInstance; arguments change inputs."""
    return declared(CdsInstanceProvider(), "cds", {**CDS, "timeout": "2m", **changes})


def created(process: ProviderProcess) -> tuple[str, Bag, Bag]:
    """A created CdsInstance: id, inputs, outputs."""
    checked = process.check(cds())
    assert checked.failures == []
    identifier, outputs = process.create(checked.inputs)
    return identifier, checked.inputs, outputs


def failure(process: ProviderProcess, inputs: Bag) -> str:
    """The text with which a creation fails."""
    with pytest.raises(ProviderError) as caught:
        process.create(inputs)
    return str(caught.value)


def test_created_environment_reads_back_and_differs_in_nothing(tenant: Tenant, process: ProviderProcess) -> None:
    identifier, inputs, outputs = created(process)
    assert outputs["environment_id"] == identifier
    assert outputs["url"] == "https://contoso-uat.crm4.dynamics.com/"
    assert (outputs["currency"], outputs["language"], outputs["prime_solution"]) == ("EUR", 1033, "9.2.0.0")
    before = tenant.now()
    assert process.diff(identifier, outputs, process.check(cds(), inputs).inputs).changes == "none"
    assert process.read(identifier, outputs) == (identifier, outputs, inputs)
    assert tenant.writes(before) == []


def test_progress_stands_on_the_resources_own_row(tenant: Tenant, process: ProviderProcess) -> None:
    # Long enough that the first look finds it unfinished.
    tenant.control("switches", {"environment_create_duration": 7200})
    _, inputs, _ = created(process)
    lines = process.engine.lines(ephemeral=True)
    assert any(line.startswith("creating the environment: Running") for line in lines)
    assert {each.urn for each in process.engine.logged} == {inputs["__row"]["urn"]}


def test_repeated_create_finds_the_environment(tenant: Tenant, process: ProviderProcess) -> None:
    identifier, inputs, outputs = created(process)
    before = tenant.now()
    assert process.create(inputs) == (identifier, outputs)
    assert tenant.writes(before) == []


def test_renamed_environment_shows_as_drift_and_is_put_back(tenant: Tenant, process: ProviderProcess) -> None:
    identifier, inputs, outputs = created(process)
    tenant.control(
        "person", {"action": "rename-environment", "environment": "contoso-uat.crm4.dynamics.com", "name": "Renamed"}
    )
    _, held, held_inputs = process.read(identifier, outputs)
    assert (held["name"], held_inputs["name"]) == ("Renamed", "Renamed")
    assert process.diff(identifier, held, inputs).changes == "unknown"
    assert process.update(identifier, held, inputs)["name"] == "contoso-uat"
    assert process.read(identifier, outputs)[1] == outputs


def test_type_changes_in_place(process: ProviderProcess) -> None:
    identifier, inputs, outputs = created(process)
    news = process.check(cds(type="production"), inputs).inputs
    assert process.diff(identifier, outputs, news).replaces == []
    assert process.update(identifier, outputs, news)["type"] == "production"


def test_new_domain_is_replaced_only_with_consent(process: ProviderProcess) -> None:
    identifier, inputs, outputs = created(process)
    ((path, text),) = process.check(cds(domain="contoso-new", name="Contoso new"), inputs).failures
    assert path == "domain"
    assert "it needs your consent in `dualwrite:confirm`: {action: replace-environment, target: contoso-uat" in text
    agreed = process.check(cds(domain="contoso-new", name="Contoso new", confirm=[CONSENT]), inputs)
    assert agreed.failures == []
    assert process.diff(identifier, outputs, agreed.inputs).replaces == ["domain"]


def test_permanent_properties_are_refused_in_words(process: ProviderProcess) -> None:
    _, inputs, _ = created(process)
    failures = dict(process.check(cds(location="asia", currency="USD", language=1031), inputs).failures)
    assert failures == {
        "location": (
            "DW-C03 cannot change from 'europe' to 'asia': it is fixed when the environment is created; "
            "a new `domain` makes another environment"
        ),
        "currency": (
            "DW-C03 cannot change from 'EUR' to 'USD': it is fixed when the environment is created; "
            "a new `domain` makes another environment"
        ),
        "language": (
            "DW-C03 cannot change from 1033 to 1031: it is fixed when the environment is created; "
            "a new `domain` makes another environment"
        ),
    }


def test_delete_removes_the_environment_and_repeats_well(
    tenant: Tenant, process: ProviderProcess, start_process: Callable[[], ProviderProcess]
) -> None:
    identifier, _, outputs = created(process)
    destroy = start_process()
    before = tenant.now()
    with pytest.raises(ProviderError, match="is not deleted: it needs your consent"):
        destroy.delete(identifier, outputs)
    assert tenant.writes(before) == []
    destroy.delete(identifier, agreed(outputs))
    assert destroy.read(identifier, outputs)[0] == ""
    before = tenant.now()
    destroy.delete(identifier, agreed(outputs))
    assert tenant.writes(before) == []


def test_environment_that_lost_its_mark_is_not_deleted(
    process: ProviderProcess, start_process: Callable[[], ProviderProcess]
) -> None:
    identifier, _, outputs = created(process)
    outputs["__row"]["stack"] = "another"
    with pytest.raises(ProviderError, match="created by Dual-write as code, not by this stack"):
        start_process().delete(identifier, agreed(outputs))
    assert process.read(identifier, outputs)[0] == identifier


def test_foreign_domain_is_refused_in_preview_and_in_create(process: ProviderProcess) -> None:
    inputs = cds(domain="contoso", name="contoso")
    ((path, said),) = process.check(inputs).failures
    text = failure(process, inputs)
    assert path == "domain"
    assert text.startswith("DualWriteError: CdsInstance 'contoso': create failed: the domain 'contoso' belongs to ")
    for line in (said, text):
        assert re.search(
            r"not by this stack \(DomainNameAlreadyInUse, correlation [0-9a-f-]{36}\)\. "
            r"Choose another domain, or say `instance: existing` to use that environment as it is\.$",
            line,
        )


@pytest.mark.parametrize(
    ("switches", "property_", "said"),
    [
        (
            {"disabled_templates": "D365_DeveloperEdition"},
            "type",
            "DW-C04 the template D365_DeveloperEdition is disabled in europe",
        ),
        (
            {"capacity_database_mb": 500.0},
            "domain",
            "DW-C04 the environment cannot be created: the tenant has 0 MB of Database capacity left",
        ),
    ],
)
def test_tenants_objections_show_before_anything_is_created(
    tenant: Tenant, process: ProviderProcess, switches: dict[str, Any], property_: str, said: str
) -> None:
    tenant.control("switches", switches)
    ((path, text),) = process.check(cds()).failures
    assert path == property_
    assert text.startswith(said)


def test_capacity_that_ran_out_meanwhile_is_one_line(tenant: Tenant, process: ProviderProcess) -> None:
    tenant.control("switches", {"capacity_database_mb": 500.0})
    text = failure(process, cds())
    assert text.startswith("DualWriteError: CdsInstance 'contoso-uat': create failed: ")
    assert "(InsufficientCapacity_StorageDriven" in text
    assert text.endswith("Free at least 1 GB of Dataverse database capacity, or buy some.")
    assert "\n" not in text


def test_failed_creation_is_one_line_and_the_next_run_continues(tenant: Tenant, process: ProviderProcess) -> None:
    tenant.control("switches", {"environment_create_failures": 1})
    text = failure(process, cds())
    assert text.startswith(
        "DualWriteError: CdsInstance 'contoso-uat': create failed: the service ended the create as Failed in stage Run"
    )
    assert process.create(cds())[1]["domain"] == "contoso-uat"


@pytest.mark.parametrize("drop", ["before", "after"])
def test_lost_answer_to_the_create_makes_one_environment(tenant: Tenant, process: ProviderProcess, drop: str) -> None:
    fault = {"service": "bap", "method": "POST", "path": "*/environments", "drop": drop}
    tenant.control("faults", fault)
    before = tenant.now()
    created(process)
    sent = [each for each in tenant.writes(before) if each == ENVIRONMENTS]
    assert len(sent) == (2 if drop == "before" else 1)


def test_killed_process_is_continued_by_the_next(
    tenant: Tenant, process: ProviderProcess, start_process: Callable[[], ProviderProcess]
) -> None:
    """The first process dies while it waits for the creation that it has started."""
    inputs = process.check(cds()).inputs
    tenant.control("switches", {"environment_create_duration": 7200.0})
    running = process.begin_create(inputs)
    process.engine.wait_for("creating the environment")
    process.kill()
    assert running.exception() is not None
    before = tenant.now()
    assert start_process().create(inputs)[1]["domain"] == "contoso-uat"
    assert tenant.writes(before) == []
