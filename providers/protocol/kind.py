"""What one kind of resource says of itself: its models, its rules, and what it does to the services.

The engine's protocol around it is in `base`. Everything that compares inputs with what is stored (`check`, `diff`,
live checks, `read`) asks `difference` here, so that two words for one object are the same everywhere.
"""

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast

from pydantic import ValidationError

from providers.api.transport.errors import ApiError
from providers.protocol.bags import Bag, as_set, visible
from providers.protocol.call import Call
from providers.protocol.diff import Difference, Meaning, difference, meaning_of
from providers.protocol.marks import Unordered, belonging_to, mark
from providers.protocol.models import Inputs, Outputs, PrivateInputs
from providers.protocol.problems import Problem

In = TypeVar("In", bound=Inputs)
Out = TypeVar("Out", bound=Outputs)


class Stored(NamedTuple):
    """A resource as the state knows it: its id (empty where only its inputs are known) and its outputs."""

    identifier: str
    outputs: Bag


class ResourceKind(Generic[In, Out]):
    """One kind of resource. Subclasses hold no state: an instance is pickled by reference into every resource."""

    resource: ClassVar[str]
    inputs: ClassVar[type[Inputs]]
    outputs: ClassVar[type[Outputs]]
    private_inputs: ClassVar[type[PrivateInputs]] = PrivateInputs

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

    def explained(self, error: ApiError) -> ApiError:
        """The error as users read it: with its documented code and next step, where there is one."""
        return error

    def live_problems(self, inputs: In, call: Call) -> Iterable[Problem]:
        """What the service says against creating this; asked only before a creation or replacement."""
        return ()

    def live_change_problems(self, inputs: In, old: In, call: Call) -> Iterable[Problem]:
        """What the service says against this change; asked only when the inputs differ from the last ones."""
        return ()

    def meaning(self, name: str, was: Any, wanted: Any, stored: Stored) -> Meaning:
        """What another value of one input means to the service: by the marks of the field. Pure."""
        return meaning_of(self.inputs.model_fields[name], was, wanted)

    def noted(self, inputs: In, old: In | None, call: Call) -> None:
        """What `check` says of right inputs in every preview, and notes for the deletions of the same run; offline."""

    def require_deletable(self, identifier: str, stored: Out, call: Call) -> None:
        """Raise what forbids a deletion, before anything of it is done."""

    def managed(self, live: Out) -> Collection[str]:
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

    def inputs_for(self, instance: str, *, required: bool = False) -> list[str]:
        """Names of the inputs that only this kind of instance has; or only those that it cannot be without."""
        return belonging_to(self.inputs, instance, required=required)

    # From property bags to the models, and the one comparison.

    def difference(
        self, stored: Bag, wanted: Bag, *, identifier: str = "", unknown: Collection[str] = ()
    ) -> Difference:
        """The inputs that differ from what is stored, by their meaning."""
        known = Stored(identifier, stored)
        return difference(
            self.inputs,
            stored,
            wanted,
            unknown=unknown,
            means=lambda name, was, new: self.meaning(name, was, new, known),
        )

    def inputs_of(self, props: Bag) -> In:
        """The checked inputs of a bag."""
        return cast(In, self.inputs.model_validate(visible(props)))

    def old_inputs_of(self, old: Bag) -> In | None:
        """The last inputs; None without any, and for those of older code, with which nothing can be compared."""
        try:
            return cast(In, self.inputs.model_validate(old)) if old else None
        except ValidationError:
            return None

    def outputs_of(self, props: Bag) -> Out:
        """The stored outputs of a bag."""
        return cast(Out, self.outputs.model_validate(visible(props)))

    def is_unfinished(self, olds: Bag) -> bool:
        """Whether stored outputs want an update; those that older code wrote in another form are written anew."""
        try:
            return self.unfinished(self.outputs_of(olds))
        except ValidationError:
            return True

    def shows(self, name: str, value: Any) -> bool:
        """An optional list or mapping that is empty says nothing and is left out of previews."""
        return value not in ([], {}) or self.inputs.model_fields[name].is_required()

    def packed(self, bag: Bag) -> Bag:
        """The bag with its sets as they travel: the one form of what is stored and shown."""
        fields = self.inputs.model_fields
        return {
            name: as_set(value) if name in fields and mark(fields[name], Unordered) else value
            for name, value in bag.items()
        }

    def title(self, props: Bag, urn: str) -> str:
        """The resource as messages name it: `CdsInstance 'contoso-uat'`."""
        for model in (self.inputs, self.outputs):
            bag = {name: value for name, value in visible(props).items() if name in model.model_fields}
            try:
                return f"{self.resource} '{self.name_of(cast(In, model.model_validate(bag)))}'"
            except (ValidationError, AttributeError):
                continue
        return f"{self.resource} '{urn.rpartition('::')[2]}'"
