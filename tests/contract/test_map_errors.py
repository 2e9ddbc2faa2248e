"""Every documented validation error, met by a start, a switch and a key change: one line with its code and its cure.

dual-write-semantics.md 11.3. Each operation meets it where the service says it most: a start in the outcome of its
request, a switch when the new version starts, a key change when the key is set. The other calls of the three
operations are refused with one of the codes each.
"""

import re
from dataclasses import replace
from typing import Any

import pytest

from emulator.core.faults import Fault
from emulator.identity.tokens import SigningKey
from providers.api.dual_write.actions import MapState
from providers.entity_map import EntityMapInputs, EntityMapProvider
from providers.live_sync import LiveSyncInputs, LiveSyncProvider
from providers.protocol.base import Call, DualWriteError
from providers.protocol.boundary import guarded
from tests.support.in_process import copied
from tests.support.linked_world import CDS, FINOPS, LinkedWorld, a_linked_world

pytestmark = pytest.mark.usefixtures("signed_in")

LIVE_SYNC, ENTITY_MAP = LiveSyncProvider(), EntityMapProvider()
MAP, TABLE = "cdm_companies - Legal entities", "cdm_companies"
OLD, NEW = "1.0.0.0", "1.0.0.3"

# A piece of the cure of each code.
CURES = {
    "DIPV1000": "Reset the link",
    "DIPV1001": "Ask Microsoft support",
    "DIPV1002": "Change the entity or the sharing",
    "DIPV1003": "Define an alternate key, or set `integrationKeys`",
    "DIPV1004": "Map it two-way",
    "DIPV1005": "Reset the link",
    "DIPV1006": "Ask Microsoft support",
    "DIPV1007": "Recreate the map",
    "DIPV1008": "Restore its name",
    "DIPV1010": "Map it",
    "DIPV1011": "Unmap it, or map it one way",
    "DIPV1012": "Correct it",
    "DIPV1014": "Map it",
    "DIPV1015": "Map it",
    "DIPV1016": "Reset the link",
    "DIPV1017": "Reset the link",
    "DIPV1018": "Refresh the tables",
    "DIPV1019": "Map another table",
    "DIPV1020": "Refresh the tables",
    "DIPV1021": "Set it, or give a default",
    "DIPV1022": "Refresh the tables",
    "DIPV1023": "Remove the duplicate",
    "DIPV1024": "Set it, or give a default",
    "DIPV1025": "Refresh the tables",
    "DIPV1026": "Remove the duplicate",
    "DIPV1027": "Map the key",
    "DIPV1028": "Map the key",
    "DIPV1029": "Remove the duplicate",
    "DIPV1030": "Change the types or the pair",
    "DIPV1031": "Add one",
}


@pytest.fixture(scope="module")
def linked(key: SigningKey) -> LinkedWorld:
    """A pair on which one map runs that has a second version."""
    pair = a_linked_world(key)
    for version in (NEW, OLD):
        pair.person("switch-version", MAP, version=version)
    pair.person("start-map", MAP)
    return pair


@pytest.fixture
def pair(linked: LinkedWorld, key: SigningKey) -> LinkedWorld:
    """A copy of the pair of the test's own."""
    return LinkedWorld(copied(linked.world, key))


def line(provider: Any, inputs: Any, call: Call) -> str:
    """What the user reads of a creation that fails."""
    titled = replace(call, title=provider.title(inputs.model_dump(mode="json"), ""))
    with pytest.raises(DualWriteError) as caught:
        guarded("create", titled, lambda own: provider.on_create(inputs, own), provider.explained)
    return str(caught.value)


def started(pair: LinkedWorld) -> str:
    """The line of a start of the map."""
    inputs = {"cloud": "public", "cds": CDS, "finops": FINOPS, "maps": {MAP: "running"}}
    return line(LIVE_SYNC, LiveSyncInputs.model_validate(inputs), pair.call())


def switched(pair: LinkedWorld) -> str:
    """The line of a switch to the second version."""
    inputs = {"cloud": "public", "cds": CDS, "finops": FINOPS, "map": MAP, "version": NEW}
    return line(ENTITY_MAP, EntityMapInputs.model_validate(inputs), pair.call())


def keyed(pair: LinkedWorld) -> str:
    """The line of a change of the key of the map's table."""
    keys = {TABLE: ["cdm_name"]}
    inputs = {"cloud": "public", "cds": CDS, "finops": FINOPS, "maps": {MAP: "running"}, "integration_keys": keys}
    return line(LIVE_SYNC, LiveSyncInputs.model_validate(inputs), pair.call())


def refuse(pair: LinkedWorld, method: str, path: str, text: str, status: int = 400) -> None:
    """Every such call is answered with a text of the service."""
    fault = {"service": "dualwrite", "method": method, "path": path, "count": 0, "status": status, "body": text}
    pair.world.tenant.faults.add(Fault.model_validate(fault))


def said_of(code: str) -> str:
    return f"Project validation failed: {code} x."


def assert_line(text: str, code: str) -> None:
    """`<resource> '<name>': create failed: <reason> (<code>, correlation <id>). <cause> <cure>`, once."""
    assert "\n" not in text
    assert re.match(r"\w+ '[^']+': create failed: [^\n]+ \(" + code + r", correlation [-0-9a-f]{8,}\)\. [A-Z]", text)
    assert text.count(CURES[code]) == 1
    assert not re.search(r"\.\.|\. \.|\(\)|None", text)


@pytest.mark.parametrize("code", CURES)
def test_start_that_fails(pair: LinkedWorld, code: str) -> None:
    pair.person("stop-map", MAP)
    pair.person("break-map", MAP, text=said_of(code))
    assert_line(started(pair), code)


@pytest.mark.parametrize("code", CURES)
def test_switch_to_a_version_that_does_not_start(pair: LinkedWorld, code: str) -> None:
    pair.person("break-map", MAP, version=NEW, text=said_of(code))
    text = switched(pair)
    assert_line(text, code)
    assert f"the map runs on version {OLD}" in text


@pytest.mark.parametrize("code", CURES)
def test_key_that_is_refused(pair: LinkedWorld, code: str) -> None:
    refuse(pair, "POST", "*/IntegrationKeys", said_of(code))
    assert_line(keyed(pair), code)
    assert pair.map(MAP).state == MapState.RUNNING


CALLS = {
    "list for a switch": (switched, "GET", "*/Entities"),
    "stop for a switch": (switched, "POST", "*/Start"),
    "switch": (switched, "POST", "*/SwitchActive/*"),
    "list for a key": (keyed, "GET", "*/Entities"),
    "link for a key": (keyed, "GET", "*/ConnectionSet/*"),
    "stop for a key": (keyed, "POST", "*/Start"),
    "order for a start": (started, "POST", "*/GetTemplatePrerequisiteSequences/*"),
    "start": (started, "POST", "*/Start"),
}


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("name", CALLS)
def test_other_call_that_is_refused(pair: LinkedWorld, name: str, status: int) -> None:
    operation, method, path = CALLS[name]
    if operation is started:
        pair.person("stop-map", MAP)
    refuse(pair, method, path, said_of("DIPV1014"), status)
    assert_line(operation(pair), "DIPV1014")
