"""`FinOpsInstance`: Finance & Operations, installed on the stack's CDS environment, or an existing one.

API: application packages, the `msprov_*` calls of Dataverse, F&O's own OData and both admin
APIs for reading back (power-platform-api.md 14). New: natural key is the environment; adopted when
it is there or on its way with the same choices. Refused: data and developer tools, which are
fixed when F&O is installed. Replaces: the environment. In place: a raised version; a newer one
than asked for is no drift. Takes 1 to 3 hours. F&O cannot be removed alone, nor recovered.
Existing: natural key is its address. Verified before it is used, then only read; no admin API lists
it, so it is never reported gone. Not read back before it is linked: id, version, data. Another
address replaces the resource, which removes nothing. From new to existing keeps the F&O as it is;
from existing to new installs one, after the checks of a new one.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Unpack

import pulumi

from providers.instances.existing_finops import ExistingFinOps
from providers.instances.finops_model import FinOpsArguments, FinOpsInputs, FinOpsOutputs
from providers.instances.new_finops import NewFinOps
from providers.instances.on_cds import OnCds
from providers.protocol.addresses import bare_address, short_name
from providers.protocol.base import Call, ManagedResource, Problem, Stored
from providers.protocol.diff import Meaning


class FinOpsInstanceProvider(OnCds[FinOpsInputs, FinOpsOutputs]):
    """New: install, follow from both sides, raise the version. Existing: verify and read."""

    resource = "FinOpsInstance"
    inputs = FinOpsInputs
    outputs = FinOpsOutputs
    environment_output = "cds_environment_id"

    def name_of(self, values: FinOpsInputs | FinOpsOutputs) -> str:
        """The name of the environment it is installed on, or its own when it exists apart."""
        return short_name(values.url or values.cds if values.instance == "existing" else values.cds)

    def normalise(self, inputs: FinOpsInputs) -> FinOpsInputs:
        """The address without a slash at its end; a new one has no developer tools unless it is to have them."""
        tools = inputs.developer_tools or False if inputs.instance == "new" else inputs.developer_tools
        return inputs.model_copy(update={"url": inputs.url and bare_address(inputs.url), "developer_tools": tools})

    def meaning(self, name: str, was: Any, wanted: Any, stored: Stored) -> Meaning:
        """What no side told of an existing one is unknown, hence no difference."""
        if name in ("data", "developer_tools") and was in (None, ""):
            return Meaning.SAME
        return super().meaning(name, was, wanted, stored)

    def managed(self, live: FinOpsOutputs) -> Collection[str]:
        """The address is an input of an existing one, the choices of the installation are those of a new one."""
        other = "existing" if live.instance == "new" else "new"
        return FinOpsInputs.model_fields.keys() - set(self.inputs_for(other))

    def problems(self, inputs: FinOpsInputs, old: FinOpsInputs | None) -> Iterable[Problem]:
        """Inputs that do not fit the kind of instance, and choices that cannot change."""
        return _instance(inputs.instance).problems(inputs, old)

    def live_problems(self, inputs: FinOpsInputs, call: Call) -> Iterator[Problem]:
        """Ask whether F&O can be installed, or the existing one linked."""
        return _instance(inputs.instance).live_problems(inputs, call)

    def live_change_problems(self, inputs: FinOpsInputs, old: FinOpsInputs, call: Call) -> Iterator[Problem]:
        """Whether F&O may change hands between the stack and its people."""
        return _instance(inputs.instance).change_problems(inputs, old, call)

    def on_create(self, inputs: FinOpsInputs, call: Call) -> tuple[str, FinOpsOutputs]:
        """New: install F&O, or go on with what is on its way, until both sides agree. Existing: verify and read."""
        return _instance(inputs.instance).create(inputs, call)

    def on_read(self, identifier: str, stored: FinOpsOutputs, call: Call) -> FinOpsOutputs | None:
        """Both sides as they are."""
        return _instance(stored.instance).read(stored, call)

    def on_update(self, identifier: str, stored: FinOpsOutputs, inputs: FinOpsInputs, call: Call) -> FinOpsOutputs:
        """Raise the version in place; an existing one is only read, also one that the stack installed before."""
        return _instance(inputs.instance).update(stored, inputs, call)

    def on_delete(self, identifier: str, stored: FinOpsOutputs, call: Call) -> None:
        """Say what becomes of it: there is no way to remove F&O alone."""
        _instance(stored.instance).delete(stored, call)


def _instance(kind: str) -> NewFinOps | ExistingFinOps:
    return NewFinOps() if kind == "new" else ExistingFinOps()


class FinOpsInstance(ManagedResource, module="dualwrite", name="FinOpsInstance"):
    """F&O of the stack, installed on its CDS instance, or an existing one that is only read."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    instance: pulumi.Output[str]
    data: pulumi.Output[str]
    developer_tools: pulumi.Output[bool]
    environment_id: pulumi.Output[str]
    cds_environment_id: pulumi.Output[str]
    url: pulumi.Output[str]
    application_version: pulumi.Output[str]
    platform_version: pulumi.Output[str]
    deployment_type: pulumi.Output[str]
    demo_dataset: pulumi.Output[str]

    def __init__(
        self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[FinOpsArguments]
    ) -> None:
        super().__init__(FinOpsInstanceProvider(), resource_name, inputs, opts)
