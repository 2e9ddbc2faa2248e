"""A run that makes no call imports nothing that only calls need: no import contract can see that."""

import json
import subprocess
import sys

from tools.workspace import ROOT

HEAVY = {"httpx", "httpcore", "azure", "msal", "requests", "tenacity", "cryptography", "typer", "rich", "click"}
# What the operations of resources do, which the first of them loads.
OPERATIONS = {
    "providers.link.linking",
    "providers.maps.active_version",
    "providers.maps.live_maps",
    "providers.maps.run",
    "providers.stamping.bootstrap",
    "providers.stamping.run",
}
PROGRAM = """
import json, sys
import components.dual_write_pair
import providers.application_package, providers.cds_instance, providers.company, providers.company_bootstrap
import providers.dual_write_connection, providers.entity_map, providers.finops_instance, providers.live_sync
print(json.dumps(sorted(sys.modules)))
"""


def imported_by(*command: str) -> set[str]:
    """Names of the modules that a Python process has imported by its end."""
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def only_for_calls(modules: set[str]) -> set[str]:
    """The libraries, clients and models of services, and the operations of resources among them."""
    libraries = {name.partition(".")[0] for name in modules} & HEAVY
    services = {name for name in modules if name.startswith("providers.api.")}
    clients = {name for name in services if name.endswith((".client", ".models", ".session"))}
    return libraries | clients | (modules & OPERATIONS)


def test_the_program_imports_nothing_that_only_calls_need() -> None:
    modules = imported_by("-c", PROGRAM)
    assert "pulumi" in modules
    assert only_for_calls(modules) == set()


def test_check_and_diff_of_a_live_stack_import_nothing_that_only_calls_need() -> None:
    modules = imported_by("-m", "tests.unit.api.live_stack")
    assert "pulumi" in modules
    assert only_for_calls(modules) == set()
