"""The base of all providers: Pulumi's dynamic protocol, and what resource modules import.

A resource module declares an `Inputs` model, an `Outputs` model, a `Provider` with
`on_create`, `on_read`, `on_update` and `on_delete`, and a `ManagedResource`. What those mean is
in `kind`; here the engine's calls become theirs. Providers are stateless and stored in state by
reference, so module paths and class names are a format.
"""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from pulumi.dynamic import CheckResult, ConfigureRequest, CreateResult, DiffResult, ReadResult, UpdateResult

from providers.api.identity.dual_write_sources import HOW_TO_GET_ONE, dual_write_token_configured
from providers.api.transport.errors import AuthenticationError, TokenMissing
from providers.api.transport.operations import PASSING
from providers.protocol import checking, process, tenant
from providers.protocol.bags import Bag, hidden, private, unknown_fields, visible
from providers.protocol.boundary import guarded
from providers.protocol.call import Call, DualWriteError, NotRead, ResourceError
from providers.protocol.diff import Difference
from providers.protocol.findings import NOT_READ
from providers.protocol.kind import In, Out, Stored
from providers.protocol.managed_resource import Declarable, ManagedResource
from providers.protocol.memory import Memory
from providers.protocol.models import CloudArguments, CloudInputs, CloudOutputs, Inputs, Outputs, PrivateInputs
from providers.protocol.problems import Problem
from providers.protocol.reading import live_inputs, outputs_bag, stored_bag
from providers.protocol.row import ROW, Row

__all__ = [
    "Call",
    "CloudArguments",
    "CloudInputs",
    "CloudOutputs",
    "DualWriteError",
    "Inputs",
    "ManagedResource",
    "NotRead",
    "Outputs",
    "PrivateInputs",
    "Problem",
    "Provider",
    "ResourceError",
    "Stored",
]
PROVIDER = "__provider"
# Whose error a refused credential is, and the refusals that this process has told.
SIGN_IN = "identity"
refused: Memory[AuthenticationError] = Memory()

T = TypeVar("T")


class Provider(Declarable[In, Out]):
    """One kind of resource as the engine runs it."""

    serialize_as_secret_always = False
    delete_before_replace: ClassVar[bool] = False

    def __reduce__(self) -> tuple[type["Provider[In, Out]"], tuple[()]]:
        return type(self), ()

    def configure(self, req: ConfigureRequest) -> None:
        """Runs under the SDK's global lock: no network here."""
        process.prepare()

    def check(self, _olds: Bag, news: Bag) -> CheckResult:
        """Validate everything, collect all problems, return the canonical inputs."""
        return self._guarded("check", news, lambda call: checking.checked(self, _olds, news, call))

    def diff(self, _id: str, _olds: Bag, _news: Bag) -> DiffResult:
        """Compare what the service holds with the checked inputs."""
        return self._guarded("diff", _news, lambda _call: self._diff(_id, _olds, _news))

    def _diff(self, identifier: str, olds: Bag, news: Bag) -> DiffResult:
        conflict = tenant.known_conflict(news.get("tenant"), olds.get("tenant_id")) if self._in_cloud else None
        if conflict:
            raise ResourceError(conflict, next_step="One stack belongs to one tenant: use a stack of its own.")
        unknown = unknown_fields(visible(news))
        known = visible({name: value for name, value in news.items() if name not in unknown})
        changed = self.difference(visible(olds), known, identifier=identifier, unknown=unknown)
        _refuse_untold(changed)
        if changed:
            # None, not True: only then does the engine show which properties differ (R18).
            return DiffResult(None, changed.replaces, None, self.delete_before_replace)
        moved = olds.get(PROVIDER) != news.get(PROVIDER)
        return DiffResult(changes=moved or self.is_unfinished(olds))

    def create(self, props: Bag) -> CreateResult:
        """Find or create the object of the checked inputs."""

        def work(call: Call) -> CreateResult:
            _require_dual_write_token()
            verified = self._verified_tenant(props, "", call)
            identifier, outputs = self.on_create(self.inputs_of(props), call)
            return CreateResult(identifier, outputs_bag(self, props, _in_tenant(outputs, verified)))

        return self._guarded("create", props, work)

    def read(self, id_: str, props: Bag) -> ReadResult:
        """Outputs and inputs as the service holds them; the empty id when the object is gone."""

        def work(call: Call) -> ReadResult:
            try:
                live = self._read(id_, props, call)
            except (NotRead, *PASSING) as reason:
                call.warn(f"not read: {reason}", NOT_READ)
                return self._as_stored(id_, props)
            except AuthenticationError as error:
                # The credential is one for all: its refusal ends the refresh, and one resource tells it.
                if error.service != SIGN_IN or refused.add(error.code or error.reason, error):
                    raise
                return self._as_stored(id_, props)
            if live is None:
                return ReadResult("", {})
            outs = outputs_bag(self, props, live)
            return ReadResult(id_, outs, live_inputs(self, props, outs))

        return self._guarded("read", props, work)

    def _as_stored(self, identifier: str, props: Bag) -> ReadResult:
        """What is stored of an object that cannot be read."""
        stored = stored_bag(self, props)
        return ReadResult(identifier, stored, live_inputs(self, props, stored))

    def update(self, _id: str, _olds: Bag, _news: Bag) -> UpdateResult:
        """Bring the object to the checked inputs; returns the full outputs."""

        def work(call: Call) -> UpdateResult:
            _require_dual_write_token()
            outputs = self._updated(_id, _olds, _news, call)
            return UpdateResult(outputs_bag(self, _news, outputs))

        return self._guarded("update", _news, work)

    def _updated(self, identifier: str, olds: Bag, news: Bag, call: Call) -> Out:
        stored, inputs = self.outputs_of(olds), self.inputs_of(news)
        changed = self.difference(visible(olds), visible(news), identifier=identifier)
        if not changed.only_recorded or self.is_unfinished(olds):
            verified = self._verified_tenant(news, _tenant_of(stored), call)
            return _in_tenant(self.on_update(identifier, stored, inputs, call), verified)
        recorded = [name for name in changed.fields if name in self.outputs.model_fields]
        return stored.model_copy(update={name: getattr(inputs, name) for name in recorded})

    def delete(self, _id: str, _props: Bag) -> None:
        """Remove what this stack made."""

        def work(call: Call) -> None:
            stored = self.outputs_of(_props)
            self.require_deletable(_id, stored, call)
            self._verified_tenant(_props, _tenant_of(stored), call)
            self.on_delete(_id, stored, call)

        self._guarded("delete", _props, work)

    def _read(self, identifier: str, props: Bag, call: Call) -> Out | None:
        stored = self.outputs_of(props)
        verified = self._verified_tenant(props, _tenant_of(stored), call)
        live = self.on_read(identifier, stored, call)
        if not isinstance(stored, CloudOutputs):
            return live
        if live is not None:
            tenant.prove(stored.cloud, verified)
            return _in_tenant(live, verified)
        if not stored.tenant_id:
            tenant.require_proof(stored.cloud, verified, call)
        return None

    @property
    def _in_cloud(self) -> bool:
        return issubclass(self.inputs, CloudInputs)

    def _verified_tenant(self, values: Bag, stored: str, call: Call) -> str:
        """The tenant of the tokens, empty where they do not tell; raises when it is not that of the stack."""
        if not self._in_cloud:
            return ""
        uses_dual_write = "gateway" in self.inputs.model_fields
        session = call.session(str(values["cloud"]), gateway=values.get("gateway"))
        return tenant.verified(session, values.get("tenant"), stored, dual_write=uses_dual_write)

    def _guarded(self, operation: str, props: Bag, work: Callable[[Call], T]) -> T:
        row = Row.from_bag(hidden(props, ROW))
        kept = checking.passed.take(row.urn) if operation in ("create", "update") else None
        call = Call(row=row, title=self.title(props, row.urn), private={**(kept or {}), **private(props)})
        return guarded(operation, call, work, self.explained)


def _refuse_untold(changed: Difference) -> None:
    for change in changed.untold:
        raise ResourceError(
            f"the state does not tell whether `{change.field}` {change.wanted!r} is the same as {change.stored!r}",
            next_step="Run a refresh first, which stores every name of it (`make refresh`), then run again.",
        )


def _tenant_of(stored: Outputs) -> str:
    return stored.tenant_id if isinstance(stored, CloudOutputs) else ""


def _in_tenant(outputs: Out, verified: str) -> Out:
    if not verified or not isinstance(outputs, CloudOutputs):
        return outputs
    return outputs.model_copy(update={"tenant_id": verified})


def _require_dual_write_token() -> None:
    """Without the token of its last steps an `up` ends before its first write, not halfway."""
    if not dual_write_token_configured():
        raise TokenMissing(
            "no delegated token for the dual-write service is configured, which later steps of this stack need",
            next_step=HOW_TO_GET_ONE,
        )
