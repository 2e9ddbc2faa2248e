"""The coverage list and the seed document of the first day."""

from collections.abc import Mapping
from typing import Any

import pytest

from emulator.app import first_day
from emulator.server.coverage import document, generate
from emulator.tenant import Tenant


def test_every_operation_and_switch_is_listed(tenant: Tenant) -> None:
    text = document(tenant)
    for service in tenant.services:
        assert f"## `{service.name}`" in text
        assert all(f"`{route.pattern}`" in text for route in service.routes)
    assert all(f"| `{name}` |" in text for name in tenant.switches)


def test_assumption_is_marked_with_its_reason(tenant: Tenant) -> None:
    tenant.switches.register("guess", 1, "how | much", "assumed: nobody says")
    assert "| `guess` | `1` | how \\| much | assumed | nobody says |" in document(tenant)


def test_same_code_gives_the_same_list(tenant: Tenant) -> None:
    assert generate() == generate()


@pytest.mark.parametrize(
    ("extra", "member", "count"),
    [({}, "environments", 0), ({"environments": [{"name": "b"}]}, "environments", 1), ({"users": [1]}, "users", 1)],
)
def test_extra_seed_is_added_to_the_default(extra: Mapping[str, Any], member: str, count: int) -> None:
    default = first_day()
    assert len(first_day(extra)[member]) == len(default.get(member, [])) + count
    assert first_day() == default
