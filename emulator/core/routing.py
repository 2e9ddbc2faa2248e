"""What a service of the tenant is: hosts, audiences and operations, each with its evidence."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from emulator.core import microsoft_names
from emulator.core.wire import SLASH, Call, Reply, ServiceError, UnknownNameError, plain_path


class NotModelledError(Exception):
    """A part of a call that the emulator does not play; the text says which. The route adds method and path."""


@dataclass(frozen=True)
class Route:
    """One modelled operation.

    `pattern`: literal text, matched case-blind, with `{name}` for a part without a slash and `{name:path}` for the
    rest; a trailing slash is optional. `evidence`: the source, or "assumed: ...".
    """

    method: str
    pattern: str
    handler: Callable[[Call], Reply]
    evidence: str
    summary: str
    regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "regex", _compile(self.pattern))

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parameters when `path` (see `decode_path`) is this route's, else None."""
        match = self.regex.fullmatch(path)
        if match is None:
            return None
        return {name: value.replace(SLASH, "/") for name, value in match.groupdict().items()}

    def answer(self, call: Call, parameters: Mapping[str, str]) -> Reply:
        """Answer a call that `match` gave these parameters of; the handler sees the path as people read it.

        Before a name is refused as unknown, Microsoft's names are asked: what it has is not modelled. A handler that
        knows what is not modelled, but not in which call, says so with `NotModelledError`.
        """
        path = plain_path(call.path)
        try:
            return self.handler(replace(call, path=path, parameters=parameters))
        except NotModelledError as error:
            raise not_modelled(call.method, path, str(error)) from None
        except UnknownNameError as error:
            if microsoft_names.known(error.name):
                raise not_modelled(call.method, path, str(error.name)) from None
            raise


@dataclass(frozen=True)
class Service:
    """One of the tenant's services: which hosts it answers on, what it serves and how it refuses.

    `name`: login, bap, powerplatform, dataverse, finops or dualwrite (the names of the journal).
    `audiences(host)`: accepted audiences; a trailing slash makes no difference. Empty: no token needed.
    `unauthorized(reason)`: this service's 401. `not_modelled(method, path)`: its 501.
    """

    name: str
    hosts: Callable[[str], bool]
    routes: Sequence[Route]
    audiences: Callable[[str], set[str]]
    unauthorized: Callable[[str], ServiceError]
    not_modelled: Callable[[str, str], ServiceError] | None = None


def not_modelled(method: str, path: str, what: str = "") -> ServiceError:
    """Return the answer to an operation that the emulator does not have, with method and path, or to `what` in it."""
    text = f"The emulator does not model {method} {path}{f': {what}' if what else ''}."
    return ServiceError(501, {"error": {"code": "NotModelled", "message": text}})


def _compile(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:path)?\}", pattern.rstrip("/"))
    text = re.escape(parts[0])
    for name, rest, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        text += f"(?P<{name}>{'.*' if rest else '[^/]+?'})" + re.escape(literal)
    return re.compile(text + "/?", re.IGNORECASE | re.DOTALL)


class Operations:
    """Handlers by method under one path pattern, as the parts of a batch reach them."""

    def __init__(self, pattern: str, handlers: Mapping[str, Callable[[Call], Reply]]) -> None:
        """`pattern`: see `Route`."""
        self._routes = {method: Route(method, pattern, handler, "", "") for method, handler in handlers.items()}

    def answer(self, call: Call) -> Reply:
        """Answer a call whose path is decoded; ServiceError 501 when no handler is for it."""
        route = self._routes.get(call.method)
        parameters = route.match(call.path) if route else None
        if route is None or parameters is None:
            raise not_modelled(call.method, plain_path(call.path))
        return route.answer(call, parameters)
