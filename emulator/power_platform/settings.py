"""The switches of BAP and the Power Platform API: every duration, and every behaviour that no source decides."""

from emulator.core.switches import Switches

_DURATIONS: tuple[tuple[str, float, str], ...] = (
    ("environment_create_duration", 300, "Seconds that creating an environment with Dataverse takes."),
    ("environment_update_duration", 10, "Seconds that a PATCH or a change of SKU takes."),
    ("environment_delete_duration", 120, "Seconds that a deletion takes."),
    ("environment_recover_duration", 120, "Seconds that recovering a deleted environment takes."),
    ("provision_instance_duration", 120, "Seconds that adding Dataverse to an environment takes."),
    ("platform_tools_duration", 600, "Seconds that installing the Platform Tools takes."),
    ("package_install_duration", 600, "Seconds that installing any other application package takes."),
    ("finops_install_duration", 3600, "Seconds that the Provisioning App takes until F&O answers."),
    ("finops_update_duration", 3600, "Seconds that updating F&O to another version takes."),
    ("finops_link_delay", 300, "Seconds after F&O is installed until BAP shows linkedAppMetadata."),
    ("dataverse_metadata_delay", 15, "Seconds after Succeeded during which linkedEnvironmentMetadata is missing."),
    ("environment_visible_delay", 0, "Seconds after acceptance during which a new environment is a 404."),
    ("app_install_refused_duration", 0, "Seconds after Succeeded during which every package installation fails."),
    ("finops_refusal_duration", 30, "Seconds until a refused package installation reads Failed."),
    ("domain_reserved_duration", 86_400, "Seconds that the domain of a deleted environment stays reserved."),
    ("finops_domain_reserved_duration", 604_800, "The same for an environment that had F&O."),
)

_BEHAVIOURS: tuple[tuple[str, bool | float | str, str, str], ...] = (
    ("tenant_provisioning_mode", "location", "location | macroRegion: how a create call names the place.", "assumed"),
    ("operation_location", "regional", "regional | central: host of the Location header of an operation.", "assumed"),
    ("operation_running_state", "Running", "Name of the state of an unfinished lifecycle operation.", "assumed"),
    ("dataverse_metadata_reads", 1, "Reads of an environment, after Succeeded, that lack its metadata.", "assumed"),
    ("environment_create_failures", 0, "How many creations (counted from now) end as Failed.", "assumed"),
    ("environment_delete_failures", 0, "How many deletions (counted from now) end as Failed.", "assumed"),
    ("finops_install_failures", 0, "How many installations of F&O (counted from now) fail.", "assumed"),
    ("package_install_failures", 0, "How many other package installations (counted from now) fail.", "assumed"),
    ("bare_environment_answer", "created", "created (201) | accepted (202): answer without Dataverse.", "assumed"),
    (
        "delete_conflict_answer", "empty",
        "empty | coded: body of a 409 to DELETE while another operation runs.",
        "inferred: an empty body was seen (11.1), a code on other calls (4.4)",
    ),
    (
        "delete_operation_afterwards", "gone",
        "gone (404) | kept (Succeeded): what the poll of a deletion ends with.",
        "inferred: a 404 on the poll counts as the end of a deletion (8.1)",
    ),
    (
        "finops_link_visible", "delay",
        "delay | after-patch: when linkedAppMetadata appears. An edit of the environment always refreshes it.",
        "inferred: documentation advises an edit when the URL does not show (10.1)",
    ),
    (
        "appmanagement_install_answer", "accepted",
        "accepted (202, Operation-Location) | body (200, lastOperation): answer to an installation.",
        "inferred: both forms stand in code of public clients (14.7)",
    ),
    (
        "linked_environment_delete", "allow",
        "allow | refuse: deletion of an environment that is integrated with an F&O of Lifecycle Services.",
        "inferred: refuse is what 11.3 concludes from the documentation, allow is what the demo stacks need",
    ),
    ("package_prerequisites", "enforced", "enforced | ignored: a package without its prerequisites fails.", "assumed"),
    (
        "finops_entitlement", True,
        "The tenant holds a licence for F&O; without it the F&O templates are disabled.",
        "assumed",
    ),
    ("disabled_templates", "", "Ids of further disabled templates, separated by commas.", "assumed"),
    (
        "capacity_database_mb", 2_048_000.0,
        "Dataverse database capacity of the tenant, in MB.",
        "assumed",
    ),
    ("capacity_finops_database_mb", 8_192_000.0, "F&O database capacity of the tenant, in MB.", "assumed"),
    ("schema_type_with_apps", "Full", "schemaType of an organization with Dynamics 365 apps enabled.", "assumed"),
    ("finops_default_developer_tools", False, "DevToolsEnabled when the key is missing.", "assumed"),
    ("finops_default_demo_data", False, "DemoDataEnabled when the key is missing.", "assumed"),
    ("finops_url_slash", True, "linkedAppMetadata.url ends with a slash.", "assumed"),
    ("finops_member_before_link", "absent", "absent | null: linkedAppMetadata of an unlinked environment.", "assumed"),
)  # fmt: skip


def register(switches: Switches) -> None:
    """Declare all switches of this package."""
    for name, default, description in _DURATIONS:
        switches.register(name, default, description)
    for name, choice, description, evidence in _BEHAVIOURS:
        switches.register(name, choice, description, evidence)


def use_up(switches: Switches, name: str) -> bool:
    """Take one from a counting switch; False when it stood at zero."""
    left = switches[name]
    if left <= 0:
        return False
    switches.set(name, left - 1)
    return True
