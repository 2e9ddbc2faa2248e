"""Finding, making, renaming and removing an environment, whatever happens on the way."""

from collections.abc import Callable

import pytest

from providers.api.power_platform.models import (
    Environment,
    EnvironmentRequest,
    LifecycleOperation,
    OperationStarted,
)
from providers.api.transport.errors import (
    ApiError,
    Conflict,
    InvalidRequest,
    OperationFailed,
    OperationTimedOut,
    ServiceUnavailable,
    TransportError,
)
from providers.instances.lifecycle import EnvironmentLifecycle, change_type, rename, wait_for_access
from providers.instances.removal import remove
from providers.protocol.waiting import Waiting
from tests.support.seen_instances import ENVIRONMENT_ID, MARK, an_environment
from tests.support.talk import FakeTalk
from tests.unit.providers.fake_services import FakeDataverse, FakePowerPlatform

WANTED = EnvironmentRequest(
    display_name="Contoso UAT", domain="contoso-uat", location="europe", description=MARK, currency="EUR", language=1033
)
LOST = TransportError("the connection broke", may_have_happened=True)


def lifecycle(service: FakePowerPlatform, talk: FakeTalk | None = None, seconds: float = 7200) -> EnvironmentLifecycle:
    waiting = Waiting(talk or FakeTalk(), seconds)
    return EnvironmentLifecycle(service, WANTED, mark=MARK, interval=10, waiting=waiting)


def test_missing_environment_is_created_once() -> None:
    service = FakePowerPlatform()
    assert lifecycle(service).ensure().id == ENVIRONMENT_ID
    assert service.writes() == ["create contoso-uat"]


def test_own_environment_is_adopted_without_a_write() -> None:
    service, talk = FakePowerPlatform(an_environment()), FakeTalk()
    assert lifecycle(service, talk).ensure() == an_environment()
    assert service.writes() == []
    assert talk.announced == [f"found the environment {ENVIRONMENT_ID} of this stack; going on with it"]


def test_create_under_way_is_followed_not_repeated() -> None:
    service = FakePowerPlatform(an_environment(domain=None, url=None))
    service.started_operations = [
        LifecycleOperation(type="Create", state="Running", environment_path=f"/environments/{ENVIRONMENT_ID}"),
        LifecycleOperation(type="Create", state="Succeeded", environment_path=f"/environments/{ENVIRONMENT_ID}"),
    ]
    service.held[ENVIRONMENT_ID] = an_environment()
    assert lifecycle(service).ensure().domain == "contoso-uat"
    assert service.writes() == []
    assert service.calls.count("operations") == 2


def test_foreign_environment_stops_before_any_write() -> None:
    service = FakePowerPlatform(an_environment(description="made by hand"))
    with pytest.raises(Conflict, match="created by Ines Roth, not by this stack"):
        lifecycle(service).ensure()
    assert service.writes() == []


def test_lost_answer_is_looked_up_by_domain() -> None:
    service = FakePowerPlatform()
    service.lost_creates, service.lost_visible_after = 1, 3
    assert lifecycle(service).ensure().id == ENVIRONMENT_ID
    assert service.writes() == ["create contoso-uat"]


def test_create_that_never_arrived_is_sent_again_after_grace() -> None:
    service, talk = FakePowerPlatform(), FakeTalk()
    service.create_errors = [LOST]
    assert lifecycle(service, talk).ensure().id == ENVIRONMENT_ID
    assert service.writes() == ["create contoso-uat"] * 2
    assert talk.time.now >= 60


def test_domain_taken_by_our_own_lost_create_is_adopted() -> None:
    service = FakePowerPlatform(an_environment())
    service.lost_visible_after = 1
    service.create_errors = [Conflict("in use", code="DomainNameAlreadyInUse", status=409)]
    assert lifecycle(service).ensure() == an_environment()


@pytest.mark.parametrize(
    "error",
    [
        Conflict("no space", code="InsufficientCapacity_StorageDriven"),
        Conflict("in use", code="DomainNameAlreadyInUse"),
        InvalidRequest("no licence", code="DynamicsEntitlementMissing"),
        InvalidRequest("where", code="MacroRegionRequired"),
    ],
    ids=str,
)
def test_final_refusals_are_not_repeated(error: ApiError) -> None:
    service = FakePowerPlatform()
    service.create_errors = [error]
    with pytest.raises(type(error), match=error.reason):
        lifecycle(service).ensure()
    assert service.writes() == ["create contoso-uat"]


def test_failed_create_names_stage_and_operation() -> None:
    service = FakePowerPlatform()
    service.operation_states = ["Running", "Failed"]
    with pytest.raises(OperationFailed) as caught:
        lifecycle(service).ensure()
    assert str(caught.value) == (
        "the service ended the create as Failed in stage Run (correlation op-1). "
        "Look at the environment's history in the admin center, then run again."
    )


def test_vanished_create_operation_is_no_success() -> None:
    service = FakePowerPlatform()
    service.operation_states = ["gone"]
    assert lifecycle(service).ensure().id == ENVIRONMENT_ID


def test_late_dataverse_is_waited_for() -> None:
    service, talk = FakePowerPlatform(), FakeTalk()
    service.late_metadata = 4
    assert lifecycle(service, talk).ensure().url == "https://contoso-uat.crm4.dynamics.com/"
    assert "waiting for Dataverse: Dataverse not shown yet, 30 s (usually a minute)" in talk.lines


def test_deadline_says_what_was_last_seen() -> None:
    service = FakePowerPlatform()
    service.operation_states = ["Running"]
    with pytest.raises(OperationTimedOut, match="last status: Running, stage Run"):
        lifecycle(service, seconds=60).ensure()


def test_another_domain_than_asked_is_an_error() -> None:
    service = FakePowerPlatform()
    service.given_domain = "contoso-uat1"
    with pytest.raises(Conflict, match="the domain 'contoso-uat1' instead of 'contoso-uat'"):
        lifecycle(service).ensure()


def test_creator_is_let_in_after_refusals() -> None:
    dataverse, talk = FakeDataverse(), FakeTalk()
    dataverse.refusals = 3
    wait_for_access(dataverse.who_am_i, Waiting(talk, 7200), 15)
    assert talk.lines[0] == "waiting for access to Dataverse: not open to us yet (403), 0 s (usually 10 min)"


def test_creator_kept_out_is_told_what_to_add() -> None:
    dataverse = FakeDataverse()
    dataverse.refusals = 1000
    with pytest.raises(OperationTimedOut, match="application user with System Administrator"):
        wait_for_access(dataverse.who_am_i, Waiting(FakeTalk(), 7200), 15)


def test_rename_is_repeated_until_read_back() -> None:
    service = FakePowerPlatform(an_environment())
    service.renames_needed = 2
    assert rename(service, ENVIRONMENT_ID, "Contoso", Waiting(FakeTalk(), 600), 10).display_name == "Contoso"
    assert service.writes() == ["update Contoso"] * 2


def test_rename_under_way_is_not_sent_again() -> None:
    service = FakePowerPlatform(an_environment())
    service.operation_states = ["Running", "Running", "Succeeded"]
    service.update_operation = "https://api.bap.microsoft.com/operations/2"
    rename(service, ENVIRONMENT_ID, "Contoso", Waiting(FakeTalk(), 600), 10)
    assert service.writes() == ["update Contoso"]
    assert service.calls.count("poll") == 3


def test_type_changes_once_and_is_read_back() -> None:
    service = FakePowerPlatform(an_environment())
    assert change_type(service, ENVIRONMENT_ID, "Production", Waiting(FakeTalk(), 600), 10).sku == "Production"
    change_type(service, ENVIRONMENT_ID, "Production", Waiting(FakeTalk(), 600), 10)
    assert service.writes() == ["sku Production"]


def removed(service: FakePowerPlatform) -> bool:
    waiting = Waiting(FakeTalk(), 7200)
    return remove(service, ENVIRONMENT_ID, domain="contoso-uat", mark=MARK, waiting=waiting, interval=10)


@pytest.mark.parametrize(
    ("states", "deletes"),
    [
        (["Succeeded"], 1),
        (["Running", "Succeeded"], 1),
        (["busy", "Succeeded"], 2),
        (["Failed", "Failed", "Succeeded"], 3),
    ],
)
def test_delete_goes_on_until_gone(states: list[str], deletes: int) -> None:
    service = FakePowerPlatform(an_environment())
    service.delete_states = states
    assert removed(service)
    assert service.writes() == ["delete"] * deletes


def test_delete_of_a_gone_environment_succeeds() -> None:
    service = FakePowerPlatform()
    assert not removed(service)
    assert service.writes() == []


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (an_environment(description="adopted by hand"), "not by this stack"),
        (an_environment(domain="contoso-new"), "has the domain 'contoso-new', this stack made 'contoso-uat'"),
    ],
)
def test_delete_verifies_mark_and_domain(environment: object, said: str) -> None:
    service = FakePowerPlatform(environment)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match=said):
        removed(service)
    assert service.writes() == []


def test_delete_that_keeps_failing_ends() -> None:
    service = FakePowerPlatform(an_environment())
    service.delete_states = ["Failed"]
    with pytest.raises(OperationFailed, match="ended 10 delete operations as Failed"):
        removed(service)


class Failing(FakePowerPlatform):
    """Takes a change, whose operation then fails."""

    def update_environment(self, environment_id: str, **changes: str | None) -> OperationStarted:
        self.calls.append("update")
        return OperationStarted(operation_url="https://api.bap.microsoft.com/operations/2")

    def modify_sku(self, environment_id: str, sku: str) -> OperationStarted:
        self.calls.append("sku")
        return OperationStarted(operation_url="https://api.bap.microsoft.com/operations/3")


@pytest.mark.parametrize(("change", "what"), [(rename, "rename"), (change_type, "change of type")])
def test_change_whose_operation_fails_ends_with_its_error(change: Callable[..., Environment], what: str) -> None:
    service = Failing(an_environment())
    service.operation_states = ["Running", "Failed"]
    with pytest.raises(OperationFailed, match=f"ended the {what} as Failed in stage Run") as caught:
        change(service, ENVIRONMENT_ID, "Production", Waiting(FakeTalk(), 7200), 10)
    assert caught.value.correlation_id == "op-1"
    assert len(service.writes()) == 1


def test_rename_without_effect_is_repeated_ten_times_at_most() -> None:
    service = FakePowerPlatform(an_environment())
    service.renames_needed = 999
    with pytest.raises(OperationFailed, match="took the new name 10 times and still shows"):
        rename(service, ENVIRONMENT_ID, "Contoso", Waiting(FakeTalk(), 7200), 10)
    assert len(service.writes()) == 10


def test_create_that_is_refused_with_a_reason_keeps_the_reason() -> None:
    service = FakePowerPlatform()
    reason = ServiceUnavailable(
        "no room in the region", code="RegionFull", correlation_id="c-1", may_have_happened=True
    )
    service.create_errors = [reason, reason]
    with pytest.raises(OperationFailed, match="the last one: no room in the region") as caught:
        lifecycle(service).ensure()
    assert (caught.value.code, caught.value.correlation_id) == ("RegionFull", "c-1")
