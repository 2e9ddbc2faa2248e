"""`$batch`: multipart/mixed, up to 1,000 operations, change sets that commit as a whole (dual-write-semantics.md 12.2).

Assumed: the status of a batch that stops at its first error is that error's; with `odata.continue-on-error` it is 200.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from emulator.dataverse.access import READ_COST, WRITE_COST, spend
from emulator.dataverse.errors import refuse
from emulator.dispatch import parse
from emulator.http import Call, Reply, ServiceError, plain_path

if TYPE_CHECKING:
    from emulator.tenant import Tenant

LARGEST = 1000
Answer = Callable[["Tenant", Call], Reply]


@dataclass(frozen=True)
class _Operation:
    call: Call
    content_id: str | None


@dataclass(frozen=True)
class _ChangeSet:
    operations: tuple[_Operation, ...]


class _Parts:
    """The answer under construction."""

    def __init__(self) -> None:
        self.boundary = f"batchresponse_{uuid4()}"
        self.texts: list[bytes] = []

    def add(self, content: bytes) -> None:
        self.texts.append(content)

    def whole(self) -> bytes:
        marker = f"--{self.boundary}".encode()
        return b"".join(marker + b"\r\n" + text + b"\r\n" for text in self.texts) + marker + b"--\r\n"


def run(tenant: "Tenant", call: Call, answer: Answer) -> Reply:
    """Answer a POST to `$batch`; `answer(tenant, call)` plays one operation and raises its refusal."""
    items = _parse(call)
    count = sum(len(item.operations) if isinstance(item, _ChangeSet) else 1 for item in items)
    if count > LARGEST:
        text = f"The number of requests in a batch exceeds the limit of {LARGEST}."
        raise refuse(400, "0x80060888", text)
    goes_on = "odata.continue-on-error" in call.headers.get("prefer", "")
    parts, status = _Parts(), 200
    for item in items:
        failed = (
            _change_set(tenant, item, answer, parts)
            if isinstance(item, _ChangeSet)
            else _single(tenant, item, answer, parts)
        )
        _account(tenant, call, item)
        if failed and not goes_on:
            status = failed
            break
    headers = {"Content-Type": f"multipart/mixed; boundary={parts.boundary}", "OData-Version": "4.0"}
    return Reply(status, body=parts.whole(), headers=headers)


def _account(tenant: "Tenant", call: Call, item: _Operation | _ChangeSet) -> None:
    operations = item.operations if isinstance(item, _ChangeSet) else (item,)
    spend(tenant, call, sum(READ_COST if one.call.method == "GET" else WRITE_COST for one in operations))


def _single(tenant: "Tenant", item: _Operation, answer: Answer, parts: _Parts) -> int:
    try:
        with tenant.store.transaction():
            reply = answer(tenant, item.call)
    except ServiceError as error:
        reply = Reply.of_error(error)
    parts.add(_http(reply, None))
    return reply.status if reply.status >= 400 else 0


def _change_set(tenant: "Tenant", item: _ChangeSet, answer: Answer, parts: _Parts) -> int:
    boundary = f"changesetresponse_{uuid4()}"
    replies: list[bytes] = []
    known: dict[str, str] = {}
    try:
        with tenant.store.transaction():
            replies.extend(
                _http(_referring(tenant, operation, answer, known), operation.content_id)
                for operation in item.operations
            )
    except ServiceError as error:
        parts.add(_http(Reply.of_error(error), None))
        return error.status
    marker = f"--{boundary}".encode()
    body = b"".join(marker + b"\r\n" + reply + b"\r\n" for reply in replies) + marker + b"--"
    parts.add(f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode() + body)
    return 0


def _referring(tenant: "Tenant", operation: _Operation, answer: Answer, known: dict[str, str]) -> Reply:
    """Play an operation whose address or body may say `$1` for the row that Content-ID 1 created."""
    call = operation.call
    for content_id, address in known.items():
        pattern = rf"\${re.escape(content_id)}(?!\w)"
        body = re.sub(pattern.encode(), address.encode(), call.body)
        call = replace(
            call, path=re.sub(rf"^.*/{pattern}", address.partition(call.host)[2] or address, call.path), body=body
        )
    reply = answer(tenant, call)
    created = reply.headers.get("OData-EntityId")
    if operation.content_id and created:
        known[operation.content_id] = created
    return reply


def _http(reply: Reply, content_id: str | None) -> bytes:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        head.append(f"Content-ID: {content_id}")
    headers = dict(reply.headers)
    media_type = reply.content_type()
    if media_type:
        headers["Content-Type"] = media_type
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", *lines, "", ""]).encode() + reply.content()


_REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    412: "Precondition Failed",
    429: "Too Many Requests",
}


def _parse(call: Call) -> list[_Operation | _ChangeSet]:
    items: list[_Operation | _ChangeSet] = []
    for headers, content in _split(call.body, _boundary(call.headers.get("content-type", ""))):
        kind = headers.get("content-type", "")
        if kind.startswith("multipart/mixed"):
            inner = [_operation(call, one, text) for one, text in _split(content, _boundary(kind))]
            if any(operation.call.method == "GET" for operation in inner):
                msg = "A change set cannot contain GET requests."
                raise refuse(400, "0x80060888", msg)
            items.append(_ChangeSet(tuple(inner)))
        else:
            items.append(_operation(call, headers, content))
    return items


def _boundary(content_type: str) -> bytes:
    found = re.search(r'boundary="?([^";,]+)"?', content_type)
    if not content_type.startswith("multipart/mixed") or found is None:
        msg = "The content type of a batch must be multipart/mixed with a boundary."
        raise refuse(400, "0x80060888", msg)
    return found.group(1).encode()


def _split(body: bytes, boundary: bytes) -> list[tuple[dict[str, str], bytes]]:
    """Return headers and content of every part."""
    marker = b"--" + boundary
    chunks = re.split(rb"(?:^|\r?\n)" + re.escape(marker), body)
    if len(chunks) < 2 or not chunks[-1].startswith(b"--"):
        msg = "The batch is malformed: its closing boundary is missing."
        raise refuse(400, "0x80060888", msg)
    return [_headed(chunk.lstrip(b"\r\n")) for chunk in chunks[1:-1]]


def _headed(text: bytes) -> tuple[dict[str, str], bytes]:
    head, _, content = text.replace(b"\r\n", b"\n").partition(b"\n\n")
    headers = {}
    for line in head.decode().split("\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers, content


def _operation(call: Call, part: dict[str, str], content: bytes) -> _Operation:
    line, _, rest = content.partition(b"\n")
    words = line.decode().strip().split(" ")
    if len(words) < 2:
        msg = "A part of the batch has no request line."
        raise refuse(400, "0x80060888", msg)
    headers, body = _headed(rest)
    address = re.sub(r"^https?://[^/]+", "", words[1])
    path, _, query = address.partition("?")
    if not path.startswith("/api/data/"):
        path = f"/api/data/v{call.parameters['version']}/{path.lstrip('/')}"
    inner = parse(words[0], call.host, path, query, headers, body.strip(b"\n"))
    inner = replace(inner, caller=call.caller, correlation_id=call.correlation_id, path=inner.path)
    return _Operation(inner, part.get("content-id") or headers.get("content-id"))


def decoded(call: Call) -> Call:
    """Return the call with its path as people read it."""
    return replace(call, path=plain_path(call.path))
