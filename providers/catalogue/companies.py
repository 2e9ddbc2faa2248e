"""Legal entities as dual-write knows them: the form of their codes, and the words for the list of a link. Pure.

Source: dual-write-semantics.md 5.4 (at most four alphanumeric characters, fixed once created; the company of each F&O).
"""

import re
from typing import Final, Literal

# In place of a list of companies: whatever is linked is recorded, nothing is declared.
AsLinked = Literal["as-linked"]
AS_LINKED: Final = "as-linked"
# The company that every F&O has, and the only one of a new link.
BUILT_IN_COMPANY: Final = "DAT"

COMPANY_CODE_LENGTH = 4
COMPANY_CODE = rf"^[A-Za-z0-9]{{1,{COMPANY_CODE_LENGTH}}}$"


def in_one_order(companies: list[str] | AsLinked) -> list[str] | AsLinked:
    """The codes of a list once each, in upper case, in alphabetical order; the word in its place stays."""
    return companies if isinstance(companies, str) else sorted({company.upper() for company in companies})


def company_code(text: str) -> str:
    """The code in upper case, as F&O shows it. ValueError says what is wrong with another text."""
    if len(text) > COMPANY_CODE_LENGTH and re.fullmatch(r"[A-Za-z0-9]+", text):
        raise ValueError(
            f"{text!r} has {len(text)} characters; F&O takes company codes of {COMPANY_CODE_LENGTH} at most"
        )
    if not re.fullmatch(COMPANY_CODE, text):
        raise ValueError(f'{text!r} is no company code: one to four letters and digits, such as "USMF"')
    return text.upper()
