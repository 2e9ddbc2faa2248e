"""The documented health check of a link, done through the calls that can read it. No pulumi.

Checks and codes: dual-write-semantics.md 3.3 (before linking), 3.4 and 11.2 (after linking), 11.1 (names of
companies); tables behind them: dual-write-management-api.md 10. What no known call can read, or what could not be read
now, is *not checked*; it never counts as passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from providers.api.transport.errors import ApiError, AuthenticationError, EmulatorNotRunning
from providers.catalogue.areas import AREAS
from providers.documented_errors.recognition import explained
from providers.documented_errors.table import Known
from providers.instances.supported_versions import OLDEST_DATAVERSE, OLDEST_FINOPS
from providers.link.stale_configuration import left_in_cds, left_in_finops
from providers.protocol.versions import at_least
from providers.protocol.words import others_named

if TYPE_CHECKING:
    from providers.api.app_management.models import ApplicationPackage
    from providers.api.dataverse.client import Dataverse
    from providers.api.finance_operations.client import FinanceOperations

Verdict = Literal["passed", "failed", "not checked"]

CORE_PACKAGE = "DualWriteCoreAnchor"
# Client rows in F&O (check 3); the first one changed with core 1.0.16.0 (section 13, 11).
INTEGRATION_CLIENT = "2e49aa60-1bd3-43b6-8ab6-03ada3d9f08b"
FINOPS_CLIENTS = ("6f7d0213-62b1-43a8-b7f4-ff2bb8b7b452", INTEGRATION_CLIENT)
OLD_FINOPS_CLIENTS = ("33976c19-1db5-4c02-810e-c243db79efde", INTEGRATION_CLIENT)
_CHANGED_WITH_CORE = "1.0.16.0"
# Application users in Dataverse (check 4).
DYNAMICS_ERP = "00000015-0000-0000-c000-000000000000"
CDS_APPLICATION_USERS = (DYNAMICS_ERP, INTEGRATION_CLIENT)
SAME_KEY = "Saving connection set failed! An item with the same key has already been added"
_INSTALLED = ("Installed", "TemplateInstalled")
_NO_ROUTE = "no known call reads it"


class Check(NamedTuple):
    """One documented check. `detail` says what is wrong or why it was not read; `cure` what to do."""

    name: str
    verdict: Verdict
    detail: str = ""
    code: str | None = None
    cure: str = ""


class CompanyRow(NamedTuple):
    """A row of `cdm_companies`: code in upper case, name, id of the default owning team (None: none yet)."""

    code: str
    name: str
    team: str | None


class Sides(NamedTuple):
    """Both sides of a pair, and what is known of them: packages of CDS, its version, map solutions of the stack."""

    cds: Dataverse
    finops: FinanceOperations
    cds_host: str
    packages: dict[str, ApplicationPackage]
    cds_version: str | None = None
    solutions: Sequence[str] = ()

    @property
    def clients(self) -> tuple[str, ...]:
        """The client ids that F&O has to know; the version of the core package decides (assumed to be core's)."""
        core = self.packages.get(CORE_PACKAGE)
        old = core is not None and bool(core.version) and not at_least(core.version, _CHANGED_WITH_CORE)
        return OLD_FINOPS_CLIENTS if old else FINOPS_CLIENTS


def before_linking(sides: Sides) -> list[Check]:
    """The prerequisites: versions, core solution, both sides know each other's applications, names of companies."""
    return [
        *lasting(sides),
        _core_solution(sides.packages),
        _map_packages(sides),
        _read("CDS can connect to F&O", lambda: _finops_clients(sides)),
        _read("F&O can connect to CDS", lambda: _application_users(sides.cds)),
        Check("Apps in tenant", "not checked", f"{_NO_ROUTE}; not needed from dual-write core {_CHANGED_WITH_CORE} on"),
        Check("Plug-ins enabled", "not checked", _NO_ROUTE),
    ]


def lasting(sides: Sides) -> list[Check]:
    """Those prerequisites that an `up` cannot bring about itself, so that a preview may refuse over them."""
    return [
        _read("App version", lambda: _app_version(sides.cds)),
        _dataverse_version(sides.cds_version),
        _read("Names of companies", lambda: _company_names(sides.cds)),
    ]


def after_linking(sides: Sides, companies: Sequence[str], projects: frozenset[str]) -> list[Check]:
    """The dependency validation of an existing link. `companies` are the linked ones, `projects` its maps' pids."""
    rows = cache(lambda: company_rows(sides.cds))
    return [
        Check("API Hub connections", "not checked", _NO_ROUTE),
        _read("Stale configuration in CDS", lambda: _stale_in_cds(sides.cds, projects)),
        _read("Stale configuration in F&O", lambda: _stale_in_finops(sides.finops, sides.cds_host)),
        _read("Default team of the root business unit", lambda: _root_team(sides.cds)),
        _read("Companies in CDS", lambda: _companies_in_cds(companies, rows())),
        _read("Companies in F&O", lambda: _companies_in_finops(companies, sides.finops)),
        _read("Default owning teams", lambda: _owning_teams(companies, rows())),
    ]


def failed(checks: Iterable[Check]) -> list[Check]:
    """The checks that did not pass."""
    return [check for check in checks if check.verdict == "failed"]


def finding(checks: Iterable[Check]) -> ApiError | None:
    """The first finding as an error that counts the others; None when there is none."""
    found = failed(checks)
    if not found:
        return None
    first = found[0]
    more = others_named(len(found) - 1, "finding")
    return ApiError(f"health check '{first.name}': {first.detail}{more}", code=first.code, next_step=first.cure)


def company_rows(cds: Dataverse) -> list[CompanyRow]:
    """The companies that Dataverse knows."""
    return [CompanyRow(row.code.strip().upper(), row.name.strip(), row.team) for row in cds.companies()]


def _read(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()._replace(name=name)
    except (AuthenticationError, EmulatorNotRunning):
        raise
    except ApiError as error:
        return Check(name, "not checked", f"could not be read: {error.reason}", error.code)


def _judged(good: bool, detail: str, cure: str, code: str | None = None) -> Check:
    return Check("", "passed") if good else Check("", "failed", detail, code, cure)


def _coded(wrong: Sequence[str], detail: str, code: str) -> Check:
    """A check of 11.2: `detail` before the list of what is wrong, the cure from the documented table."""
    known = explained(code) or Known(code, "", "")
    return _judged(not wrong, f"{detail}: {', '.join(wrong)}", known.cure, code)


def _app_version(cds: Dataverse) -> Check:
    details = cds.finops_application_details()
    version = details.application_version if details else None
    if not version:
        return Check("", "not checked", "the version of F&O is not shown")
    detail = f"F&O is at {version}, dual-write needs {OLDEST_FINOPS}"
    return _judged(at_least(version, OLDEST_FINOPS), detail, "Update F&O, then run `up` again.")


def _dataverse_version(version: str | None) -> Check:
    name = "Dataverse version"
    if not version:
        return Check(name, "not checked", "the version of Dataverse is not shown")
    detail = f"Dataverse is at {version}, dual-write needs {OLDEST_DATAVERSE}"
    cure = "Update the environment in the Power Platform admin centre, then run `up` again."
    return _judged(at_least(version, OLDEST_DATAVERSE), detail, cure)._replace(name=name)


def _company_names(cds: Dataverse) -> Check:
    """Two companies with one name, or blank names, break linking and every reset (11.1)."""
    rows = company_rows(cds)
    blank = sorted(row.code or "(no code)" for row in rows if not (row.name and row.code))
    twice = [*_repeated(row.name for row in rows), *_repeated(row.code for row in rows)]
    kinds = (("blank names of", blank), ("more than one company", twice))
    parts = [f"{kind} {', '.join(codes)}" for kind, codes in kinds if codes]
    next_step = "Correct or remove these companies in CDS (table Company), then run `up` again."
    return _judged(not parts, f"{' and '.join(parts)} in cdm_company; linking would end with '{SAME_KEY}'", next_step)


def _repeated(texts: Iterable[str]) -> list[str]:
    """The texts that stand there more than once, case aside, in order; blank ones are left out."""
    given = [text for text in texts if text]
    count = Counter(text.casefold() for text in given)
    return sorted({text for text in given if count[text.casefold()] > 1})


def _core_solution(packages: dict[str, ApplicationPackage]) -> Check:
    good = _is_installed(packages, CORE_PACKAGE)
    cure = f"Install {CORE_PACKAGE}, then run `up` again."
    return _judged(good, f"{CORE_PACKAGE} is not installed", cure)._replace(name="Core solution found")


def _map_packages(sides: Sides) -> Check:
    """The packages that carry the map solutions of the stack; solutions of the user's own have none."""
    carrying = {area.solution: area.packages for area in reversed(AREAS)}
    wanted = dict.fromkeys(package for solution in sides.solutions for package in carrying.get(solution, ()))
    missing = [package for package in wanted if not _is_installed(sides.packages, package)]
    cure = f"Install {', '.join(missing)} (`packages` under `dualwrite:connection`), then run `up` again."
    return _judged(not missing, f"not installed: {', '.join(missing)}", cure)._replace(name="Packages of the maps")


def _is_installed(packages: dict[str, ApplicationPackage], name: str) -> bool:
    package = packages.get(name)
    return package is not None and package.state in _INSTALLED


def _finops_clients(sides: Sides) -> Check:
    known = {application.client_id.lower() for application in sides.finops.registered_applications()}
    missing = [client for client in sides.clients if client not in known]
    cure = "Add them on the Microsoft Entra ID applications page of F&O, bound to an enabled administrator."
    return _judged(not missing, f"F&O does not know {', '.join(missing)}", cure)


def _application_users(cds: Dataverse) -> Check:
    users = {application: cds.access.application_user(application) for application in CDS_APPLICATION_USERS}
    missing = [application for application, user in users.items() if user is None or user.disabled]
    cure = "Add them as application users in the Power Platform admin centre, or enable them there."
    return _judged(not missing, f"CDS has no enabled application user for {', '.join(missing)}", cure)


def _stale_in_cds(cds: Dataverse, projects: frozenset[str]) -> Check:
    return _coded(left_in_cds(cds, projects), "active run-time configuration of another link", "DWDVEV1004")


def _stale_in_finops(finops: FinanceOperations, cds_host: str) -> Check:
    return _coded(left_in_finops(finops, cds_host), "project configuration of another CDS", "DWFOEV1004")


def _root_team(cds: Dataverse) -> Check:
    root = next((unit for unit in cds.business_units() if not unit.parent_id), None)
    teams = [] if root is None else _default_teams(cds, root.id)
    wrong = [] if root and root.name in teams else teams or ["there is none"]
    return _coded(wrong, "the default team of the root business unit is not named like it", "DWFOEV1006")


def _default_teams(cds: Dataverse, unit: str) -> list[str]:
    return [team.name for team in cds.access.teams(default_only=True) if team.business_unit_id == unit]


def _companies_in_cds(companies: Sequence[str], rows: Sequence[CompanyRow]) -> Check:
    missing = sorted({company.upper() for company in companies} - {row.code for row in rows})
    return _coded(missing, "linked but not in cdm_companies", "DWDVEV1003")


def _companies_in_finops(companies: Sequence[str], finops: FinanceOperations) -> Check:
    known = {entity.id.upper() for entity in finops.legal_entities()}
    missing = sorted({company.upper() for company in companies} - known)
    return _coded(missing, "linked but no legal entity of F&O", "DWFOEV1003")


def _owning_teams(companies: Sequence[str], rows: Sequence[CompanyRow]) -> Check:
    teams = {row.code: row.team for row in rows}
    missing = sorted(company.upper() for company in companies if not teams.get(company.upper()))
    return _coded(missing, "no default owning team", "DWDVEV1007")
