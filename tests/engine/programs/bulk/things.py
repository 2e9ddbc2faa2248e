"""A resource on our own base that keeps nothing but what Pulumi stores of it."""

import pulumi

from providers.protocol.base import Call, Inputs, ManagedResource, Outputs, Provider


class ThingInputs(Inputs):
    size: int


class ThingOutputs(Outputs):
    size: int
    double: int


class ThingProvider(Provider[ThingInputs, ThingOutputs]):
    resource = "Thing"
    inputs = ThingInputs
    outputs = ThingOutputs

    def name_of(self, inputs: ThingInputs | ThingOutputs) -> str:
        return str(inputs.size)

    def on_create(self, inputs: ThingInputs, call: Call) -> tuple[str, ThingOutputs]:
        return str(inputs.size), ThingOutputs(size=inputs.size, double=2 * inputs.size)

    def on_read(self, identifier: str, stored: ThingOutputs, call: Call) -> ThingOutputs:
        return stored

    def on_update(self, identifier: str, stored: ThingOutputs, inputs: ThingInputs, call: Call) -> ThingOutputs:
        return ThingOutputs(size=inputs.size, double=2 * inputs.size)

    def on_delete(self, identifier: str, stored: ThingOutputs, call: Call) -> None:
        pass


class Thing(ManagedResource, module="bulk", name="Thing"):
    """One resource of a given size."""

    size: pulumi.Output[int]
    double: pulumi.Output[int]

    def __init__(self, name: str, *, size: int) -> None:
        super().__init__(ThingProvider(), name, {"size": size})
