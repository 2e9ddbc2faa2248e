"""The table of documented errors: every text of the documents is recognised, and nothing else is."""

import pytest

from providers.api.transport.errors import (
    ApiError,
    AuthenticationError,
    NotFound,
    OperationFailed,
    PermissionDenied,
    ServiceUnavailable,
    TransportError,
)
from providers.documented_errors.recognition import (
    LOOKING_UP,
    MAKING_MAPS,
    documented,
    explained,
    failed,
    with_documented_cure,
    without_again,
)
from providers.documented_errors.table import CONSENT_MISSING
from providers.live_sync import LiveSyncProvider

# The recognisable part of each documented text, and a word of the cure.
TEXTS = [
    ("DW9003 Failed to connect to CRM", "Resume in LCS"),
    ("DW9003 Failed to connect to AX", "Resume in LCS"),
    (
        (
            "Dual write failure - Plugin registration failed: [(Unable to get partition map for project DWM-1. Error "
            "Exceeds the maximum partitions allowed for mapping DWM-1)], One or more errors occurred."
        ),
        "Link fewer",
    ),
    ("Saving connection set failed! An item with the same key has already been added.", "correct them"),
    ("Response status code doesn't indicate success: 404 (Not Found).", "33976c19-1db5-4c02-810e-c243db79efde"),
    ("Finance and operations apps environment x.cloudax.dynamics.com isn't discoverable.", "right user"),
    ("Failed to setup dual write environment. Error Details: status code 403 (Forbidden)", "licence"),
    ("Response status code does not indicate success: 403 (tokenexchange)", "System Administrator on both sides"),
    ("The entity with a name = 'msdyn_dualwriteentitymap' was not found in the MetadataCache", "DualWriteCoreAnchor"),
    ("The solution 'msdyn_DualWriteAppCoreMaps' has version mismatch", "Update the dual-write solutions"),
    ("0x80048d0b", "Power Platform Integration > Setup"),
    ("Invalid column name 'ISDELETE'", "full database sync"),
    (
        (
            "Dual write Initial Sync completed with status: Error. ([Bad Request], The remote server returned an "
            "error: (400) Bad Request.), AX export encountered an error"
        ),
        "Restart it",
    ),
    (
        "([Forbidden], The remote server returned an error: (403) Forbidden.), AX export encountered an error",
        "add it again",
    ),
    ("Couldn't resolve the guid for the field: a. The lookup value was not found: b.", "refers to first"),
    ("5 Attempts to get data from https://x.azure-apim.net/apim failed", "ten are left"),
    ("Party number couldn't be found in Dataverse", "persons and organisations"),
    ("Can't convert the literal '000000' to the expected type 'Edm.Decimal'", "en-us"),
    ("Unable to build dual-write lookup metadata. Error: object reference not set", "Enable the maps"),
    ("Missing source field ACCOUNT in the schema", "regenerate the mapping"),
    ("Project validation failed. Missing destination field accountnumber", "Refresh the tables"),
    ("0x80072560 The user is not a member of the organization", "roles in CDS"),
    ("Unable to write data to entity accounts", "stale configuration"),
    ("Principal team (Id=1) is missing prvReadmsdyn_x privilege", "Give the team a role"),
    ("Principal team (Id=1, type=9) is missing prvCreateaccount privilege (Id=2)", "Give the team a role"),
    ("Unable to write data to entity accounts. Principal user (Id=1) is missing prvReadmsdyn_vendor", "Give the user"),
    ("Principal user (Id=1, type=8) is missing prvAppendToaccount privilege", "Give the user"),
    ("Write failed. Infolog: Warning: Field 'SalesCurrencyCode' must be filled in.", "give it a default"),
    ("Unable to write data to entity CustomersV3. Field 'A' must be filled in.", "Fill it in on the rows of CDS"),
    ("Unable to generate payload for entity accounts: Invalid URI: The URI is empty", "restart the maps"),
    ("SecureConfig Organization (x) doesn't match actual CRM Organization (y).", "msdyn_dualwriteruntimeconfig"),
    ("Error from token exchange: User is not allowed to access connection", "not running"),
]


@pytest.mark.parametrize(("text", "cure"), TEXTS, ids=[text[:40] for text, _ in TEXTS])
def test_every_documented_text_has_its_cure(text: str, cure: str) -> None:
    for said in (text, text.upper(), text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")):
        known = explained(said)
        assert known is not None
        assert cure in known.cure
        assert known.cause.endswith(".")
        assert known.cure.endswith(".")


def test_each_validation_code_but_the_undocumented_ones_is_known() -> None:
    numbers = {number for number in range(1000, 1032) if explained(f"validation: DIPV{number} of the map")}
    assert numbers == set(range(1000, 1032)) - {1009, 1013}


@pytest.mark.parametrize("side", ["DWDVEV", "DWFOEV"])
def test_health_codes_keep_their_side(side: str) -> None:
    known = explained(f"health check: {side.lower()}1004 stale configuration")
    assert known is not None
    assert known.code == f"{side}1004"


def test_code_beats_the_words_around_it() -> None:
    known = explained("Project validation failed. Missing destination field (DIPV1014)")
    assert known is not None
    assert known.code == "DIPV1014"


@pytest.mark.parametrize("text", ["", "The service is restarting", "DIPV1009", "404", "0x80040237"])
def test_what_no_document_explains_stays_unexplained(text: str) -> None:
    assert explained(text) is None


def test_error_keeps_its_kind_reason_and_correlation_id_and_gains_the_cure() -> None:
    refused = PermissionDenied(
        "403 (tokenexchange)", code="HTTP 403", correlation_id="c-1", status=403, next_step="Ask.", service="dual-write"
    )
    told = documented(refused)
    assert isinstance(told, PermissionDenied)
    assert str(told).startswith("403 (tokenexchange) (HTTP 403, correlation c-1). The user may not link")
    assert (told.status, refused.next_step) == (403, "Ask.")


def test_documented_error_does_not_pass_by_waiting() -> None:
    for passing in (TransportError("0x80072560 not a member", may_have_happened=True), ServiceUnavailable("DW9003")):
        told = documented(passing)
        assert isinstance(told, OperationFailed)
        assert told.code
    lost = TransportError("the answer was lost", may_have_happened=True)
    assert documented(lost) is lost


def test_block_gives_its_refusals_the_cure() -> None:
    with pytest.raises(NotFound, match="has to consent"), with_documented_cure(LOOKING_UP):
        raise NotFound("dual-write answered 404 (not found)", status=404)
    with pytest.raises(AuthenticationError, match="that user's token"), with_documented_cure(MAKING_MAPS):
        raise AuthenticationError("dual-write answered 401", status=401)
    with pytest.raises(ServiceUnavailable, match="open a support ticket"), with_documented_cure(LOOKING_UP):
        raise ServiceUnavailable("dual-write answered 503", status=503)
    with pytest.raises(NotFound, match=r"^gone$"), with_documented_cure():
        raise NotFound("gone", status=404)


def test_error_without_a_telling_text_means_what_its_call_says() -> None:
    missing = NotFound("dual-write answered 404 (not found)", status=404)
    assert documented(missing) is missing
    assert documented(missing, otherwise=CONSENT_MISSING).next_step == CONSENT_MISSING.next_step


def test_failure_text_becomes_an_error_with_the_cure_or_the_given_step() -> None:
    known: ApiError = failed("DIPV1003 no key", correlation_id="root-1", otherwise="Mend the map.")
    assert str(known).startswith("DIPV1003 no key (DIPV1003, correlation root-1). The table has no integration key.")
    assert str(failed("odd", otherwise="Mend the map.")) == "odd. Mend the map."


@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("Sync it, then run `up` again.", "Sync it"),
        ("Remove them, or reset it; then run `up` again", "Remove them, or reset it"),
        ("Ask support.", "Ask support"),
        ("", ""),
    ],
)
def test_next_step_without_its_last_words(step: str, left: str) -> None:
    assert without_again(step) == left


def test_refusal_that_a_client_lets_through_has_its_documented_next_step() -> None:
    refused = PermissionDenied("The user is not a member of the organization.", code="0x80072560")
    assert "roles in CDS" in str(LiveSyncProvider().explained(refused))
    own = PermissionDenied("The user is not a member of the organization.", code="0x80072560", next_step="Do this.")
    assert LiveSyncProvider().explained(own) is own
