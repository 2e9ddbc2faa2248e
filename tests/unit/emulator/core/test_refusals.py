"""The list of refusals is read off the code, with what says that the service refuses so."""

from pathlib import Path

import pytest

from emulator.server.coverage import FILE
from emulator.server.refusals import Refusal, refusals

CODE = '''
def no_member() -> ServiceError:
    """Return the refusal of a stranger (11.5)."""
    return refuse(403, "0x80072560", "The user is not a member.")


def guessed() -> ServiceError:
    """Return what 12.2 leaves open (assumed)."""
    return refuse(404, "0x80060888", "Nothing is called so.")


def handle(call):
    """Answer the call of section 12.2."""
    if call.first:
        text = f"The value {call.first} is wrong."
        raise bad_query(text)
    # Source: power-platform-api.md 14.8
    text = "Not linked."
    raise refuse(400, "0x80048d0b", text)


def read(call):
    """Answer a read; the row is asked for with RowError, whose text others say."""
    if call.text:
        # Documented: OData 4.01 Part 2, 5.1.1
        raise FilterError("Syntax error in the text.")
    raise RowError("missing", "There is no such row.")


def _too_late(call):
    raise ServiceError(410, {"error": {"message": "Gone."}})


def not_there():
    """Answer what is not modelled."""
    raise refuse(501, "NotModelled", "The emulator does not model this.")
'''


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Refusal]:
    (tmp_path / "dataverse").mkdir()
    (tmp_path / "dataverse" / "module.py").write_text(CODE)
    return {one.text: one for one in refusals(tmp_path)}


@pytest.mark.parametrize(
    ("text", "status", "code", "evidence"),
    [
        ("The user is not a member.", 403, "0x80072560", "dual-write-semantics.md 11.5"),
        ("Nothing is called so.", 404, "0x80060888", "assumed"),
        ("The value ... is wrong.", 400, "", "assumed"),
        ("Not linked.", 400, "0x80048d0b", "power-platform-api.md 14.8"),
        ("(too late)", 410, "", "assumed"),
        ("Syntax error in the text.", 400, "", "documented: OData 4.01 Part 2, 5.1.1"),
    ],
)
def test_refusal_is_listed_with_what_says_so(
    found: dict[str, Refusal], text: str, status: int, code: str, evidence: str
) -> None:
    assert found[text] == Refusal("dataverse", status, code, text, evidence)


def test_what_is_not_modelled_or_said_in_other_words_is_no_refusal(found: dict[str, Refusal]) -> None:
    assert len(found) == 6


def test_every_refusal_of_the_emulator_has_a_source() -> None:
    assert [one for one in refusals(FILE.parent) if one.evidence == "assumed"] == []


def test_coverage_lists_the_refusals_of_every_service() -> None:
    listed = FILE.read_text().partition("## Refusals")[2]
    services = {one.service for one in refusals(FILE.parent)}
    assert services == {"login", "bap, powerplatform", "dataverse", "finops", "dataverse, finops", "dualwrite"}
    assert all(f"| {service} | " in listed for service in services)
    assert "AADSTS7000215" in listed
    assert "| dataverse | 403 0x80072560 |" in listed
