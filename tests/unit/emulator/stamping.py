"""A company stamped on accounts as the program does it: one batch of PATCH."""

import json
from collections.abc import Iterable

from emulator.core.wire import Reply
from tests.unit.emulator.conftest import CallTenant


def stamp(call: CallTenant, host: str, company_id: str, accounts: Iterable[str]) -> Reply:
    """The answer to the batch."""
    body = "".join(
        f"--b\r\nContent-Type: application/http\r\n\r\nPATCH /api/data/v9.2/accounts({one}) HTTP/1.1\r\n"
        "Content-Type: application/json\r\nIf-Match: *\r\n\r\n"
        f"{json.dumps({'msdyn_company@odata.bind': f'/cdm_companies({company_id})'})}\r\n"
        for one in accounts
    )
    headers = {"Content-Type": "multipart/mixed; boundary=b", "Prefer": "odata.continue-on-error"}
    return call("POST", f"https://{host}/api/data/v9.2/$batch", body=f"{body}--b--\r\n".encode(), headers=headers)
