"""The base of all providers: the only code that knows Pulumi's dynamic protocol.

A resource module declares an `Inputs` and an `Outputs` model, a `Provider` with `on_create`, `on_read`, `on_update` and
`on_delete`, and a `ManagedResource`. Here: bags to models and back, unknown values, the normalising `check`, the pure
diff, and the boundary that turns every error into one line. Providers are stateless and stored by reference, so module
paths and class names are a format.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, ClassVar, Generic, TypeVar, cast

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pydantic import ValidationError

from providers.api.identity.dual_write_tokens import HOW_TO_GET_ONE, dual_write_token_configured
from providers.api.transport.errors import ApiError, TokenMissing
from providers.api.transport.operations import reporting
from providers.protocol import process
from providers.protocol.bags import Bag, hidden, private, unknown_fields, visible
from providers.protocol.call import Call, DualWriteError, Inputs, NotRead, Outputs, ResourceError
from providers.protocol.diff import difference
from providers.protocol.findings import NOT_READ, UNREADABLE
from providers.protocol.problems import Problem, against, fixed_changes, validated
from providers.protocol.row import ROW, Row, row_input

__all__ = [
    "Call",
    "DualWriteError",
    "Inputs",
    "ManagedResource",
    "NotRead",
    "Outputs",
    "Problem",
    "Provider",
    "ResourceError",
]
PROVIDER = "__provider"
# Tells `check` that the plan was shown already: the preview of the same `up` asked the services the same.
_UPDATING = "__updating"
# Private inputs by URN, from `check` to the operation that follows in this process. Stored ones would show in previews.
_private: dict[str, Bag] = {}


In = TypeVar("In", bound=Inputs)
Out = TypeVar("Out", bound=Outputs)


class Provider(ResourceProvider, Generic[In, Out]):
    """One kind of resource. Subclasses hold no state: an instance is pickled by reference into every resource."""

    serialize_as_secret_always = False
    resource: ClassVar[str]
    inputs: ClassVar[type[Inputs]]
    outputs: ClassVar[type[Outputs]]
    delete_before_replace: ClassVar[bool] = False

    def __reduce__(self) -> tuple[type["Provider[In, Out]"], tuple[()]]:
        return type(self), ()

    # What a resource module overrides.

    def name_of(self, values: In | Out) -> str:
        """The natural name of the object, for messages."""
        raise NotImplementedError

    def normalise(self, inputs: In) -> In:
        """Inputs in canonical form; pure and idempotent. It decides how the preview reads."""
        return inputs

    def problems(self, inputs: In, old: In | None) -> Iterable[Problem]:
        """What is wrong with the inputs taken together; offline."""
        return ()

    def resolved(self, inputs: In, old: In | None, call: Call) -> In:
        """Inputs of which a live reading decides a value once; from then on `old` has it (an exception to R15)."""
        return inputs

    def live_problems(self, inputs: In, call: Call) -> Iterable[Problem]:
        """What the service says against creating this; asked only before a creation or replacement."""
        return ()

    def live_change_problems(self, inputs: In, old: In, call: Call) -> Iterable[Problem]:
        """What the service says against this change; asked only when the inputs differ from the last ones."""
        return ()

    def same(self, name: str, held: Any, wanted: Any) -> bool | None:
        """Decide one field by its meaning; None leaves it to the canonical comparison. Pure."""
        return None

    def also_means(self, name: str, held: Any, wanted: Any, identifier: str, stored: Bag) -> bool:
        """Whether an input that is written in another way still means what the stored object has. Pure."""
        return False

    def managed(self, held: Out) -> Collection[str]:
        """Names of the inputs that this object has; an output named like another input is only reported. Pure."""
        return self.inputs.model_fields

    def unfinished(self, stored: Out) -> bool:
        """True when the object needs an update although no input shows it (a failed install, say). Pure."""
        return False

    def on_create(self, inputs: In, call: Call) -> tuple[str, Out]:
        """Find or create; safe to repeat. Returns the stable id and what the service holds."""
        raise NotImplementedError

    def on_read(self, identifier: str, stored: Out, call: Call) -> Out | None:
        """What the service holds now; None only when it is definitely gone."""
        raise NotImplementedError

    def on_update(self, identifier: str, stored: Out, inputs: In, call: Call) -> Out:
        """Bring the object to the inputs, writing only what differs."""
        raise NotImplementedError

    def on_delete(self, identifier: str, stored: Out, call: Call) -> None:
        """Remove what this stack made; an object that is not there is a success."""
        raise NotImplementedError

    def explained(self, error: ApiError) -> ApiError:
        """The error as users read it: with its documented code and next step, where there is one."""
        return error

    # The dynamic protocol.

    def configure(self, req: ConfigureRequest) -> None:
        """Runs under the SDK's global lock: no network here."""
        process.prepare()

    def check(self, _olds: Bag, news: Bag) -> CheckResult:
        """Validate everything, collect all problems, return the canonical inputs."""
        return cast(CheckResult, self._guarded("check", news, lambda call: self._check(_olds, news, call)))

    def diff(self, _id: str, _olds: Bag, _news: Bag) -> DiffResult:
        """Compare what the service holds with the checked inputs."""
        return cast(DiffResult, self._guarded("diff", _news, lambda _call: self._diff(_id, _olds, _news)))

    def _diff(self, identifier: str, _olds: Bag, _news: Bag) -> DiffResult:
        stored, unknown = visible(_olds), unknown_fields(visible(_news))

        def same(name: str, held: Any, wanted: Any) -> bool | None:
            verdict = self.same(name, held, wanted)
            return verdict or self.also_means(name, held, wanted, identifier, stored) or verdict

        found = difference(
            self.inputs,
            stored,
            visible({name: value for name, value in _news.items() if name not in unknown}),
            unknown=unknown,
            same=same,
        )
        if found:
            # None, not True: only then does the engine show which properties differ (R18).
            return DiffResult(None, found.replaces, None, self.delete_before_replace)
        moved = _olds.get(PROVIDER) != _news.get(PROVIDER)
        return DiffResult(changes=moved or self._unfinished(_olds))

    def create(self, props: Bag) -> CreateResult:
        """Find or create the object of the checked inputs."""

        def work(call: Call) -> CreateResult:
            _require_dual_write_token()
            identifier, outputs = self.on_create(self._inputs(props), call)
            return CreateResult(identifier, self._outs(props, outputs))

        return cast(CreateResult, self._guarded("create", props, work))

    def read(self, id_: str, props: Bag) -> ReadResult:
        """Outputs and inputs as the service holds them; the empty id when the object is gone."""

        def work(call: Call) -> ReadResult:
            try:
                held = self.on_read(id_, self._stored(props), call)
            except NotRead as reason:
                call.warn(f"not read: {reason}", NOT_READ)
                stored = {**visible(props), **_row_of(props)}
                return ReadResult(id_, stored, self._held_inputs(props, stored))
            if held is None:
                return ReadResult("", {})
            outs = self._outs(props, held)
            return ReadResult(id_, outs, self._held_inputs(props, outs))

        return cast(ReadResult, self._guarded("read", props, work))

    def update(self, _id: str, _olds: Bag, _news: Bag) -> UpdateResult:
        """Bring the object to the checked inputs; returns the full outputs."""

        def work(call: Call) -> UpdateResult:
            _require_dual_write_token()
            outputs = self.on_update(_id, self._stored(_olds), self._inputs(_news), call)
            return UpdateResult(self._outs(_news, outputs))

        return cast(UpdateResult, self._guarded("update", _news, work))

    def delete(self, _id: str, _props: Bag) -> None:
        """Remove what this stack made."""
        self._guarded("delete", _props, lambda call: self.on_delete(_id, self._stored(_props), call))

    # How the two meet.

    def _check(self, olds: Bag, news: Bag, call: Call) -> CheckResult:
        wanted, old = visible(news), visible(olds)
        unknown = unknown_fields(wanted)
        known = {name: value for name, value in wanted.items() if name not in unknown}
        result, problems = validated(self.inputs, self.resource, known, unknown)
        inputs = None if problems or unknown else self.normalise(cast(In, self.inputs.model_validate(result)))
        if inputs is not None:
            inputs = self.resolved(inputs, self._old_inputs(old), call)
            result = self._shown(inputs)
            problems += self.problems(inputs, self._old_inputs(old))
        problems += fixed_changes(self.inputs, old, result)
        if inputs is not None and not problems:
            problems += map(against, self._live(inputs, old, call))
        _private[call.row.urn] = private(news)
        checked = {**result, **{name: news[name] for name in unknown}, **_row_of(news)}
        failures = [CheckFailure(problem.path, str(problem)) for problem in problems]
        return CheckResult(checked if not failures else {**news}, failures)

    def _live(self, inputs: In, old: Bag, call: Call) -> Iterable[Problem]:
        """Live checks: before a creation, or a change of inputs that are still readable; else no call is made."""
        call = call.only_warning() if call.private.get("updating") else call
        if not old:
            return self.live_problems(inputs, call)
        before = self._old_inputs(old)
        if before is None or not difference(self.inputs, old, self._shown(inputs), same=self.same):
            return ()
        return self.live_change_problems(inputs, before, call)

    def _shown(self, inputs: In) -> Bag:
        """The canonical inputs; an optional list or mapping that is empty says nothing and is left out of previews."""
        bag = inputs.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in bag.items() if value not in ([], {}) or self._is_required(name)}

    def _is_required(self, name: str) -> bool:
        return self.inputs.model_fields[name].is_required()

    def _inputs(self, props: Bag) -> In:
        return cast(In, self.inputs.model_validate(visible(props)))

    def _old_inputs(self, old: Bag) -> In | None:
        try:
            return cast(In, self.inputs.model_validate(old)) if old else None
        except ValidationError:
            # Inputs of an older version of this code: nothing to compare with, and no reason to stop.
            return None

    def _stored(self, props: Bag) -> Out:
        return cast(Out, self.outputs.model_validate(visible(props)))

    def _outs(self, props: Bag, outputs: Out) -> Bag:
        """Every managed input under its own name, overlaid with what the service holds (R22)."""
        echoed = {name: value for name, value in visible(props).items() if name in self.inputs.model_fields}
        row = hidden(props, ROW)
        return {**echoed, **outputs.model_dump(mode="json", exclude_none=True), **({ROW: row} if row else {})}

    def _held_inputs(self, props: Bag, outs: Bag) -> Bag:
        """Inputs as the service holds them, in the user's own form wherever that means the same (R34)."""
        stored = visible(props)
        drifted = difference(self.inputs, outs, stored, same=self.same).fields
        names = self.managed(self._stored(outs))
        managed = {
            name: outs[name] if name in drifted else stored.get(name, outs[name])
            for name in outs
            if name in names and (outs[name] not in ([], {}) or self._is_required(name))
        }
        return {**managed, **({ROW: outs[ROW]} if ROW in outs else {})}

    def _unfinished(self, olds: Bag) -> bool:
        try:
            return self.unfinished(self._stored(olds))
        except ValidationError:
            # Outputs of an older version of this code: an update writes them anew.
            return True

    def _title(self, props: Bag) -> str:
        for model in (self.inputs, self.outputs):
            bag = {name: value for name, value in visible(props).items() if name in model.model_fields}
            try:
                return f"{self.resource} '{self.name_of(cast(In, model.model_validate(bag)))}'"
            except (ValidationError, AttributeError):
                continue
        urn = Row.from_bag(hidden(props, ROW)).urn
        return f"{self.resource} '{urn.rpartition('::')[2]}'"

    def _guarded(self, operation: str, props: Bag, work: Callable[[Call], Any]) -> Any:
        """Run one operation; whatever goes wrong leaves here as one line."""
        row = Row.from_bag(hidden(props, ROW))
        call = Call(row=row, title=self._title(props), private={**_private.get(row.urn, {}), **private(props)})
        try:
            with reporting(call.progress):
                return work(call)
        except ApiError as error:
            code = f"{UNREADABLE.code} " if operation in ("check", "read") else ""
            message = f"{code}{call.title}: {operation} failed: {self.explained(error)}"
        except Exception as error:  # noqa: BLE001 - the boundary: nothing may leave here as a traceback
            kept = process.keep_traceback(f"{call.title}: {operation}")
            where = f"The traceback is in {kept}; please" if kept else "Its traceback could not be written; please"
            message = (
                f"{call.title}: {operation} failed: unexpected {type(error).__name__} in dual-write as code. "
                f"{where} report it."
            )
        raise DualWriteError(message) from None


class ManagedResource(Resource):
    """A resource as programs declare it: fills the hidden row, declares every output (R47)."""

    def __init__(
        self,
        provider: Provider[Any, Any],
        name: str,
        arguments: dict[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        given = {key: value for key, value in arguments.items() if value is not None}
        computed = {key: None for key in provider.outputs.model_fields if key not in given}
        row = row_input(f"pulumi-python:{self._resource_type_name}", name, opts)
        phase = {} if pulumi.runtime.is_dry_run() else {_UPDATING: True}
        super().__init__(provider, name, {**computed, **given, ROW: row, **phase}, opts)


def _require_dual_write_token() -> None:
    """Without the token of its last steps an `up` ends before its first write, not halfway."""
    if not dual_write_token_configured():
        raise TokenMissing(
            "no delegated token for the dual-write service is configured, which later steps of this stack need",
            next_step=HOW_TO_GET_ONE,
        )


def _row_of(bag: Bag) -> Bag:
    return {ROW: bag[ROW]} if ROW in bag else {}
