"""`$batch` of both planes: multipart/mixed, operations in order, change sets that commit as a whole.

Sources: dual-write-semantics.md 12.1, 12.2. Assumed: the status of a batch that stops at its first error is that
error's; with `odata.continue-on-error` it is 200.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from uuid import uuid4

from emulator.core.store import Store
from emulator.core.wire import Call, Reply, ServiceError, parse


@dataclass(frozen=True)
class Rules:
    """What differs between the planes.

    `root`: the service root's path, with a slash at its end. `answer(call)` plays one operation and raises its
    refusal. `refuse(text)`: this plane's 400. `created`: the header that says where a created row is.
    """

    root: str
    answer: Callable[[Call], Reply]
    refuse: Callable[[str], ServiceError]
    created: str
    largest: int


@dataclass(frozen=True)
class _Operation:
    call: Call
    content_id: str | None


@dataclass(frozen=True)
class _ChangeSet:
    operations: tuple[_Operation, ...]


class _Parts:
    """A multipart text under construction."""

    def __init__(self, kind: str) -> None:
        self.boundary = f"{kind}response_{uuid4()}"
        self._texts: list[bytes] = []

    def add(self, content: bytes) -> None:
        self._texts.append(content)

    def whole(self) -> bytes:
        marker = f"--{self.boundary}".encode()
        return b"".join(marker + b"\r\n" + text + b"\r\n" for text in self._texts) + marker + b"--\r\n"

    @property
    def content_type(self) -> str:
        return f"multipart/mixed; boundary={self.boundary}"


def run(store: Store, call: Call, rules: Rules) -> Reply:
    """Answer a POST to `$batch`."""
    items = _Reader(call, rules).items()
    count = sum(len(item.operations) if isinstance(item, _ChangeSet) else 1 for item in items)
    if count > rules.largest:
        msg = f"The number of requests in a batch exceeds the limit of {rules.largest}."
        # Documented: dual-write-semantics.md 12.2 (Dataverse: 1,000), 10 (F&O: 5,000)
        raise rules.refuse(msg)
    goes_on = "odata.continue-on-error" in call.headers.get("prefer", "")
    parts, status = _Parts("batch"), 200
    for item in items:
        failed = _answer(store, item, rules, parts)
        if failed and not goes_on:
            status = failed
            break
    return Reply(status, body=parts.whole(), headers={"Content-Type": parts.content_type, "OData-Version": "4.0"})


def _answer(store: Store, item: "_Operation | _ChangeSet", rules: Rules, parts: _Parts) -> int:
    """Return the status of what failed, 0 for nothing."""
    if isinstance(item, _ChangeSet):
        return _change_set(store, item, rules, parts)
    return _single(store, item, rules, parts)


def _single(store: Store, item: _Operation, rules: Rules, parts: _Parts) -> int:
    try:
        with store.transaction():
            reply = rules.answer(item.call)
    except ServiceError as error:
        reply = Reply.of_error(error)
    parts.add(_http(reply, None))
    return reply.status if reply.status >= 400 else 0


def _change_set(store: Store, item: _ChangeSet, rules: Rules, parts: _Parts) -> int:
    inner = _Parts("changeset")
    known: dict[str, str] = {}
    try:
        with store.transaction():
            for operation in item.operations:
                inner.add(_http(_referring(operation, rules, known), operation.content_id))
    except ServiceError as error:
        parts.add(_http(Reply.of_error(error), None))
        return error.status
    parts.add(f"Content-Type: {inner.content_type}\r\n\r\n".encode() + inner.whole())
    return 0


def _referring(operation: _Operation, rules: Rules, known: dict[str, str]) -> Reply:
    """Play an operation whose address or body may say `$1` for the row that Content-ID 1 created."""
    call = operation.call
    for content_id, address in known.items():
        call = _substituted(call, content_id, address)
    reply = rules.answer(call)
    created = reply.headers.get(rules.created)
    if operation.content_id and created:
        known[operation.content_id] = created
    return reply


def _substituted(call: Call, content_id: str, address: str) -> Call:
    pattern = rf"\${re.escape(content_id)}(?!\w)"
    path = re.sub(rf"^.*/{pattern}", lambda _: _path_of(address), call.path)
    body = re.sub(pattern.encode(), lambda _: address.encode(), call.body)
    return replace(call, path=path, body=body)


def _path_of(address: str) -> str:
    return re.sub(r"^https?://[^/]+", "", address)


def _http(reply: Reply, content_id: str | None) -> bytes:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        head.append(f"Content-ID: {content_id}")
    headers = dict(reply.headers)
    media_type = reply.content_type()
    if media_type:
        headers["Content-Type"] = media_type
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", *lines, "", ""]).encode() + reply.content()


class _Reader:
    """Takes the request apart."""

    def __init__(self, call: Call, rules: Rules) -> None:
        self._call = call
        self._rules = rules

    def items(self) -> list[_Operation | _ChangeSet]:
        """Return single operations and change sets in their order."""
        items: list[_Operation | _ChangeSet] = []
        for headers, content in self._split(self._call.body, self._call.headers.get("content-type", "")):
            kind = headers.get("content-type", "")
            if not kind.startswith("multipart/mixed"):
                items.append(self._operation(headers, content))
                continue
            items.append(self._change_set(content, kind))
        return items

    def _change_set(self, content: bytes, content_type: str) -> _ChangeSet:
        operations = [self._operation(one, text) for one, text in self._split(content, content_type)]
        if any(operation.call.method == "GET" for operation in operations):
            msg = "A change set cannot contain GET requests."
            # Documented: dual-write-semantics.md 12.2; OData 4.0 Part 1, Change Sets
            raise self._rules.refuse(msg)
        return _ChangeSet(tuple(operations))

    def _split(self, body: bytes, content_type: str) -> list[tuple[dict[str, str], bytes]]:
        match = re.search(r'boundary="?([^";,]+)"?', content_type)
        if not content_type.startswith("multipart/mixed") or match is None:
            msg = "The content type of a batch must be multipart/mixed with a boundary."
            # Documented: OData 4.0 Part 1, Batch Request Headers
            raise self._rules.refuse(msg)
        chunks = re.split(rb"(?:^|\r?\n)--" + re.escape(match.group(1).encode()), body)
        if len(chunks) < 2 or not chunks[-1].startswith(b"--"):
            msg = "The batch is malformed: its closing boundary is missing."
            # Documented: OData 4.0 Part 1, Batch Request Body
            raise self._rules.refuse(msg)
        return [_headed(chunk.lstrip(b"\r\n")) for chunk in chunks[1:-1]]

    def _operation(self, part: dict[str, str], content: bytes) -> _Operation:
        line, _, rest = content.partition(b"\n")
        method, address = self._request_line(line.decode("utf-8", "replace").strip())
        headers, body = _headed(rest)
        path, _, query = _path_of(address).partition("?")
        if not path.lower().startswith(self._rules.root.lower()):
            path = self._rules.root + path.lstrip("/")
        outer = self._call
        inner = parse(method, outer.host, path, query, headers, body.strip(b"\n"), outer)
        return _Operation(inner, part.get("content-id") or headers.get("content-id"))

    def _request_line(self, line: str) -> tuple[str, str]:
        """Method and address: all between the first space and the last, since clients do not always encode spaces."""
        method, _, rest = line.partition(" ")
        address, space, version = rest.rpartition(" ")
        if not version.startswith("HTTP/"):
            address, space = rest, " "
        if not (method and space and address):
            msg = "A part of the batch has no request line."
            # Documented: OData 4.0 Part 1, Batch Request Body
            raise self._rules.refuse(msg)
        return method, address.strip()


def _headed(text: bytes) -> tuple[dict[str, str], bytes]:
    head, _, content = text.replace(b"\r\n", b"\n").partition(b"\n\n")
    headers = {}
    for line in head.decode().split("\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers, content
