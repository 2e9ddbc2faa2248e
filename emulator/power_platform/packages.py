"""Application packages of environments: states, installations and their end (power-platform-api.md 14.7).

The Provisioning App is a package whose installation makes F&O; `finops` says what it needs and does.
"""

from functools import partial

from emulator.power_platform import finops
from emulator.power_platform.catalogue import (
    PACKAGE_BY_NAME,
    PACKAGES,
    PLATFORM_TOOLS,
    PROVISIONING_APP,
    Package,
    Template,
)
from emulator.power_platform.finops import Refusal
from emulator.power_platform.published import PackageInstalled
from emulator.power_platform.records import (
    PACKAGE_OPERATION,
    Environment,
    InstalledPackage,
    PackageOperation,
    Principal,
    find_environment,
    load,
    put_environment,
    save,
)
from emulator.power_platform.settings import use_up
from emulator.tenant import Tenant

INSTALLING = "power_platform.package_installing"
ENDED = "power_platform.package_ended"

BUSY = frozenset(("InstallRequested", "Installing", "InstallScheduled", "InstallRetrying"))
_QUICK = 10.0  # virtual seconds of an installation that has nothing to do, and of InstallRequested


def register(tenant: Tenant) -> None:
    """Play installations when they are due."""
    tenant.events.on(INSTALLING, partial(_installing, tenant))
    tenant.events.on(ENDED, partial(_ended, tenant))


def states(environment: Environment) -> dict[str, str]:
    """Return the state of every package of the catalogue, `None` (the text) for one that was never installed."""
    return {name: _state(environment, name) for name in PACKAGES}


def _state(environment: Environment, unique_name: str) -> str:
    package = environment.packages.get(unique_name)
    return package.state if package else "None"


def is_installed(environment: Environment, unique_name: str) -> bool:
    """Return whether a package is there."""
    return _state(environment, unique_name) == "Installed"


def install(
    tenant: Tenant, environment: Environment, package: Package, payload: str | None, requested_by: Principal
) -> PackageOperation:
    """Begin an installation; whatever is wrong with it shows in its operation only (14.7)."""
    now = tenant.clock.now()
    operation = PackageOperation(
        id=tenant.ids.new(),
        environment_id=environment.id,
        unique_name=package.unique_name,
        created=now,
        modified=now,
        requested_by=requested_by,
        payload=payload,
    )
    refusal = _refusal(tenant, environment, package, payload)
    if refusal is not None:
        operation.error_code, operation.error_message = refusal
        duration = float(tenant.switches["finops_refusal_duration"])
    elif package.unique_name == PROVISIONING_APP:
        duration = finops.begin(tenant, environment, payload, requested_by)
    else:
        duration = _duration(tenant, environment, package.unique_name)
    known = environment.packages.get(package.unique_name)
    environment.packages[package.unique_name] = InstalledPackage(
        state="InstallRequested",
        version=package.version,
        instance_package_id=known.instance_package_id if known else tenant.ids.new(),
        operation_id=operation.id,
    )
    put_environment(tenant, environment)
    save(tenant, PACKAGE_OPERATION, operation.id, operation)
    tenant.events.schedule(min(_QUICK, duration / 2), INSTALLING, operation_id=operation.id)
    tenant.events.schedule(duration, ENDED, operation_id=operation.id)
    return operation


def place(tenant: Tenant, environment: Environment, unique_name: str) -> None:
    """Put a package into an environment without an operation, as templates and seeds do."""
    package = PACKAGES[unique_name]
    environment.packages[unique_name] = InstalledPackage(
        state="Installed", version=package.version, instance_package_id=tenant.ids.new()
    )
    put_environment(tenant, environment)
    _publish(tenant, environment, unique_name)


def _publish(tenant: Tenant, environment: Environment, unique_name: str) -> None:
    dataverse_host = environment.database.host if environment.database else ""
    tenant.signals.publish(PackageInstalled(environment.id, dataverse_host, unique_name))


def install_template(tenant: Tenant, environment_id: str, template: Template) -> None:
    """Install what an F&O template brings along: everything at once, the Provisioning App on its own time (7.4)."""
    for name in template.packages:
        environment = find_environment(tenant, environment_id)
        if environment is not None and name != PROVISIONING_APP:
            place(tenant, environment, name)
    environment = find_environment(tenant, environment_id)
    if environment is not None:
        app = PACKAGES[PROVISIONING_APP]
        install(tenant, environment, app, environment.finops_parameters, environment.created_by)


def find(unique_name: str) -> Package | None:
    """Return a package of the catalogue, whatever the case of its name."""
    return PACKAGE_BY_NAME.get(unique_name.lower())


def _duration(tenant: Tenant, environment: Environment, unique_name: str) -> float:
    if is_installed(environment, unique_name):
        return _QUICK
    name = "platform_tools_duration" if unique_name == PLATFORM_TOOLS else "package_install_duration"
    return float(tenant.switches[name])


def _refusal(tenant: Tenant, environment: Environment, package: Package, payload: str | None) -> Refusal | None:
    usable = environment.usable_from
    refused_for = float(tenant.switches["app_install_refused_duration"])
    if usable is not None and (tenant.clock.now() - usable).total_seconds() < refused_for:
        return "EnvironmentNotReady", "The environment is not ready for the installation of applications."
    if package.unique_name == PROVISIONING_APP:
        tools = is_installed(environment, PLATFORM_TOOLS)
        return finops.refused(tenant, environment, payload, platform_tools=tools)
    enforced = tenant.switches["package_prerequisites"] == "enforced"
    return _missing_prerequisites(environment, package) if enforced else None


def _missing_prerequisites(environment: Environment, package: Package) -> Refusal | None:
    missing = [name for name in package.requires if not is_installed(environment, name)]
    titles = ", ".join(f"{PACKAGES[name].title} ({name})" for name in missing)
    return (
        ("MissingPrerequisite", f"{package.title} needs other applications before it: {titles}.") if missing else None
    )


def _installation(tenant: Tenant, operation_id: str) -> tuple[PackageOperation, Environment] | None:
    """The operation with its environment; None when one of them is gone."""
    operation = load(tenant, PACKAGE_OPERATION, operation_id, PackageOperation)
    environment = find_environment(tenant, operation.environment_id) if operation else None
    return (operation, environment) if operation and environment else None


def _installing(tenant: Tenant, operation_id: str) -> None:
    installation = _installation(tenant, operation_id)
    if installation is None or installation[0].status != "Running":
        return
    operation, environment = installation
    operation.modified = tenant.clock.now()
    save(tenant, PACKAGE_OPERATION, operation.id, operation)
    environment.packages[operation.unique_name].state = "Installing"
    if operation.unique_name == PROVISIONING_APP and environment.finops and not operation.error_code:
        finops.installing(environment.finops)
    put_environment(tenant, environment)


def _ended(tenant: Tenant, operation_id: str) -> None:
    installation = _installation(tenant, operation_id)
    if installation is None:
        return
    operation, environment = installation
    provisioning = operation.unique_name == PROVISIONING_APP
    if not operation.error_code:
        failure = finops.failure(tenant, environment) if provisioning else _failure(tenant, operation)
        operation.error_code, operation.error_message = failure or ("", "")
    operation.modified = tenant.clock.now()
    operation.status = "Failed" if operation.error_code else "Succeeded"
    save(tenant, PACKAGE_OPERATION, operation.id, operation)
    _end_package(environment, operation)
    put_environment(tenant, environment)
    if provisioning:
        finops.end(tenant, environment, operation)
    if not operation.error_code:
        _publish(tenant, environment, operation.unique_name)


def _end_package(environment: Environment, operation: PackageOperation) -> None:
    """Show in the environment's package how its installation ended."""
    package = environment.packages[operation.unique_name]
    package.state = "InstallFailed" if operation.error_code else "Installed"
    package.error = operation.error_message or None
    if operation.unique_name == PROVISIONING_APP and _has_own_finops(environment):
        package.state = "Installed"  # a refused update leaves F&O as it was


def _has_own_finops(environment: Environment) -> bool:
    installed = environment.finops
    return installed is not None and installed.reachable and installed.type == "Internal"


def _failure(tenant: Tenant, operation: PackageOperation) -> Refusal | None:
    if use_up(tenant.switches, "package_install_failures"):
        title = PACKAGES[operation.unique_name].title
        return "SolutionImportFailed", f"The installation of {title} failed while a solution was imported."
    return None
