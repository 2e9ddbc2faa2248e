"""Stable codes of what checks find: machines read the code, never the sentence. Pure.

A text of ours in a preview begins with its code. A code never changes its meaning and is never used again;
`docs/findings.md` is made from this list. Letters: C refuses, I cannot be undone, P a person has to act, N was not
checked, W is otherwise than declared, E could not be read.
"""

from typing import NamedTuple


class Finding(NamedTuple):
    """A code, such as `DW-N01`, and its meaning in one line."""

    code: str
    meaning: str


INVALID = Finding("DW-C01", "an input is not valid, or does not fit the others")
NO_CONSENT = Finding("DW-C02", "the step cannot be undone, and its consent is missing or has ended")
FIXED = Finding("DW-C03", "an input that cannot be changed any more")
AGAINST = Finding("DW-C04", "what the services hold speaks against it, or a documented limit does")
STACK_FILE = Finding("DW-C05", "the stack file has problems")

RESET_WITH_LOSS = Finding("DW-I01", "the link is reset and what stands only on it is lost; a consent is used")
HARMLESS_RESET = Finding("DW-I02", "the link is reset, and nothing is lost because no map ever ran on it")
NOT_QUEUED = Finding("DW-I03", "a running map stops for a while, and changes made in that time are not queued")

OVERWRITES = Finding("DW-I04", "rows that carry a company get another one")
DOWNGRADE = Finding("DW-I05", "a production environment becomes a sandbox")

COMPANIES_BY_HAND = Finding("DW-P01", "a person has to change the companies of the link on the dual-write page")
LINK_BY_HAND = Finding("DW-P02", "a person has to link the two instances in Lifecycle Services")
REGISTER_BY_HAND = Finding("DW-P03", "a person has to register the application in F&O")
REFRESH_BY_HAND = Finding("DW-P04", "a person has to make the platform show the link of F&O")

CDS_NOT_CHECKED = Finding("DW-N01", "something about an existing CDS instance could not be read")
FINOPS_NOT_CHECKED = Finding("DW-N02", "something about an existing F&O could not be read")
CAPACITY_NOT_CHECKED = Finding("DW-N03", "the free capacity of the tenant could not be read")
LOCATION_NOT_CHECKED = Finding(
    "DW-N04", "what the tenant lists by location (templates, licence, currency, language) could not be read"
)
COMPANY_NOT_CHECKED = Finding("DW-N05", "whether F&O has the company could not be read")
LINK_NOT_CHECKED = Finding("DW-N06", "the companies of the link could not be read without a dual-write token")
NOT_READ = Finding("DW-N07", "a resource could not be read and keeps its stored values")

VERSION_NOT_CHECKED = Finding("DW-N08", "whether F&O is on offer in the declared version could not be read")

MAP_STATE = Finding("DW-W01", "a map has another run state than declared")
MAP_MISSING = Finding("DW-W02", "a map that was there is not installed any more")
KEY_DRIFT = Finding("DW-W03", "a table has other integration keys than declared")
MAP_VERSION = Finding("DW-W04", "a map runs on another version than declared, or than before where none is declared")
MAP_FILTER = Finding("DW-W05", "a filter of a map is another one than before; none is declared")
QUEUE_AGE = Finding("DW-W06", "a map is paused for so long that its queue is at risk")
PAUSED_NEED = Finding("DW-W07", "running maps need one that is declared paused")
CONSENT_IDLE = Finding("DW-W08", "an entry of `confirm` has ended, or names what this stack does not have")
COMPANIES = Finding("DW-W09", "the link has other companies than declared")
SOLUTION = Finding("DW-W10", "a map solution was updated since it was applied")

ONLY_AT_CREATION = Finding("DW-W11", "a changed input serves the creation alone, and nothing follows from it now")
NOT_APPLIED = Finding("DW-W12", "the link lacks the maps of a solution that was applied; somebody has reset it")

UNREADABLE = Finding("DW-E01", "a check or a refresh ended because a service could not be read")

ALL: tuple[Finding, ...] = tuple(value for value in globals().values() if isinstance(value, Finding))
