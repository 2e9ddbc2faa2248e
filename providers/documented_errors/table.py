"""What a start, an initial sync, a link or a health check can say by the documents, with cause and cure. Data only.

Sources: dual-write-semantics.md 11.1 (less the rows of browsers), 11.2, 11.3, and the rows of 11.5 that a start or an
initial sync can meet. `known_errors` finds the entry of a text.
"""

from typing import NamedTuple

from providers.api.dataverse.codes import NOT_INTEGRATED

_AGAIN = "then run `up` again"
_INTEGRATE = (
    "In LCS open the environment's details > Power Platform Integration > Setup and choose this CDS environment, "
    f"{_AGAIN}."
)
_RESET = "Reset the link (dual-write page > Environment details > Reset link)"
_REFRESH = f"Refresh the tables of the map, {_AGAIN}."
_MEND_MAP = f"in the map's column mappings and save a new version, {_AGAIN}."
_CONSENT = "33976c19-1db5-4c02-810e-c243db79efde"
_CLEAN = (
    "With the maps stopped, empty DualWriteProjectConfiguration, DualWriteProjectFieldConfiguration and "
    "BusinessEventsDefinition in F&O and Dual Write Runtime Configurations in Dataverse"
)


class Known(NamedTuple):
    """A documented error: its code when it has one, its cause, and the cure; cause and cure are whole sentences."""

    code: str | None
    cause: str
    cure: str

    @property
    def next_step(self) -> str:
        """What stands behind the reason in the user's one line."""
        return f"{self.cause} {self.cure}"


# Where the service says no more than a status, the call decides what it means.
CONSENT_MISSING = Known(
    None,
    "The dual-write service lacks consent in this tenant.",
    f"A tenant administrator has to consent to the application {_CONSENT}, {_AGAIN}.",
)
NOT_THE_LINKING_USER = Known(
    None,
    "Only the user who set up the link may add maps.",
    f"Give the program that user's token, {_AGAIN}.",
)
NO_RIGHTS = Known(
    None,
    "The user may not link or add maps, or Dataverse was reset without being unlinked.",
    f"Make the user System Administrator on both sides, or reset the link; {_AGAIN}.",
)
SERVICE_DOWN = Known(
    None,
    "The data integration service behind dual-write does not answer.",
    "Run `up` again later; open a support ticket when it stays so.",
)

# 11.2: Dataverse (DWDVEV) and F&O (DWFOEV).
HEALTH = {
    "1001": ("An API Hub connection is gone, often deleted in the maker portal.", f"{_RESET}, {_AGAIN}."),
    "1003": (
        "Linked companies are missing on that side.",
        f"Remove the listed companies from the link, or reset it; {_AGAIN}.",
    ),
    "1004": ("Run-time configuration of another link was left behind.", f"{_CLEAN}, {_AGAIN}."),
    "1006": (
        "The default team is no longer named like its business unit.",
        f"{_RESET}, or ask support with the name of the root team.",
    ),
    "1007": (
        "A company has no default owning team.",
        f"Set its default owning team in CDS and give it its roles, {_AGAIN}.",
    ),
}

# 11.3; 1009 and 1013 are not documented.
VALIDATION = {
    "1000": ("The connection is no longer valid.", f"{_RESET}, {_AGAIN}."),
    "1001": ("The service failed while it validated the map.", "Ask Microsoft support with the correlation id."),
    "1002": (
        "A company-specific table is mapped to a cross-company one, or data sharing is on.",
        f"Change the entity or the sharing, {_AGAIN}.",
    ),
    "1003": (
        "The table has no integration key.",
        f"Define an alternate key, or set `integrationKeys`; refresh the tables, {_AGAIN}.",
    ),
    "1004": ("A key field is not two-way on a two-way map.", f"Map it two-way {_MEND_MAP}"),
    "1005": ("The link lacks the mapping of an environment or organisation: it is corrupt.", f"{_RESET}, {_AGAIN}."),
    "1007": ("The map names an environment outside the link.", f"Recreate the map, {_AGAIN}."),
    "1008": (
        "A business unit or company was renamed or deleted.",
        f"Restore its name, or recreate it; {_AGAIN}.",
    ),
    "1010": ("A mandatory target field is not mapped.", f"Map it {_MEND_MAP}"),
    "1011": ("A read-only target field is mapped.", f"Unmap it, or map it one way, {_MEND_MAP}"),
    "1012": ("The filter of the Dataverse side cannot be read.", f"Correct it {_MEND_MAP}"),
    "1014": ("A key field, or the key behind a lookup, is not mapped.", f"Map it {_MEND_MAP}"),
    "1018": ("The link holds no schema of a table.", _REFRESH),
    "1019": ("The table is virtual or elastic and has no `versionnumber`.", "Map another table."),
    "1021": ("A field of a mapping is not set.", f"Set it, or give a default, {_MEND_MAP}"),
    "1022": ("A mapped field is not in the schema that the link holds.", _REFRESH),
    "1023": ("A field is mapped twice.", f"Remove the duplicate {_MEND_MAP}"),
    "1027": ("A lookup is mapped without its key.", f"Map the key {_MEND_MAP}"),
    "1030": ("The types of two fields do not fit.", f"Change the types or the pair {_MEND_MAP}"),
    "1031": ("A mandatory target field has no default.", f"Add one {_MEND_MAP}"),
}
SAME = {
    "1006": "1001",
    "1015": "1014",
    "1016": "1005",
    "1017": "1005",
    "1020": "1018",
    "1024": "1021",
    "1025": "1022",
    "1026": "1023",
    "1028": "1027",
    "1029": "1023",
}

# 11.1 and 11.5; the more telling ones first. `.*` stands for what differs from case to case.
TEXTS: tuple[tuple[str, Known], ...] = (
    (
        r"DW9003|Failed to connect to (?:CRM|AX)\b",
        Known(
            "DW9003",
            "The provisioning of LCS could not reach one side: its service principal lacks rights.",
            "Register the dual-write applications in F&O and as application users with their roles in CDS, then press "
            "Resume in LCS.",
        ),
    ),
    (
        r"Exceeds the maximum partitions allowed",
        Known(None, "Too many companies are linked.", f"Link fewer companies, {_AGAIN}."),
    ),
    (
        r"An item with the same key has already been added",
        Known(
            None,
            "Two companies of `cdm_company` have one name, or a name is blank.",
            f"Remove or correct them in CDS, {_AGAIN}.",
        ),
    ),
    (
        r"isn't discoverable|is not discoverable",
        Known(
            None,
            "The user belongs to another tenant, or F&O is an old Microsoft-hosted one.",
            f"Give the program a token of the right user, or update F&O; {_AGAIN}.",
        ),
    ),
    (
        r"Failed to setup dual write environment.*403 \(Forbidden\)",
        Known(
            None,
            "The user has no Power Apps licence and cannot create the two connections of a link.",
            f"Assign the user a licence, {_AGAIN}.",
        ),
    ),
    (
        r"Error from token exchange: User is not allowed to access connection",
        Known(None, "The linked Dataverse is not available.", "Ask Microsoft support to mark the map as not running."),
    ),
    (r"tokenexchange", NO_RIGHTS),
    (
        r"in the MetadataCache|msdyn_dualwriteentitymap.*not found",
        Known(None, "The dual-write core solution is missing in CDS.", f"Install DualWriteCoreAnchor, {_AGAIN}."),
    ),
    (
        r"has version mismatch",
        Known(
            None,
            "A dual-write solution of CDS is older than the map needs.",
            f"Update the dual-write solutions in CDS, {_AGAIN}.",
        ),
    ),
    (NOT_INTEGRATED, Known(NOT_INTEGRATED, "Dataverse is not integrated with F&O.", _INTEGRATE)),
    (
        r"different (?:Dataverse|destination)",
        Known(
            None,
            "Dual-write and the Power Platform Integration point to different Dataverse environments.",
            f"Align the integration in LCS, or reset the link; {_AGAIN}.",
        ),
    ),
    (
        r"Invalid column name 'ISDELETE'",
        Known(None, "A table of F&O is not synchronised.", f"Run a full database synchronisation in F&O, {_AGAIN}."),
    ),
    (
        r"\(400\) Bad Request.*AX export encountered an error",
        Known(None, "The data import/export service of F&O is stopped.", f"Restart it in F&O, {_AGAIN}."),
    ),
    (
        r"\(403\) Forbidden.*AX export encountered an error",
        Known(
            None,
            "The row of the dual-write application in F&O is broken.",
            f"Delete it on the Microsoft Entra ID applications page of F&O and add it again, {_AGAIN}.",
        ),
    ),
    (
        r"resolve the guid for the field|The lookup (?:value )?was not found",
        Known(
            None,
            "A referenced row is missing, refers to itself, or refers back.",
            f"Sync the rows that it refers to first, {_AGAIN}.",
        ),
    ),
    (
        r"5 Attempts to get data from",
        Known(
            None,
            "The map has more lookups than an initial sync from Dataverse takes.",
            "Take lookups out of the map until ten are left, sync, bring them back and start without initial sync.",
        ),
    ),
    (
        r"Party number couldn't be found in Dataverse",
        Known(
            None,
            "The party is of a type that is not synced, which is a known issue.",
            "Sync the rows of persons and organisations; leave the others out by the map's filter.",
        ),
    ),
    (
        r"convert the literal '000000' to the expected type 'Edm\.Decimal'",
        Known(
            None,
            "The source data format of F&O has another number format than en-us.",
            f"Set its language locale to en-us in Data management > Configure data sources, {_AGAIN}.",
        ),
    ),
    (
        r"Unable to build dual-write lookup metadata",
        Known(
            None,
            "A map that this one depends on is off, or columns are missing.",
            f"Enable the maps it depends on and refresh its tables, {_AGAIN}.",
        ),
    ),
    (
        r"Missing source field.*in the schema",
        Known(
            None,
            "The entity list of F&O is stale.",
            f"Refresh it (Data management > Framework parameters > Entity settings) and regenerate the mapping, "
            f"{_AGAIN}.",
        ),
    ),
    (
        r"Project validation failed\. Missing destination field",
        Known(None, "The schema that the link holds is older than the map's version.", _REFRESH),
    ),
    (
        r"0x80072560|user is not a member of the organization",
        Known(
            "0x80072560",
            "An application user or a team has no role.",
            f"Give the dual-write application users and the owning teams their roles in CDS, {_AGAIN}.",
        ),
    ),
    # Any verb and table: `prvRead<table>`, `prvCreate<table>`, `prvAppendTo<table>`.
    (
        r"Principal team.*is missing prv\w+",
        Known(
            None,
            "The owning team lacks a privilege on the table that the text names.",
            f"Give the team a role that has it, {_AGAIN}.",
        ),
    ),
    (
        r"Principal user.*is missing prv\w+",
        Known(
            None,
            "The user that the text names lacks a privilege on that table.",
            f"Give the user, for dual-write an application user of CDS, a role that has it, {_AGAIN}.",
        ),
    ),
    (
        r"Field '[^']*' must be filled in",
        Known(
            None,
            "The row lacks a field that F&O requires.",
            f"Fill it in on the rows of CDS, or give it a default {_MEND_MAP}",
        ),
    ),
    (
        r"Unable to write data to entity",
        Known(
            None,
            "Reference data is missing on the other side, or its dual-write configuration is stale.",
            f"Sync the reference data, or delete the stale configuration with the map stopped; {_AGAIN}.",
        ),
    ),
    (
        r"Unable to generate payload.*The URI is empty",
        Known(None, "Dataverse was reset wrongly.", f"{_CLEAN}, restart the maps, {_AGAIN}."),
    ),
    (
        r"SecureConfig Organization.*(?:does not|doesn't) match",
        Known(
            None,
            "The database of CDS was copied from another organization.",
            f"Empty `msdyn_dualwriteruntimeconfig` in CDS, {_AGAIN}.",
        ),
    ),
    (r"Response status code (?:does not|doesn't) indicate success: 404", CONSENT_MISSING),
)
