"""The base of all providers: what the engine's wire does to values, undone; what goes wrong, in one line."""

import base64
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown
from pydantic import Field

from providers.api.transport.errors import (
    ApiError,
    ServiceUnavailable,
    Throttled,
    TransportError,
    UnexpectedAnswer,
)
from providers.protocol.base import (
    Call,
    DualWriteError,
    Inputs,
    ManagedResource,
    NotRead,
    Outputs,
    Problem,
    Provider,
    ResourceError,
    Stored,
)
from providers.protocol.checking import checked
from providers.protocol.diff import Meaning
from providers.protocol.marks import NotCompared, Refused, Replaces, Unordered
from tests.support.check_findings import check_findings


class ThingInputs(Inputs):
    name: Annotated[str, Field(max_length=5)]
    domain: Annotated[str, Replaces()]
    currency: Annotated[str, Refused("it can never be changed")] = "EUR"
    port: int = 80
    tags: list[str] = Field(default_factory=list)
    members: Annotated[list[str] | Literal["all"], Unordered()] = Field(default_factory=list)
    keys: Annotated[dict[str, list[str]], Unordered()] = Field(default_factory=dict)
    timeout: Annotated[str, NotCompared()] = "2h"


class ThingOutputs(Outputs):
    name: str
    url: str = ""
    members: list[str] | Literal["all"] | None = None
    keys: dict[str, list[str]] | None = None
    seen: list[str] | None = None


class ThingProvider(Provider[ThingInputs, ThingOutputs]):
    resource = "Thing"
    inputs = ThingInputs
    outputs = ThingOutputs
    held: ThingOutputs | None = ThingOutputs(name="live", url="https://live")
    failure: Exception | None = None
    asked: ClassVar[list[str]] = []

    def name_of(self, values: ThingInputs | ThingOutputs) -> str:
        return values.name

    def normalise(self, inputs: ThingInputs) -> ThingInputs:
        return inputs.model_copy(update={"domain": inputs.domain.lower(), "tags": sorted(inputs.tags)})

    def problems(self, inputs: ThingInputs, old: ThingInputs | None) -> list[Problem]:
        return [Problem("port", "must not be 13")] if inputs.port == 13 else []

    def live_problems(self, inputs: ThingInputs, call: Call) -> list[Problem]:
        type(self).asked.append(inputs.name)
        return []

    def on_create(self, inputs: ThingInputs, call: Call) -> tuple[str, ThingOutputs]:
        if self.failure:
            raise self.failure
        return "id-1", ThingOutputs(name=inputs.name, url="https://new")

    def on_read(self, identifier: str, stored: ThingOutputs, call: Call) -> ThingOutputs | None:
        if self.failure:
            raise self.failure
        return self.held


GOOD = {"name": "uat", "domain": "UAT", "port": 80.0, "tags": ["b", "a"], "__provider": "p", "__row": {"urn": "u"}}


@pytest.fixture
def thing(monkeypatch: pytest.MonkeyPatch) -> ThingProvider:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")

    class Fresh(ThingProvider):
        asked: ClassVar[list[str]] = []

    return Fresh()


def test_check_returns_canonical_inputs_with_defaults(thing: ThingProvider) -> None:
    checked = thing.check({}, GOOD)
    wanted = {"name": "uat", "domain": "uat", "currency": "EUR", "port": 80, "tags": ["a", "b"], "timeout": "2h"}
    assert checked.inputs == {**wanted, "__row": {"urn": "u"}}


SETS = {"members": ["USMF", "DAT"], "keys": {"accounts": ["b", "a"]}}
STORED_SETS = {"members": {"DAT": True, "USMF": True}, "keys": {"accounts": {"a": True, "b": True}}}


def test_sets_are_stored_as_mappings_that_the_engine_compares_by_item(thing: ThingProvider) -> None:
    inputs = thing.check({}, {**GOOD, **SETS}).inputs
    assert {name: inputs[name] for name in SETS} == STORED_SETS
    assert inputs["tags"] == ["a", "b"]
    assert thing.check({}, {**inputs, "__provider": "p"}).inputs == inputs
    assert thing.check({}, {**GOOD, "members": "all"}).inputs["members"] == "all"


def test_set_that_older_code_stored_as_a_list_is_the_same(thing: ThingProvider) -> None:
    inputs = thing.check({}, {**GOOD, **SETS}).inputs
    older = {**inputs, **SETS, "url": "https://live"}
    assert not thing.diff("id-1", older, {**inputs, "__provider": older.get("__provider")}).changes
    fewer = thing.check({}, {**GOOD, **SETS, "members": ["DAT"]}).inputs
    assert thing.diff("id-1", older, fewer).changes is None


def test_operations_work_with_lists_and_store_sets(thing: ThingProvider) -> None:
    thing.held = ThingOutputs(name="live", members=["USMF", "DAT", "FRRT"], keys={"accounts": ["a", "b"]}, seen=["x"])
    inputs = thing.check({}, {**GOOD, **SETS}).inputs
    read = thing.read("id-1", thing.create({**inputs, "__provider": "p"}).outs or {})
    outs, live = read.outs or {}, read.inputs or {}
    assert outs["members"] == {"DAT": True, "FRRT": True, "USMF": True} == live["members"]
    assert (live["keys"], outs["seen"]) == (STORED_SETS["keys"], ["x"])
    thing.failure = NotRead("down")
    kept = thing.read("id-1", outs)
    assert (kept.outs, (kept.inputs or {})["members"]) == (outs, live["members"])


def test_check_is_idempotent_and_ignores_olds(thing: ThingProvider) -> None:
    once = thing.check({}, GOOD).inputs
    assert thing.check(once, {**once}).inputs == once


def test_check_collects_every_problem_with_its_path(thing: ThingProvider) -> None:
    bad = {"name": "too long", "tags": ["a", 3.5], "colour": "red", "__provider": "p"}
    assert check_findings(thing, {}, bad) == [
        ("colour", "is not an input of Thing"),
        ("name", "String should have at most 5 characters"),
        ("", "domain: is required"),
        ("", "tags[1]: Input should be a valid string"),
    ]


def test_check_refuses_a_change_in_words(thing: ThingProvider) -> None:
    assert check_findings(thing, {**GOOD, "currency": "EUR"}, {**GOOD, "currency": "USD"}) == [
        ("currency", "cannot change from 'EUR' to 'USD': it can never be changed")
    ]


def test_live_checks_run_only_before_a_creation(thing: ThingProvider) -> None:
    thing.check({**GOOD}, GOOD)
    assert type(thing).asked == []
    thing.check({}, GOOD)
    assert type(thing).asked == ["uat"]


def test_private_inputs_reach_the_operation_and_are_no_part_of_checked_inputs(thing: ThingProvider) -> None:
    seen: list[Any] = []
    checked = thing.check({}, {**GOOD, "__running_before": ["a"]}).inputs

    def on_create(_inputs: ThingInputs, call: Call) -> tuple[str, ThingOutputs]:
        seen.append(call.private)
        return "id", ThingOutputs(name="uat")

    thing.on_create = on_create  # type: ignore[method-assign,assignment]
    thing.create(checked)
    thing.check({}, GOOD)
    thing.create(checked)
    assert "__running_before" not in checked
    assert seen == [{"running_before": ["a"]}, {}]


def test_update_half_of_an_up_repeats_only_warnings_of_its_preview(thing: ThingProvider) -> None:
    said: list[str] = []
    call = Call(write=lambda _row, text, **_options: said.append(text))

    def live_problems(_inputs: ThingInputs, call: Call) -> list[Problem]:
        call.announce("announced")
        call.progress("progress")
        call.warn("warned")
        return []

    thing.live_problems = live_problems  # type: ignore[method-assign,assignment]
    checked(thing, {}, GOOD, call)
    checked(thing, {}, GOOD, replace(call, private={"updating": True}))
    assert said == ["announced", "progress", "warned", "warned"]


def test_live_checks_wait_until_inputs_are_right(thing: ThingProvider) -> None:
    assert check_findings(thing, {}, {**GOOD, "port": 13.0}) == [("port", "must not be 13")]
    assert type(thing).asked == []


UNKNOWN = Unknown()  # type: ignore[no-untyped-call]
UNKNOWNS = st.sampled_from([UNKNOWN, [UNKNOWN], {"a": [UNKNOWN]}, ["x", {"y": {"z": UNKNOWN}}]])


@given(st.dictionaries(st.sampled_from(["name", "domain", "currency", "port", "tags", "timeout"]), UNKNOWNS))
def test_unknown_at_any_depth_passes_check_untouched(unknowns: dict[str, Any]) -> None:
    checked = ThingProvider().check({}, {**GOOD, **unknowns})
    assert checked.failures == []
    assert all(checked.inputs[name] is value for name, value in unknowns.items())


def test_known_fields_are_checked_beside_unknown_ones(thing: ThingProvider) -> None:
    assert check_findings(thing, {}, {**GOOD, "name": "too long", "domain": UNKNOWN}) == [
        ("name", "String should have at most 5 characters")
    ]


@pytest.mark.parametrize(
    ("outs", "news", "changes", "replaces"),
    [
        ({}, {}, False, None),
        ({}, {"timeout": "1h"}, False, None),
        ({}, {"name": "b"}, None, []),
        ({}, {"domain": "other"}, None, ["domain"]),
        ({}, {"domain": UNKNOWN}, None, []),
        ({"__provider": "old"}, {}, True, None),
    ],
)
def test_diff_answers_what_the_engine_needs(
    thing: ThingProvider, outs: dict[str, Any], news: dict[str, Any], changes: bool | None, replaces: list[str] | None
) -> None:
    wanted = {**thing.check({}, GOOD).inputs, "__provider": "p"}
    found = thing.diff("id", {**wanted, **outs}, {**wanted, **news})
    assert (found.changes, found.replaces) == (changes, replaces)


def test_create_echoes_every_input_beside_outputs(thing: ThingProvider) -> None:
    inputs = thing.check({}, GOOD).inputs
    result = thing.create({**inputs, "__provider": "p"})
    assert result.outs == {**inputs, "url": "https://new"}


def test_read_shows_drift_in_outputs_and_inputs(thing: ThingProvider) -> None:
    outs = thing.create({**thing.check({}, GOOD).inputs, "__provider": "p"}).outs
    assert outs is not None
    read = thing.read("id-1", {**outs, "__provider": "p"})
    assert read.outs is not None
    assert read.inputs is not None
    assert (read.outs["name"], read.outs["url"]) == ("live", "https://live")
    assert read.inputs == {**thing.check({}, GOOD).inputs, "name": "live"}
    assert read.outs is not read.inputs


def test_read_of_a_gone_object_is_an_empty_id(thing: ThingProvider) -> None:
    thing.held = None
    read = thing.read("id-1", {"name": "uat", "__provider": "p"})
    assert (read.id, read.outs) == ("", {})


def test_unreadable_state_keeps_what_is_stored(thing: ThingProvider) -> None:
    thing.failure = NotRead("no token")
    stored = {"name": "uat", "url": "https://old", "__provider": "p", "__row": {"urn": "u"}}
    read = thing.read("id-1", stored)
    assert read.outs == {"name": "uat", "url": "https://old", "__row": {"urn": "u"}}


@pytest.mark.parametrize("fault", [TransportError, Throttled, ServiceUnavailable, UnexpectedAnswer])
def test_service_that_is_down_leaves_the_stored_values_in_every_refresh(
    thing: ThingProvider, fault: type[ApiError]
) -> None:
    thing.failure = fault("the service does not answer")
    stored = {"name": "uat", "url": "https://old", "__provider": "p", "__row": {"urn": "u"}}
    read = thing.read("id-1", stored)
    assert (read.id, read.outs) == ("id-1", {"name": "uat", "url": "https://old", "__row": {"urn": "u"}})


def test_service_error_leaves_one_line(thing: ThingProvider) -> None:
    thing.failure = ResourceError(
        "the domain is taken", code="DomainNameAlreadyInUse", correlation_id="c-1", next_step="Choose another."
    )
    with pytest.raises(DualWriteError) as caught:
        thing.create({"name": "uat", "domain": "uat", "__provider": "p"})
    assert str(caught.value) == (
        "Thing 'uat': create failed: the domain is taken (DomainNameAlreadyInUse, correlation c-1). Choose another."
    )
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_unexpected_error_keeps_its_traceback_in_a_file(
    thing: ThingProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALWRITE_LOG_DIR", str(tmp_path))
    thing.failure = KeyError("secret detail")
    with pytest.raises(DualWriteError, match="unexpected KeyError in dual-write as code") as caught:
        thing.create({"name": "uat", "domain": "uat", "__provider": "p"})
    kept = next(tmp_path.iterdir())
    assert str(kept) in str(caught.value)
    assert "secret detail" not in str(caught.value)
    assert "Traceback (most recent call last)" in kept.read_text()


def test_error_of_a_comparison_is_one_line_too(
    thing: ThingProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALWRITE_LOG_DIR", str(tmp_path))

    def meaning(name: str, was: Any, wanted: Any, stored: Stored) -> Meaning:
        raise TypeError("no such comparison")

    monkeypatch.setattr(thing, "meaning", meaning)
    with pytest.raises(DualWriteError, match="Thing 'uat': diff failed: unexpected TypeError"):
        thing.diff("id", GOOD, GOOD)


def test_unexpected_error_is_told_where_no_file_can_be_written(
    thing: ThingProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DUALWRITE_LOG_DIR", str(tmp_path / "file"))
    thing.failure = KeyError("detail")
    with pytest.raises(DualWriteError, match=r"unexpected KeyError .* Its traceback could not be written; please"):
        thing.create({"name": "uat", "domain": "uat", "__provider": "p"})


def test_without_dual_write_token_nothing_is_written(thing: ThingProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUALWRITE_TOKEN")
    with pytest.raises(DualWriteError, match=r"Thing 'uat': create failed: no delegated token .* Set DUALWRITE_TOKEN"):
        thing.create({"name": "uat", "domain": "uat", "__provider": "p"})


def test_error_class_shows_no_module_path() -> None:
    assert DualWriteError.__module__ == "builtins"


REAL = ["cds_instance:CdsInstanceProvider", "finops_instance:FinOpsInstanceProvider",
        "application_package:ApplicationPackageProvider", "company:CompanyProvider",
        "dual_write_connection:DualWriteConnectionProvider", "company_bootstrap:CompanyBootstrapProvider",
        "live_sync:LiveSyncProvider", "entity_map:EntityMapProvider"]  # fmt: skip


@pytest.mark.parametrize("reference", REAL)
def test_provider_is_stored_by_reference_alone(reference: str) -> None:
    module, name = reference.split(":")
    provider = getattr(__import__(f"providers.{module}", fromlist=[name]), name)()
    stored = base64.b64decode(serialize_provider(provider))
    assert len(stored) <= 100
    assert f"providers.{module}".encode() in stored
    assert name.encode() in stored


@pytest.mark.parametrize("reference", REAL)
def test_type_token_is_the_name_of_the_resource(reference: str) -> None:
    module, name = reference.split(":")
    resource = getattr(__import__(f"providers.{module}", fromlist=[name]), name.removesuffix("Provider"))
    assert resource._resource_type_name == f"dynamic/dualwrite:{resource.__name__}"


@pytest.mark.parametrize("reference", REAL)
def test_constructor_takes_the_inputs_of_the_model_and_the_private_ones(reference: str) -> None:
    module, name = reference.split(":")
    provider = getattr(__import__(f"providers.{module}", fromlist=[name]), name)
    resource: type[ManagedResource] = getattr(
        __import__(f"providers.{module}", fromlist=[name]), name.removesuffix("Provider")
    )
    arguments = get_args(get_type_hints(resource.__init__)["inputs"])[0]
    # The phase is passed by the base of all resources, the names of dropped maps are those of `dropped`.
    private = provider.private_inputs.model_fields.keys() - {"updating", "dropped_maps"}
    # A check finds the first two out, a refresh the third.
    looked_up = {"latest", "offered", "drifted"}
    assert set(arguments.__annotations__) == (provider.inputs.model_fields.keys() | private) - looked_up
    required = {field for field, info in provider.inputs.model_fields.items() if info.is_required()}
    assert arguments.__required_keys__ == required


def test_thousands_of_serialisations_never_recurse() -> None:
    program = (
        "from pulumi.dynamic.dynamic import serialize_provider\n"
        "from providers.application_package import ApplicationPackageProvider\n"
        "print(len({serialize_provider(ApplicationPackageProvider()) for _ in range(2000)}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
