"""What resources of a CDS environment have in common: its name may be written in another way without being another."""

from typing import Any, ClassVar, TypeVar

from providers.api.transport.errors import ApiError
from providers.documented_errors.recognition import documented
from providers.instances.references import names_the_same
from providers.protocol.bags import Bag
from providers.protocol.base import Provider
from providers.protocol.call import Inputs, Outputs

In = TypeVar("In", bound=Inputs)
Out = TypeVar("Out", bound=Outputs)


class OnCds(Provider[In, Out]):
    """A resource whose input `cds` names its environment: by domain, URL or id; one output holds that id."""

    environment_output: ClassVar[str] = "environment_id"

    def also_means(self, name: str, held: Any, wanted: Any, identifier: str, stored: Bag) -> bool:
        """Another word for the environment that the resource is on: replacing it would undo what it did there."""
        if name != "cds" or not held or not wanted:
            return False
        return names_the_same(wanted, was=held, environment_id=self.environment_of(identifier, stored))

    def explained(self, error: ApiError) -> ApiError:
        """With the documented next step, unless the error has one of its own."""
        return error if error.next_step else documented(error)

    def environment_of(self, identifier: str, stored: Bag) -> str:
        """Id of the environment, from the id and outputs of the resource as stored."""
        return str(stored.get(self.environment_output) or "")
