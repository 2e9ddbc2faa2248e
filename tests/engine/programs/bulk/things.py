"""A dynamic resource that keeps nothing but what Pulumi stores of it, built by the rules of our own providers."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ResourceProvider


class ThingProvider(ResourceProvider):
    """Serialised by reference: it carries no state."""

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[type["ThingProvider"], tuple[()]]:
        return ThingProvider, ()

    def create(self, props: dict[str, Any]) -> CreateResult:
        """The size is the identity."""
        return CreateResult(id_=f"{props['size']:.0f}", outs={"size": props["size"]})


class Thing(pulumi.dynamic.Resource, module="bulk", name="Thing"):
    """One resource of a given size."""

    size: pulumi.Output[int]

    def __init__(self, name: str, *, size: int) -> None:
        super().__init__(ThingProvider(), name, {"size": size})
