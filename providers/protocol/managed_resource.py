"""A resource as programs declare it: its inputs, the private ones, the hidden row, and every output (R47)."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import Resource, ResourceProvider

from providers.protocol.bags import private_key
from providers.protocol.kind import In, Out, ResourceKind
from providers.protocol.row import ROW, row_input


class Declarable(ResourceKind[In, Out], ResourceProvider):
    """What a resource is declared with: a kind that the engine can run."""


class ManagedResource(Resource):
    """One resource of a kind. Its class names the inputs (a `TypedDict`) and annotates the outputs."""

    def __init__(
        self,
        provider: Declarable[Any, Any],
        name: str,
        inputs: Mapping[str, object],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        hidden = provider.private_inputs.model_fields
        given = {
            private_key(key) if key in hidden else key: value for key, value in inputs.items() if value is not None
        }
        computed = {key: None for key in provider.outputs.model_fields if key not in given}
        row = row_input(f"pulumi-python:{self._resource_type_name}", name, opts)
        phase = {} if pulumi.runtime.is_dry_run() else {private_key("updating"): True}
        super().__init__(provider, name, {**computed, **given, ROW: row, **phase}, opts)
