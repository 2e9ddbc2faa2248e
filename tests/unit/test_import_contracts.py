"""The import contracts hold, and each of them notices an import that breaks it."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract

CONFIGURATION = read_configuration(str(Path(__file__).parents[2] / ".importlinter"))
PACKAGES = CONFIGURATION["session_options"]["root_packages"]
CONTRACTS = {options["id"]: options for options in CONFIGURATION["contracts_options"]}
TYPES: dict[str, type[Contract]] = {
    "acyclic_siblings": AcyclicSiblingsContract,
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
}
# For each contract, imports none of which it may let pass.
VIOLATIONS = {
    "layers": [
        ("providers.protocol.diff", "providers.maps.plan"),
        ("providers.link.pair", "providers.stamping.plan"),
        ("providers.api.session", "providers.protocol.call"),
        ("providers.company", "providers.live_sync"),
        ("providers.maps.plan", "components.stack"),
    ],
    "api-layers": [
        ("providers.api.dataverse.client", "providers.api.dual_write.client"),
        ("providers.api.transport.client", "providers.api.session"),
    ],
    "components": [
        ("components.stack", "providers.maps.plan"),
        ("components.values", "providers.api.session"),
    ],
    "api": [("providers.api.transport.client", "pulumi")],
    "pure": [
        ("providers.protocol.diff", "pulumi"),
        ("providers.catalogue.limits", "httpx"),
        ("providers.protocol.marks", "providers.api.session"),
    ],
    "emulator": [("emulator.app", "components.stack"), ("components.stack", "emulator.app")],
    "emulator-providers": [("emulator.app", "providers.catalogue.limits"), ("providers.api.session", "emulator.app")],
    "http": [
        ("providers.maps.plan", "httpx"),
        ("components.stack", "azure"),
        ("emulator.app", "requests"),
        ("providers.protocol.waiting", "tenacity"),
    ],
    "tools": [("components.stack", "tools.workspace"), ("providers.live_sync", "tools.workspace")],
    "acyclic": [
        ("emulator.tenant", "emulator.app"),
        ("providers.maps.model", "providers.maps.run"),
        ("providers.api.transport.errors", "providers.api.transport.client"),
        ("components.findings", "components.config"),
        ("tools.workspace", "tools.checks"),
    ],
    "emulator-core": [("emulator.core.store", "emulator.tenant"), ("emulator.login", "emulator.dataverse")],
}


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    """The imports of the source, as `lint-imports` reads them."""
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


@pytest.fixture(scope="module", params=["components", "providers", "tools"])
def package(request: pytest.FixtureRequest) -> grimp.ImportGraph:
    """Every import inside a package: at the top of a module, inside a function, and for type checkers only."""
    return grimp.build_graph(request.param, exclude_type_checking_imports=False, cache_dir=None)


def is_kept(contract: str, imports: grimp.ImportGraph) -> bool:
    """Whether the imports keep a contract."""
    options: dict[str, Any] = deepcopy(CONTRACTS[contract])
    checked = TYPES[options["type"]](options["name"], CONFIGURATION["session_options"], options)
    return bool(checked.check(deepcopy(imports), verbose=False).kept)


def circles(imports: grimp.ImportGraph) -> list[str]:
    """The imports that are part of a circle."""
    return [
        f"{module} -> {imported}"
        for module in sorted(imports.modules)
        for imported in sorted(imports.find_modules_directly_imported_by(module))
        if imports.chain_exists(importer=imported, imported=module)
    ]


def test_every_contract_is_tried() -> None:
    assert sorted(VIOLATIONS) == sorted(CONTRACTS)


@pytest.mark.parametrize("contract", sorted(CONTRACTS))
def test_the_source_keeps_the_contract(contract: str, imports: grimp.ImportGraph) -> None:
    assert is_kept(contract, imports)


@pytest.mark.parametrize(
    ("contract", "importer", "imported"), [(name, *each) for name, each_one in VIOLATIONS.items() for each in each_one]
)
def test_a_contract_notices_an_import_that_breaks_it(
    contract: str, importer: str, imported: str, imports: grimp.ImportGraph
) -> None:
    assert importer in imports.modules
    changed = deepcopy(imports)
    changed.add_import(importer=importer, imported=imported)
    assert not is_kept(contract, changed)


def test_no_module_reaches_itself_by_any_import(package: grimp.ImportGraph) -> None:
    assert circles(package) == []


def test_a_circle_is_noticed(package: grimp.ImportGraph) -> None:
    importer = next(module for module in sorted(package.modules) if package.find_modules_directly_imported_by(module))
    imported = min(package.find_modules_directly_imported_by(importer))
    changed = deepcopy(package)
    changed.add_import(importer=imported, imported=importer)
    assert f"{imported} -> {importer}" in circles(changed)


def test_an_import_for_type_checkers_alone_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "rooms"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "one.py").write_text("from rooms import two\n")
    (folder / "two.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rooms import one\n")
    monkeypatch.syspath_prepend(tmp_path)
    graph = grimp.build_graph("rooms", exclude_type_checking_imports=False, cache_dir=None)
    assert circles(graph) == ["rooms.one -> rooms.two", "rooms.two -> rooms.one"]
