"""Finding, making, renaming and removing an environment, whatever happens on the way."""

from collections.abc import Callable
from typing import Any

import pytest

from emulator.core.faults import Fault
from providers.api.power_platform.interface import PowerPlatform
from providers.api.power_platform.models import Environment
from providers.api.power_platform.request import EnvironmentRequest
from providers.api.transport.errors import ApiError, Conflict, InvalidRequest, OperationFailed, OperationTimedOut
from providers.instances.lifecycle import EnvironmentLifecycle, change_type, rename, wait_for_access
from providers.instances.removal import remove
from providers.protocol.waiting import Waiting
from tests.support.environments import CREATE, ONE, OPERATION, Environments
from tests.support.in_process import World
from tests.support.seen_instances import MARK

DOMAIN = "contoso-uat"
HISTORY = "Look at the environment's history in the admin center, then run again."
WANTED = EnvironmentRequest(
    display_name="Contoso UAT", domain=DOMAIN, location="europe", description=MARK, currency="EUR", language=1033
)


@pytest.fixture
def made(world: World, tenant: Environments) -> Environment:
    """The environment of this stack, which an earlier run made."""
    environment = lifecycle(world).ensure()
    tenant.wire.forget()
    return environment


def platform(world: World) -> PowerPlatform:
    return world.call().session("public").power_platform


def lifecycle(world: World, seconds: float = 7200) -> EnvironmentLifecycle:
    call = world.call()
    service, waiting = call.session("public").power_platform, Waiting(call, seconds)
    return EnvironmentLifecycle(service, WANTED, mark=MARK, interval=10, waiting=waiting)


def ended(state: str) -> Callable[[Any], Any]:
    """An operation as if it had come to this state in the stage Run."""
    stages = [{"id": "Run", "state": {"id": state}}]
    return lambda operation: {**operation, "state": {"id": state}, "stages": stages, "links": {}}


def test_missing_environment_is_created_once(world: World, tenant: Environments) -> None:
    assert lifecycle(world).ensure().domain == DOMAIN
    assert tenant.writes() == ["create contoso-uat"]


def test_own_environment_is_adopted_without_a_write(world: World, tenant: Environments, made: Environment) -> None:
    found = lifecycle(world).ensure()
    assert found == made.model_copy(update={"correlation_id": found.correlation_id})
    assert tenant.writes() == []
    assert world.said == [f"found the environment {made.id} of this stack; going on with it"]


def test_create_under_way_is_followed_not_repeated(world: World, tenant: Environments) -> None:
    platform(world).create_environment(WANTED)
    assert lifecycle(world).ensure().domain == DOMAIN
    assert tenant.writes() == ["create contoso-uat"]
    assert tenant.wire.count("*/lifecycleOperations") > 2


def test_foreign_environment_stops_before_any_write(world: World, tenant: Environments, made: Environment) -> None:
    maker = tenant.change(made.id, description="made by hand").created_by.display_name
    with pytest.raises(Conflict, match=f"created by {maker}, not by this stack"):
        lifecycle(world).ensure()
    assert tenant.writes() == []


def test_lost_answer_is_looked_up_by_domain(world: World, tenant: Environments) -> None:
    tenant.hide_own(3)
    tenant.fault("POST", CREATE, drop="after")
    assert lifecycle(world).ensure().domain == DOMAIN
    assert tenant.writes() == ["create contoso-uat"]
    (text,) = world.said
    assert text.startswith("the create got no answer (")
    assert text.endswith("); looking for the environment")


def test_create_that_got_no_answer_is_followed_to_its_failure(world: World, tenant: Environments) -> None:
    tenant.fault("POST", CREATE, drop="after")
    failed = ended("Failed")
    tenant.wire.alter("*/lifecycleOperations", lambda listed: {"value": [failed(each) for each in listed["value"]]})
    with pytest.raises(OperationFailed, match="ended the create as Failed in stage Run"):
        lifecycle(world).ensure()
    assert tenant.writes() == ["create contoso-uat"]


def test_environment_whose_operations_are_forgotten_is_adopted(
    world: World, tenant: Environments, made: Environment
) -> None:
    tenant.refuse("GET", "*/lifecycleOperations", 404, "OperationNotFound", "Forgotten.", count=0)
    assert lifecycle(world).ensure().id == made.id


def not_ready(tenant: Environments, reads: int) -> None:
    """The service shows the environment as not ready for so many reads of it."""
    left = iter(range(reads))

    def change(environment: Any) -> Any:
        if next(left, None) is not None:
            environment["properties"]["states"]["management"]["id"] = "Preparing"
        return environment

    tenant.wire.alter(ONE, change)


def test_environment_that_is_not_ready_is_waited_for(world: World, tenant: Environments, made: Environment) -> None:
    not_ready(tenant, 2)
    assert lifecycle(world).ensure().state == "Ready"
    assert "waiting for Dataverse: Preparing, 10 s (usually a minute)" in world.progress


def test_wait_that_the_service_asks_for_beats_the_interval(
    world: World, tenant: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = type(platform(world))
    read = client.operation
    monkeypatch.setattr(
        client, "operation", lambda service, url: read(service, url).model_copy(update={"retry_after": 3000.0})
    )
    lifecycle(world).ensure()
    assert tenant.wire.count(OPERATION) == 2


def test_create_that_never_arrived_is_sent_again_after_grace(world: World, tenant: Environments) -> None:
    tenant.fault("POST", CREATE, drop="before")
    before = world.elapsed
    assert lifecycle(world).ensure().domain == DOMAIN
    assert tenant.writes() == ["create contoso-uat"] * 2
    assert world.elapsed - before >= 60


def test_domain_taken_by_our_own_lost_create_is_adopted(world: World, tenant: Environments, made: Environment) -> None:
    tenant.hide_own(1)
    assert lifecycle(world).ensure().id == made.id
    assert tenant.writes() == ["create contoso-uat"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Conflict, 409, "InsufficientCapacity_StorageDriven"),
        (Conflict, 409, "DomainNameAlreadyInUse"),
        (InvalidRequest, 400, "DynamicsEntitlementMissing"),
        (InvalidRequest, 400, "MacroRegionRequired"),
    ],
)
def test_final_refusals_are_not_repeated(
    world: World, tenant: Environments, kind: type[ApiError], status: int, code: str
) -> None:
    tenant.refuse("POST", CREATE, status, code, "it will not do")
    with pytest.raises(kind, match="it will not do"):
        lifecycle(world).ensure()
    assert tenant.writes() == ["create contoso-uat"]


def test_failed_create_names_stage_and_operation(world: World, tenant: Environments) -> None:
    tenant.wire.alter(OPERATION, lambda operation: ended("Failed")({**operation, "id": "op-1"}))
    with pytest.raises(OperationFailed) as caught:
        lifecycle(world).ensure()
    assert str(caught.value) == (
        "the service ended the create as Failed in stage Run (correlation op-1). "
        "Look at the environment's history in the admin center, then run again."
    )


def test_failed_create_names_the_environment_that_it_left_behind(world: World, tenant: Environments) -> None:
    links = {"environment": {"path": "/providers/Microsoft.BusinessAppPlatform/environments/left-1"}}
    tenant.wire.alter(OPERATION, lambda operation: {**ended("Failed")(operation), "id": "op-1", "links": links})
    with pytest.raises(OperationFailed) as caught:
        lifecycle(world).ensure()
    assert str(caught.value) == (
        "the service ended the create as Failed in stage Run and left the environment left-1 behind "
        "(correlation op-1). Look at the environment's history in the admin center, delete what is left, and run again."
    )


def test_vanished_create_operation_is_no_success(world: World, tenant: Environments) -> None:
    tenant.refuse("GET", OPERATION, 404, "OperationNotFound", "The operation could not be found.", count=0)
    environment = lifecycle(world).ensure()
    assert (environment.domain, environment.state) == (DOMAIN, "Ready")


def test_late_dataverse_is_waited_for(world: World) -> None:
    world.tenant.switches.set("dataverse_metadata_reads", 4)
    assert lifecycle(world).ensure().url == f"https://{DOMAIN}.crm4.dynamics.com/"
    assert "waiting for Dataverse: Dataverse not shown yet, 30 s (usually a minute)" in world.progress


def test_deadline_says_what_was_last_seen(world: World, tenant: Environments) -> None:
    tenant.wire.alter(OPERATION, ended("Running"))
    with pytest.raises(OperationTimedOut, match="last status: Running, stage Run"):
        lifecycle(world, seconds=60).ensure()
    assert tenant.writes() == ["create contoso-uat"]
    assert world.said == []


def test_another_domain_than_asked_is_an_error(world: World, tenant: Environments) -> None:
    def change(environment: Any) -> Any:
        metadata = environment["properties"].get("linkedEnvironmentMetadata")
        if metadata:
            metadata["domainName"] = "contoso-uat1"
        return environment

    tenant.wire.alter(ONE, change)
    with pytest.raises(Conflict, match="the domain 'contoso-uat1' instead of 'contoso-uat'") as caught:
        lifecycle(world).ensure()
    assert caught.value.next_step == "Delete it in the admin center and run again, or choose another `domain`."


def kept_out(world: World, times: int) -> None:
    """Dataverse does not know its creator for so many calls (0: never)."""
    body = {"error": {"code": "0x80072560", "message": "The user is not a member of the organization."}}
    world.tenant.faults.add(Fault(service="dataverse", path="*/WhoAmI*", status=403, body=body, count=times))


def let_in(world: World, made: Environment) -> None:
    call = world.call()
    dataverse = call.session("public").dataverse(made.url or "")
    wait_for_access(dataverse.who_am_i, Waiting(call, 7200), 15)


def test_creator_is_let_in_after_refusals(world: World, made: Environment) -> None:
    kept_out(world, 3)
    let_in(world, made)
    assert world.progress[0] == "waiting for access to Dataverse: not open to us yet (403), 0 s (usually 10 min)"


def test_creator_kept_out_is_told_what_to_add(world: World, made: Environment) -> None:
    kept_out(world, 0)
    before = world.elapsed
    with pytest.raises(OperationTimedOut, match="application user with System Administrator"):
        let_in(world, made)
    assert world.elapsed - before == pytest.approx(900, abs=1)


def renamed(world: World, environment_id: str, name: str = "Contoso", seconds: float = 600) -> Environment:
    call = world.call()
    return rename(call.session("public").power_platform, environment_id, name, Waiting(call, seconds), 10)


def changed(world: World, environment_id: str, sku: str = "Production") -> Environment:
    call = world.call()
    return change_type(call.session("public").power_platform, environment_id, sku, Waiting(call, 600), 10)


def without_effect(tenant: Environments, times: int) -> None:
    """The service takes a new name so many times (0: always) and keeps the old one."""
    tenant.fault("PATCH", ONE, status=204, count=times)


def test_rename_is_repeated_until_read_back(world: World, tenant: Environments, made: Environment) -> None:
    without_effect(tenant, 1)
    assert renamed(world, made.id).display_name == "Contoso"
    assert tenant.writes() == ["update Contoso"] * 2


def test_rename_under_way_is_not_sent_again(world: World, tenant: Environments, made: Environment) -> None:
    world.tenant.switches.set("environment_update_duration", 25)
    assert renamed(world, made.id).display_name == "Contoso"
    assert tenant.writes() == ["update Contoso"]
    assert tenant.wire.count(OPERATION) == 3
    assert world.progress[0] == "renaming to 'Contoso': still 'Contoso UAT', 0 s"


def test_changed_type_counts_once_the_environment_is_ready_again(
    world: World, tenant: Environments, made: Environment
) -> None:
    not_ready(tenant, 4)
    found = changed(world, made.id)
    assert (found.sku, found.state) == ("Production", "Ready")


def test_type_changes_once_and_is_read_back(world: World, tenant: Environments, made: Environment) -> None:
    assert changed(world, made.id).sku == "Production"
    changed(world, made.id)
    assert tenant.writes() == ["sku Production"]


def removed(world: World, environment_id: str, domain: str = DOMAIN) -> bool:
    call = world.call()
    service, waiting = call.session("public").power_platform, Waiting(call, 7200)
    return remove(service, environment_id, domain=domain, mark=MARK, waiting=waiting, interval=10)


@pytest.mark.parametrize(
    ("switches", "busy", "deletes"),
    [
        ({"environment_delete_duration": 1}, False, 1),
        ({}, False, 1),
        ({}, True, 2),
        ({"environment_delete_failures": 2}, False, 3),
    ],
)
def test_delete_goes_on_until_gone(
    world: World, tenant: Environments, made: Environment, switches: dict[str, Any], busy: bool, deletes: int
) -> None:
    for name, value in switches.items():
        world.tenant.switches.set(name, value)
    if busy:
        tenant.fault("DELETE", ONE, status=409)
    assert removed(world, made.id)
    assert tenant.writes() == ["delete"] * deletes
    assert platform(world).find_by_domain(DOMAIN, fresh=True) is None


@pytest.mark.parametrize("code", ["", "OperationNotStartable"])
def test_delete_waits_for_an_operation_that_runs_longer_than_the_client_is_patient(
    world: World, tenant: Environments, made: Environment, code: str
) -> None:
    body = {"error": {"code": code, "message": "another one runs"}} if code else None
    tenant.fault("DELETE", ONE, status=409, body=body, count=80)
    assert removed(world, made.id)
    assert world.elapsed > 900
    assert platform(world).find_by_domain(DOMAIN, fresh=True) is None


def test_delete_that_is_refused_for_good_is_not_repeated(world: World, tenant: Environments, made: Environment) -> None:
    tenant.refuse("DELETE", ONE, 409, "EnvironmentProtected", "It is protected.", count=0)
    with pytest.raises(Conflict, match="It is protected"):
        removed(world, made.id)
    assert tenant.writes() == ["delete"]


def test_delete_of_a_gone_environment_succeeds(world: World, tenant: Environments) -> None:
    assert not removed(world, "c0ffee00-1b2d-4a77-9d10-3e5f6a7b8c9d")
    assert tenant.writes() == []


@pytest.mark.parametrize(
    ("description", "domain", "said"),
    [
        ("adopted by hand", DOMAIN, "not by this stack"),
        (
            MARK,
            "contoso-old",
            r"has the domain 'contoso-uat', this stack made 'contoso-old'\. Run a refresh, look at the diff",
        ),
    ],
)
def test_delete_verifies_mark_and_domain(
    world: World, tenant: Environments, made: Environment, description: str, domain: str, said: str
) -> None:
    tenant.change(made.id, description=description)
    with pytest.raises(Conflict, match=said):
        removed(world, made.id, domain)
    assert tenant.writes() == []


def test_delete_that_keeps_failing_ends(world: World, made: Environment) -> None:
    world.tenant.switches.set("environment_delete_failures", 99)
    with pytest.raises(OperationFailed, match="ended 10 delete operations as Failed") as caught:
        removed(world, made.id)
    assert caught.value.next_step == HISTORY


@pytest.mark.parametrize(("change", "what"), [(renamed, "rename"), (changed, "change of type")])
def test_change_whose_operation_fails_ends_with_its_error(
    world: World, tenant: Environments, made: Environment, change: Callable[[World, str, str], Environment], what: str
) -> None:
    tenant.wire.alter(OPERATION, lambda operation: ended("Failed")({**operation, "id": "op-1"}))
    with pytest.raises(OperationFailed, match=f"ended the {what} as Failed in stage Run") as caught:
        change(world, made.id, "Production")
    assert (caught.value.correlation_id, caught.value.next_step) == ("op-1", HISTORY)
    assert len(tenant.writes()) == 1


def test_rename_without_effect_is_repeated_ten_times_at_most(
    world: World, tenant: Environments, made: Environment
) -> None:
    without_effect(tenant, 0)
    with pytest.raises(OperationFailed, match="took the new name 10 times and still shows") as caught:
        renamed(world, made.id, seconds=7200)
    assert caught.value.next_step == HISTORY
    assert tenant.writes() == ["update Contoso"] * 10


def test_create_that_is_refused_with_a_reason_keeps_the_reason(world: World, tenant: Environments) -> None:
    headers = {"x-ms-correlation-request-id": "c-1"}
    tenant.refuse("POST", CREATE, 503, "RegionFull", "no room in the region", count=0, headers=headers)
    with pytest.raises(OperationFailed, match="the last one: no room in the region") as caught:
        lifecycle(world).ensure()
    assert (caught.value.code, caught.value.correlation_id) == ("RegionFull", "c-1")
    assert caught.value.next_step == (
        "Look at the environments in the admin center, then run again: nothing is created twice."
    )
