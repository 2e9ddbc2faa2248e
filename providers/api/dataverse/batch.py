"""`$batch` of the Dataverse Web API: many updates of one table in one request, each with an answer of its own.

Multipart/mixed, executed in order, up to 1,000 requests, no change set (dual-write-semantics.md 12.2). With `Prefer:
odata.continue-on-error` the service goes on behind a failed one, and the answers stand in the order of the requests
(Microsoft, "Execute batch operations using the Web API").
"""

import json
import re
from collections.abc import Sequence
from email.errors import MultipartInvariantViolationDefect, StartBoundaryNotFoundDefect
from email.message import Message
from email.parser import Parser
from uuid import uuid4

from providers.api.dataverse.updates import Fate, RowUpdate, UpdateAnswer
from providers.api.transport import odata, retry
from providers.api.transport.answers import Response, parse_retry_after
from providers.api.transport.client import ServiceClient
from providers.api.transport.errors import InvalidRequest, TransportError
from providers.api.transport.failures import failure, lost, unreadable
from providers.api.transport.retry import Verdict

LARGEST_BATCH = 1000
# A live map makes each of a hundred updates a synchronous write to F&O.
TIMEOUT = 300.0
_STATUS_LINE = re.compile(r"HTTP/\d(?:\.\d)? (\d{3})\b")
_BROKEN = (MultipartInvariantViolationDefect, StartBoundaryNotFoundDefect)


def update_rows(client: ServiceClient, root: str, entity_set: str, updates: Sequence[RowUpdate]) -> list[UpdateAnswer]:
    """Send the updates in one request, never twice; `root` is the absolute URL of the Web API.

    One answer an update, in their order. A lost, truncated or foreign answer, and a refusal of the whole, are answers
    too. Raises an `ApiError` for what ends every batch: no permission, no connection.
    """
    if len(updates) > LARGEST_BATCH:
        raise InvalidRequest(f"a batch takes {LARGEST_BATCH} updates, not {len(updates)}")
    boundary = f"batch_{uuid4()}"
    try:
        response = client.request(
            "POST",
            f"{root}/$batch",
            content=composed(root, entity_set, updates, boundary),
            headers={
                "Content-Type": f"multipart/mixed; boundary={boundary}",
                "OData-Version": "4.0",
                "OData-MaxVersion": "4.0",
                "Prefer": "odata.continue-on-error",
            },
            expected={200, 429},
            answer="none",
            timeout=TIMEOUT,
        )
    except TransportError as error:
        if not error.may_have_happened:
            raise
        return [UpdateAnswer(Fate.UNCLEAR, error)] * len(updates)
    if response.status == 429:
        return [_judged(response, client.service)] * len(updates)
    parts = parsed(response, len(updates), client)
    nothing_said = lost(unreadable(response, "it does not say what became of the row", client.service))
    return [_judged(part, client.service) if part else UpdateAnswer(Fate.UNCLEAR, nothing_said) for part in parts]


def composed(root: str, entity_set: str, updates: Sequence[RowUpdate], boundary: str) -> bytes:
    """The body of a batch request."""
    lines: list[str] = []
    for update in updates:
        if not update.version.isprintable():
            raise InvalidRequest("the version of a row is not printable text")
        lines += [
            f"--{boundary}",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            f"PATCH {root}/{entity_set}{odata.key_segment(update.row_id)} HTTP/1.1",
            "Content-Type: application/json",
            f"If-Match: {update.version}",
            "",
            json.dumps(update.values),
        ]
    return "\r\n".join([*lines, f"--{boundary}--", ""]).encode()


def parsed(response: Response, count: int, client: ServiceClient) -> list[Response | None]:
    """The answers inside a batch answer in the order of the requests; None where there is none that can be trusted."""
    unknown: list[Response | None] = [None] * count
    text = f"Content-Type: {response.headers.get('content-type', '')}\r\n\r\n{response.text}"
    parts = _parts(Parser().parsestr(text))
    if len(parts) > count:
        return unknown
    inside: list[Response | None] = [_inner(part, response, client) for part in parts]
    return inside + unknown[len(inside) :]


def _parts(document: Message) -> list[Message]:
    """The whole parts of a batch answer; none where it is broken."""
    if document.get_content_type() != "multipart/mixed" or any(isinstance(each, _BROKEN) for each in document.defects):
        return []
    parts = [part for part in document.get_payload() if isinstance(part, Message)]
    # With a defect the closing boundary is missing: the last part may be cut.
    return parts[:-1] if document.defects else parts


def _inner(part: Message, outer: Response, client: ServiceClient) -> Response | None:
    payload = part.get_payload()
    head, _, rest = payload.partition("\n") if isinstance(payload, str) else ("", "", "")
    status = _STATUS_LINE.match(head)
    if status is None:
        return None
    message = Parser().parsestr(rest)
    body = message.get_payload()
    headers = {name.lower(): str(value) for name, value in message.items()}
    return Response(
        status=int(status.group(1)),
        headers=headers,
        text=body if isinstance(body, str) else "",
        url=outer.url,
        correlation_id=outer.correlation_id,
        retry_after=parse_retry_after(headers.get("retry-after"), client.timing.now()),
    )


def _judged(answer: Response, service: str) -> UpdateAnswer:
    if answer.status in (200, 204):
        return UpdateAnswer(Fate.DONE)
    problem = answer.problem
    error = failure(answer, problem, service)
    verdict = retry.verdict(answer, problem)
    if verdict in (Verdict.REFUSED, Verdict.BUSY):
        return UpdateAnswer(Fate.REFUSED, error, answer.retry_after)
    if verdict is Verdict.UNCLEAR:
        return UpdateAnswer(Fate.UNCLEAR, error)
    if answer.status in (404, 412):
        return UpdateAnswer(Fate.MISMATCH, error)
    return UpdateAnswer(Fate.FAILED, error)
