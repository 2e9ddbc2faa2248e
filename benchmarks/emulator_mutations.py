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


# Below `emulator/`, by file: what happens when a refusal is not made, and the condition behind its `if`.
UNREFUSED: dict[str, dict[str, str]] = {
    "identity/tokens.py": {
        "an expired token is taken": 'claims["exp"] <= self._clock.real_now().timestamp()',
        "a token of another audience is taken": "_bare(audience) not in {_bare(accepted) for accepted in audiences}",
    },
    "login/grants.py": {
        "an unknown grant is taken": "kind not in grants",
        "a wrong secret signs in": (
            'not hmac.compare_digest(request.form.get("client_secret", "").encode(), app.secret.encode())'
        ),
        "an application gets a token for dual-write": "wanted.dual_write",
        "another client redeems a refresh token": "grant.client_id != client_id",
        "a refresh token lives for ever": 'now - grant.issued >= timedelta(seconds=switches["refresh_token_lifetime"])',
    },
    "login/resources.py": {
        "two resources in one scope": "len({bare(resource) for resource, _ in pairs}) > 1",
    },
    "server/bodies.py": {
        "a body of any size is read": "length > largest",
    },
    "server/guard.py": {
        "another origin may post": "foreign or not _OWN_SITES.issuperset(sites)",
        "a form may post": "kind in _PAGE_FORMS",
    },
    "server/proxy.py": {
        "a host that is not Microsoft's is tunnelled to": (
            "port != str(TLS_PORT) or not self._proxy.serves(host.lower())"
        ),
    },
    "server/control.py": {
        "an unknown switch is set": "unknown",
    },
    "power_platform/create.py": {
        "any kind of environment is made": "wanted.environmentSku not in catalogue.CREATABLE_SKUS",
        "an environment without capacity": "capacity.database_left(tenant) < capacity.NEEDED_MB",
        "an unknown language": "language not in locations.LANGUAGES",
        "an unknown currency": "currency not in locations.CURRENCIES",
        "a domain that is taken": "domains.taken(tenant, wanted)",
        "a template for another kind": "template is None or sku not in template.skus",
    },
    "power_platform/deletion.py": {
        "two operations at once delete": "operations.running(tenant, environment.id) is not None",
    },
    "power_platform/finops.py": {
        "F&O without platform tools": "not platform_tools",
        "F&O on a CDS without Dynamics 365 apps": "database is None or not database.dynamics_365_apps",
        "F&O on any kind of environment": "environment.sku not in FINOPS_SKUS",
        "F&O with a long name": "len(name) > LONGEST_DISPLAY_NAME",
        "F&O with a long domain": "len(database.domain) > LONGEST_DOMAIN",
        "F&O without capacity": "capacity.finops_left(tenant) < capacity.NEEDED_MB",
        "an older version of F&O": "choice.version and version_key(choice.version) < version_key(finops.version)",
    },
    "power_platform/environments.py": {
        "a kind that cannot be converted": "not {wanted, environment.sku} <= _CONVERTIBLE_SKUS",
    },
    "power_platform/appmanagement.py": {
        "a package twice at once": "known is not None and known.state in packages.BUSY",
    },
    "power_platform/lifecycle.py": {
        "a link across geographies": "environment.location != finops.location",
    },
    "tables/rows.py": {
        "a row twice": "self._exists(space, row_id)",
        "a key twice": "holder is not None",
    },
    "tables/batch.py": {
        "a batch of any size": "count > rules.largest",
        "a read within a change set": 'any(operation.call.method == "GET" for operation in operations)',
    },
    "dataverse/payloads.py": {
        "a system column is written": "column.system",
    },
    "dataverse/writes.py": {
        "a row without its version": 'wanted is not None and wanted != "*" and wanted != row[ETAG]',
        "a table that is only read is written": 'schema.set == "organizations"',
        "a role of another business unit": 'target == "roles" and own != other',
    },
    "dataverse/protection.py": {
        "requests without end": 'requests >= (most := switches["service_protection_requests"])',
    },
    "finance_operations/access.py": {
        "a user of F&O that is disabled": 'user is None or not user["Enabled"]',
    },
    "finance_operations/writes.py": {
        "a key of F&O is changed": "name in values and not same_text(values[name], row[name])",
        "a company with data is deleted": (
            'schema.set == "LegalEntities" and _has_data(tenant, call, str(row["LegalEntityId"]))'
        ),
    },
    "finance_operations/validation.py": {
        "a row of a company that is not there": 'not tenant.rows.get("finops", host, "LegalEntities", company)',
    },
    "dual_write/access.py": {
        "a token without a user": "call.caller is None or call.caller.user is None",
    },
    "dual_write/requests.py": {
        "a map twice in a request": "len({one.tid.casefold() for one in asked}) < len(asked)",
        "a version that is not active": "found.active.casefold() != asked.tid.casefold()",
    },
    "dual_write/solutions.py": {
        "two solutions in a request": 'len(names) > 1 and tenant.switches["several_solutions"] == "refuse"',
    },
    "dual_write/links.py": {
        "a legal entity that is not there": "missing is not None",
        "too many companies": 'len(wanted) > tenant.switches["dual_write_live_companies"]',
        "a link without the core solution": "not core_installed(tenant, environment.id)",
    },
    "dual_write/initial_sync.py": {
        "too many rows of an initial sync": 'count > switches["dual_write_initial_sync_rows"]',
    },
    "dual_write/transfer.py": {
        "a row of a company that is not linked": (
            'company is None or not self._connection.has_company(company["cdm_companycode"])'
        ),
    },
}
REFUSALS = [
    *(unrefused(name, file, condition) for file, rows in UNREFUSED.items() for name, condition in rows.items()),
    Mutation(
        "a reset while maps run",
        "dual_write/link_routes.py",
        "running is not None:\n        # Documented: Microsoft Learn, Reset",
        "False:\n        # Documented: Microsoft Learn, Reset",
    ),
    Mutation(
        "a key of a running map",
        "dual_write/link_routes.py",
        "running is not None:\n        # Documented: Microsoft Learn, Customize",
        "False:\n        # Documented: Microsoft Learn, Customize",
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
