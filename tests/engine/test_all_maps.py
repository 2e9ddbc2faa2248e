"""A pair with all 213 standard maps, as if no two of them excluded each other."""

from collections.abc import Callable
from pathlib import Path

from tests.engine.harness import Project, Tenant


def test_all_213_maps_come_up_and_stay(program: Callable[[str], Project], tenant: Tenant, warm_python: Path) -> None:
    project = program("all_maps")
    project.variables = tenant.variables() | {"PULUMI_PYTHON_CMD": str(warm_python)}
    project.configure("{}")
    project.up()
    maps = project.outputs()["maps"]
    assert len(maps) == 213
    assert set(maps.values()) == {"running"}
    before = tenant.now()
    project.preview("--expect-no-changes")
    assert tenant.requests(before) == []
    project.refresh("--expect-no-changes")
    calls = [row["path"] for row in tenant.requests(before) if row["service"] == "dualwrite"]
    assert len(calls) <= 3
