"""Changes of the emulator that its tests must notice: refusals that are not made, and states that are others.

All were noticed on 2026-11-26.
"""

from typing import NamedTuple

# Tests that ask the planes below a folder of the emulator, the likeliest first.
TESTS = {
    "login": ("core/test_identity.py", "core"),
    "identity": ("core/test_identity.py", "core"),
    "server": ("core",),
    "power_platform": ("power_platform", "dual_write/test_existing_links.py"),
    "dataverse": ("data_planes", "dual_write"),
    "finance_operations": ("data_planes",),
    "tables": ("data_planes",),
    "dual_write": ("dual_write",),
}


class Mutation(NamedTuple):
    """One change. `file` is below `emulator/`; `old` stands in it once."""

    name: str
    file: str
    old: str
    new: str

    def made_in(self, text: str) -> str:
        """The text of the file with the change; ValueError where it cannot be made."""
        if text.count(self.old) != 1:
            raise ValueError(f"'{self.old}' stands {text.count(self.old)} times in emulator/{self.file}")
        return text.replace(self.old, self.new)

    @property
    def tests(self) -> list[str]:
        """What should notice it, the likeliest first."""
        return [f"tests/unit/emulator/{part}" for part in TESTS[self.file.partition("/")[0]]]


def unrefused(name: str, file: str, condition: str) -> Mutation:
    """The refusal behind `if <condition>:` is never made."""
    return Mutation(name, file, f"if {condition}:", f"if False and ({condition}):")


REFUSALS = [
    unrefused("an expired token is taken", "identity/tokens.py", 'claims["exp"] <= self._clock.real_now().timestamp()'),
    unrefused(
        "a token of another audience is taken",
        "identity/tokens.py",
        "_bare(audience) not in {_bare(accepted) for accepted in audiences}",
    ),
    unrefused("an unknown grant is taken", "login/grants.py", "kind not in grants"),
    unrefused(
        "a wrong secret signs in",
        "login/grants.py",
        'not hmac.compare_digest(request.form.get("client_secret", "").encode(), app.secret.encode())',
    ),
    unrefused("an application gets a token for dual-write", "login/grants.py", "wanted.dual_write"),
    unrefused("another client redeems a refresh token", "login/grants.py", "grant.client_id != client_id"),
    unrefused(
        "a refresh token lives for ever",
        "login/grants.py",
        'now - grant.issued >= timedelta(seconds=switches["refresh_token_lifetime"])',
    ),
    unrefused("two resources in one scope", "login/resources.py", "len({bare(resource) for resource, _ in pairs}) > 1"),
    unrefused("a body of any size is read", "server/bodies.py", "length > largest"),
    unrefused("another origin may post", "server/guard.py", "foreign or not _OWN_SITES.issuperset(sites)"),
    unrefused("a form may post", "server/guard.py", "kind in _PAGE_FORMS"),
    unrefused(
        "a host that is not Microsoft's is tunnelled to",
        "server/proxy.py",
        "port != str(TLS_PORT) or not self._proxy.serves(host.lower())",
    ),
    unrefused("an unknown switch is set", "server/control.py", "unknown"),
    unrefused(
        "any kind of environment is made",
        "power_platform/create.py",
        "wanted.environmentSku not in catalogue.CREATABLE_SKUS",
    ),
    unrefused(
        "an environment without capacity",
        "power_platform/create.py",
        "capacity.database_left(tenant) < capacity.NEEDED_MB",
    ),
    unrefused("an unknown language", "power_platform/create.py", "language not in locations.LANGUAGES"),
    unrefused("an unknown currency", "power_platform/create.py", "currency not in locations.CURRENCIES"),
    unrefused("a domain that is taken", "power_platform/create.py", "domains.taken(tenant, wanted)"),
    unrefused(
        "a template for another kind", "power_platform/create.py", "template is None or sku not in template.skus"
    ),
    unrefused(
        "two operations at once delete",
        "power_platform/deletion.py",
        "operations.running(tenant, environment.id) is not None",
    ),
    unrefused("F&O without platform tools", "power_platform/finops.py", "not platform_tools"),
    unrefused(
        "F&O on a CDS without Dynamics 365 apps",
        "power_platform/finops.py",
        "database is None or not database.dynamics_365_apps",
    ),
    unrefused("F&O on any kind of environment", "power_platform/finops.py", "environment.sku not in FINOPS_SKUS"),
    unrefused("F&O with a long name", "power_platform/finops.py", "len(name) > LONGEST_DISPLAY_NAME"),
    unrefused("F&O with a long domain", "power_platform/finops.py", "len(database.domain) > LONGEST_DOMAIN"),
    unrefused("F&O without capacity", "power_platform/finops.py", "capacity.finops_left(tenant) < capacity.NEEDED_MB"),
    unrefused(
        "an older version of F&O",
        "power_platform/finops.py",
        "choice.version and version_key(choice.version) < version_key(finops.version)",
    ),
    unrefused(
        "a kind that cannot be converted",
        "power_platform/environments.py",
        "not {wanted, environment.sku} <= _CONVERTIBLE_SKUS",
    ),
    unrefused(
        "a package twice at once",
        "power_platform/appmanagement.py",
        "known is not None and known.state in packages.BUSY",
    ),
    unrefused("a link across geographies", "power_platform/lifecycle.py", "environment.location != finops.location"),
    unrefused("a row twice", "tables/rows.py", "self._exists(space, row_id)"),
    unrefused("a key twice", "tables/rows.py", "holder is not None"),
    unrefused("a batch of any size", "tables/batch.py", "count > rules.largest"),
    unrefused(
        "a read within a change set",
        "tables/batch.py",
        'any(operation.call.method == "GET" for operation in operations)',
    ),
    unrefused("a system column is written", "dataverse/payloads.py", "column.system"),
    unrefused(
        "a row without its version",
        "dataverse/writes.py",
        'wanted is not None and wanted != "*" and wanted != row[ETAG]',
    ),
    unrefused("a table that is only read is written", "dataverse/writes.py", "entity_set in _READ_ONLY"),
    unrefused(
        "a role of another business unit",
        "dataverse/writes.py",
        'target == "roles" and row.get("_businessunitid_value") != role.get("_businessunitid_value")',
    ),
    unrefused(
        "requests without end",
        "dataverse/protection.py",
        'requests >= (most := switches["service_protection_requests"])',
    ),
    unrefused("a user of F&O that is disabled", "finance_operations/access.py", 'user is None or not user["Enabled"]'),
    unrefused(
        "a key of F&O is changed",
        "finance_operations/writes.py",
        "name in values and not same_text(values[name], row[name])",
    ),
    unrefused(
        "a company with data is deleted",
        "finance_operations/writes.py",
        'schema.set == "LegalEntities" and _has_data(tenant, call, str(row["LegalEntityId"]))',
    ),
    unrefused(
        "a row of a company that is not there",
        "finance_operations/validation.py",
        'not tenant.rows.get("finops", host, "LegalEntities", company)',
    ),
    unrefused("a token without a user", "dual_write/access.py", "call.caller is None or call.caller.user is None"),
    unrefused(
        "a map twice in a request", "dual_write/requests.py", "len({one.tid.casefold() for one in asked}) < len(asked)"
    ),
    unrefused(
        "a version that is not active", "dual_write/requests.py", "found.active.casefold() != asked.tid.casefold()"
    ),
    unrefused(
        "two solutions in a request",
        "dual_write/solutions.py",
        'len(names) > 1 and tenant.switches["several_solutions"] == "refuse"',
    ),
    Mutation(
        "a reset while maps run",
        "dual_write/link_routes.py",
        'if running is not None:\n        raise conflict(f"All maps',
        'if False:\n        raise conflict(f"All maps',
    ),
    Mutation(
        "a key of a running map",
        "dual_write/link_routes.py",
        'if running is not None:\n        raise conflict(f"The integration key',
        'if False:\n        raise conflict(f"The integration key',
    ),
    unrefused("a legal entity that is not there", "dual_write/links.py", "missing is not None"),
    unrefused(
        "too many companies", "dual_write/links.py", 'len(wanted) > tenant.switches["dual_write_live_companies"]'
    ),
    unrefused("a link without the core solution", "dual_write/links.py", "not core_installed(tenant, environment.id)"),
    unrefused(
        "too many rows of an initial sync",
        "dual_write/initial_sync.py",
        'count > switches["dual_write_initial_sync_rows"]',
    ),
    unrefused(
        "a row of a company that is not linked",
        "dual_write/transfer.py",
        'company is None or not self._connection.has_company(company["cdm_companycode"])',
    ),
]
TRANSITIONS = [
    Mutation(
        "a running map starts",
        "dual_write/states.py",
        "MapState.RUNNING: frozenset({Action.STOP, Action.PAUSE})",
        "MapState.RUNNING: frozenset({Action.STOP, Action.PAUSE, Action.START})",
    ),
    Mutation(
        "a paused map stops",
        "dual_write/states.py",
        "MapState.PAUSED: frozenset({Action.RESUME})",
        "MapState.PAUSED: frozenset({Action.RESUME, Action.STOP})",
    ),
    Mutation(
        "a map without a project starts",
        "dual_write/states.py",
        "return frozenset({Action.INIT})",
        "return frozenset({Action.INIT, Action.START})",
    ),
    Mutation(
        "a start syncs nothing first",
        "dual_write/states.py",
        "MapState.INITIAL_SYNC if initial_sync else None, MapState.RUNNING, state",
        "None, MapState.RUNNING, state",
    ),
    Mutation(
        "a failed start runs",
        "dual_write/states.py",
        "if initial_sync else None, MapState.RUNNING, state)",
        "if initial_sync else None, MapState.RUNNING, MapState.RUNNING)",
    ),
    Mutation(
        "a failed resume stops",
        "dual_write/states.py",
        "Transition(passing, MapState.RUNNING, MapState.PAUSED)",
        "Transition(passing, MapState.RUNNING, MapState.STOPPED)",
    ),
    Mutation(
        "a pause stops",
        "dual_write/states.py",
        "Transition(None, MapState.PAUSED, state)",
        "Transition(None, MapState.STOPPED, state)",
    ),
    Mutation(
        "a stop pauses",
        "dual_write/states.py",
        "Transition(None, MapState.STOPPED, state)",
        "Transition(None, MapState.PAUSED, state)",
    ),
    Mutation(
        "a paused map queues nothing",
        "dual_write/states.py",
        "SYNCING = frozenset({MapState.INITIAL_SYNC, MapState.CATCH_UP, MapState.RUNNING, MapState.PAUSED})",
        "SYNCING = frozenset({MapState.INITIAL_SYNC, MapState.CATCH_UP, MapState.RUNNING})",
    ),
    Mutation(
        "every queue is played back",
        "dual_write/states.py",
        "MapState.CATCH_UP if catch_up is CatchUp.PLAY_BACK else None",
        "MapState.CATCH_UP",
    ),
    unrefused("a failed installation leaves F&O", "power_platform/finops.py", 'finops.state != "Installed"'),
    Mutation(
        "an environment stays after its deletion",
        "power_platform/deletion.py",
        "    remove(tenant, environment)\n    return True",
        "    return True",
    ),
    Mutation(
        "a recovered environment is not ready",
        "power_platform/deletion.py",
        'environment.deleted = None\n    environment.management_state = "Ready"',
        "environment.deleted = None",
    ),
]
MUTATIONS = [*REFUSALS, *TRANSITIONS]
