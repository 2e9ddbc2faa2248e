"""The named switches of the dual-write part: durations in virtual seconds, assumed behaviours and faults."""

from emulator.core.switches import Switches

_DURATIONS = (
    ("dual_write_init_duration", 5, "a map's init (E3 action 8)"),
    ("dual_write_start_duration", 15, "a map's start without initial sync"),
    ("dual_write_change_duration", 10, "stop, pause or resume of a map"),
    ("dual_write_stagger", 1, "each further map of one bulk request but a resume ends so much later"),
    ("dual_write_state_lag", 3, "time by which a map's state follows the end of its request"),
    ("dual_write_solution_duration", 120, "applying one solution (E13)"),
    ("dual_write_sync_base_duration", 60, "fixed part of an initial sync, per company"),
    ("dual_write_attendant_delay", 120, "time after which the attendant links a pair whose sides are both ready"),
)

_LIMITS = (
    ("dual_write_initial_sync_companies", 40, "most companies of one initial sync", "inferred: semantics 13 no. 6"),
    ("dual_write_live_companies", 250, "most companies of a link", "inferred: semantics 13 no. 6"),
    ("dual_write_initial_sync_rows", 500_000, "most rows of one initial sync run and company", "semantics 10"),
    ("dual_write_single_threaded_rows", 70_000, "most rows that a single-threaded table sends to F&O", "semantics 10"),
    (
        "dual_write_initial_sync_lookups",
        10,
        "most lookups of a map whose Dataverse rows are sent; with 9 the standard Customers V3 (ten) fails",
        "inferred: 13 no. 14",
    ),
    ("dual_write_rows_per_minute", 100, "speed of an initial sync", "inferred: semantics 8, throughput hint"),
    ("dual_write_queue_bytes", 1_000_000_000, "most bytes queued while a map is paused", "semantics 7.8"),
    ("dual_write_queue_days", 7, "longest pause in days before further records are blocked", "semantics 7.8"),
)

_CHOICES = (
    (
        "bulk_start",
        "accept",
        "several maps in one start, stop or init request: accept | refuse",
        "inferred: E3, details is a list",
    ),
    ("bulk_rule", "all-or-nothing", "pause or resume of several maps: all-or-nothing | each", "inferred: 12.1 item 7"),
    (
        "refused_action",
        "status",
        "an action that the state forbids: status (409) | request (accepted, then fails)",
        "assumed",
    ),
    (
        "start_without_prerequisites",
        "allow",
        "start of a map whose prerequisites do not run: allow | fail",
        "inferred: semantics 7.2",
    ),
    ("stop_on_paused", "refuse", "stop of a Paused map: refuse | accept", "assumed"),
    (
        "keys_while_running",
        "refuse",
        "E9 with another key for a table whose map runs: refuse (409) | accept",
        "inferred: 6, keys change in stopped maps",
    ),
    (
        "apply_solution_error",
        "",
        "text with which every E13 request ends in state 3 (solution '...' has version mismatch, ...); empty: none",
        "semantics 11.1",
    ),
    ("solution_version", "", "version in which E12 lists every map solution; empty: that of its package", "assumed"),
    ("switch_while_running", "refuse", "E6 on a map that runs: refuse | ignore | accept", "assumed"),
    (
        "several_solutions",
        "duplicate",
        "several solutions in one E13: duplicate (maps appear twice) | refuse",
        "inferred: E13 comment",
    ),
    (
        "link_of_new_finops",
        "automatic",
        "who links an F&O that was installed into an environment: automatic | person",
        "assumed",
    ),
    ("link_companies_of_new", "DAT", "companies of that link, comma separated, or all", "inferred: semantics 1.1"),
    (
        "link_companies_by_person",
        "all",
        "companies of a link that a person makes, comma separated, or all",
        "inferred: semantics 1.6",
    ),
    ("maps_at_link", "none", "maps present right after the link: none | application-core", "assumed"),
    ("party_keys", "keep", "keys of the four party tables once the party maps are applied: keep | unset", "assumed"),
)

_FLAGS = (
    ("attendant", True, "a person links existing pairs by themselves", "assumed"),
    (
        "prerequisites_mutual",
        False,
        "E5 lets a map and its first prerequisite name each other",
        "inferred: E5, mutual pairs",
    ),
    ("parked_version", False, "every map has one more version 9.9.9.9 that nobody wants", "inferred: 7.4 warning"),
    ("start_answer_bare", False, "E3 answers the request id as a bare JSON string", "inferred: E3, toolbAX"),
    ("fault_status_never_ends", False, "E4 shows every request as waiting", "inferred: 12.1 item 11"),
    ("fault_status_without_request", False, "E4 leaves our request out", "inferred: 12.1 item 11"),
    ("fault_no_maps", False, "E2 answers an empty list", "inferred: 12.1 item 11"),
)


def register_switches(switches: Switches) -> None:
    """Declare every switch of the dual-write part."""
    for name, default, text in _DURATIONS:
        switches.register(name, default, f"virtual seconds: {text}")
    for name, limit, text, evidence in _LIMITS:
        switches.register(name, limit, text, evidence)
    for name, choice, text, evidence in _CHOICES:
        switches.register(name, choice, text, evidence)
    for name, flag, text, evidence in _FLAGS:
        switches.register(name, flag, text, evidence)
