"""The documented health check of a link, done through the calls that can read it. No pulumi.

Checks and codes: dual-write-semantics.md 3.3 (before linking), 3.4 and 11.2 (after linking).
What no known call can read, or what could not be read now, is *not checked*; it never counts as passed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from providers._diff import version_parts
from providers.api.dataverse_access import DataverseAccess
from providers.api.errors import ApiError, AuthenticationError, EmulatorNotRunning
from providers.api.finance_operations import FinanceOperations
from providers.api.power_platform_models import ApplicationPackage

Verdict = Literal["passed", "failed", "not checked"]

OLDEST_FINOPS = "10.0.9"
CORE_PACKAGE = "DualWriteCoreAnchor"
# Client rows in F&O (check 3) and application users in Dataverse (check 4).
FINOPS_CLIENTS = ("6f7d0213-62b1-43a8-b7f4-ff2bb8b7b452", "2e49aa60-1bd3-43b6-8ab6-03ada3d9f08b")
CDS_APPLICATION_USERS = ("00000015-0000-0000-c000-000000000000", "2e49aa60-1bd3-43b6-8ab6-03ada3d9f08b")
_NO_ROUTE = "no known call reads it"


class Check(NamedTuple):
    """One documented check. `detail` says what is wrong or why it was not read; `cure` what to do."""

    name: str
    verdict: Verdict
    detail: str = ""
    code: str | None = None
    cure: str = ""


def before_linking(
    packages: dict[str, ApplicationPackage], cds: DataverseAccess, finops: FinanceOperations
) -> list[Check]:
    """The prerequisites: versions, core solution, both sides know each other's applications."""
    return [
        _read("App version", lambda: _app_version(cds)),
        _core_solution(packages),
        _read("CDS can connect to F&O", lambda: _finops_clients(finops)),
        _read("F&O can connect to CDS", lambda: _application_users(cds)),
        Check("Apps in tenant", "not checked", f"{_NO_ROUTE}; not needed from dual-write core 1.0.16.0 on"),
        Check("Plug-ins enabled", "not checked", _NO_ROUTE),
    ]


def after_linking(companies: Sequence[str], cds: DataverseAccess, finops: FinanceOperations) -> list[Check]:
    """The dependency validation of an existing link: companies and their owning teams on both sides."""
    return [
        Check("API Hub connections", "not checked", _NO_ROUTE),
        Check("Stale configuration", "not checked", "which link a configuration row belongs to cannot be read"),
        _read("Default team of the root business unit", lambda: _root_team(cds)),
        _read("Companies in CDS", lambda: _companies_in_cds(companies, cds)),
        _read("Companies in F&O", lambda: _companies_in_finops(companies, finops)),
        _read("Default owning teams", lambda: _owning_teams(companies, cds)),
    ]


def failed(checks: Iterable[Check]) -> list[Check]:
    """The checks that did not pass."""
    return [check for check in checks if check.verdict == "failed"]


def company_rows(cds: DataverseAccess) -> dict[str, str | None]:
    """Company code in upper case to the id of its default owning team (None: it has none yet)."""
    rows = cds.rows("cdm_companies", select=("cdm_companycode", "_cdm_defaultowningteam_value"))
    return {str(row.get("cdm_companycode") or "").upper(): row.get("_cdm_defaultowningteam_value") for row in rows}


def _read(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()._replace(name=name)
    except (AuthenticationError, EmulatorNotRunning):
        raise
    except ApiError as error:
        return Check(name, "not checked", f"could not be read: {error.reason}", error.code)


def _judged(good: bool, detail: str, cure: str, code: str | None = None) -> Check:
    return Check("", "passed") if good else Check("", "failed", detail, code, cure)


def _app_version(cds: DataverseAccess) -> Check:
    details = cds.finops_application_details()
    version = details.application_version if details else None
    if not version:
        return Check("", "not checked", "the version of F&O is not shown")
    good = version_parts(version) >= version_parts(OLDEST_FINOPS)
    return _judged(good, f"F&O is at {version}, dual-write needs {OLDEST_FINOPS}", "Update F&O.")


def _core_solution(packages: dict[str, ApplicationPackage]) -> Check:
    package = packages.get(CORE_PACKAGE)
    good = package is not None and package.state in ("Installed", "TemplateInstalled")
    return _judged(good, f"{CORE_PACKAGE} is not installed", f"Install {CORE_PACKAGE}.")._replace(
        name="Core solution found"
    )


def _finops_clients(finops: FinanceOperations) -> Check:
    known = {application.client_id.lower() for application in finops.registered_applications()}
    missing = [client for client in FINOPS_CLIENTS if client not in known]
    cure = "Add them on the Microsoft Entra applications page of F&O, bound to an enabled administrator."
    return _judged(not missing, f"F&O does not know {', '.join(missing)}", cure)


def _application_users(cds: DataverseAccess) -> Check:
    users = {application: cds.application_user(application) for application in CDS_APPLICATION_USERS}
    missing = [application for application, user in users.items() if user is None or user.disabled]
    cure = "Add them as application users in the Power Platform admin centre."
    return _judged(not missing, f"CDS has no enabled application user for {', '.join(missing)}", cure)


def _root_team(cds: DataverseAccess) -> Check:
    root = next((unit for unit in cds.business_units() if not unit.parent_id), None)
    teams = [team for team in cds.teams(default_only=True) if root and team.business_unit_id == root.id]
    good = root is not None and any(team.name == root.name for team in teams)
    detail = "the default team of the root business unit is not named like it"
    return _judged(good, detail, "Reset the link, or ask support with the name of the root team.", "DWFOEV1006")


def _companies_in_cds(companies: Sequence[str], cds: DataverseAccess) -> Check:
    missing = sorted({company.upper() for company in companies} - company_rows(cds).keys())
    cure = "Remove them from the link, or reset it."
    return _judged(not missing, f"linked but not in cdm_companies: {', '.join(missing)}", cure, "DWDVEV1003")


def _companies_in_finops(companies: Sequence[str], finops: FinanceOperations) -> Check:
    known = {entity.id.upper() for entity in finops.legal_entities()}
    missing = sorted({company.upper() for company in companies} - known)
    cure = "Remove them from the link, or create the legal entities."
    return _judged(not missing, f"linked but no legal entity of F&O: {', '.join(missing)}", cure, "DWFOEV1003")


def _owning_teams(companies: Sequence[str], cds: DataverseAccess) -> Check:
    teams = company_rows(cds)
    missing = sorted(company.upper() for company in companies if not teams.get(company.upper()))
    cure = "Set their default owning team in CDS and give it its roles."
    return _judged(not missing, f"no default owning team: {', '.join(missing)}", cure, "DWDVEV1007")
