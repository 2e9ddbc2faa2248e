"""What resources of a CDS environment have in common: its name may be written in another way without being another."""

from typing import Annotated, Any, ClassVar, NotRequired, TypeVar

import pulumi
from pydantic import Field

from providers.api.transport.errors import ApiError
from providers.documented_errors.recognition import documented
from providers.instances import deletion
from providers.instances.references import KnownNames, is_existing, reference_meaning
from providers.protocol.addresses import host_of, short_name
from providers.protocol.base import Call, CloudArguments, CloudInputs, CloudOutputs, Provider, Stored
from providers.protocol.consent import Consent
from providers.protocol.diff import Meaning
from providers.protocol.marks import Address, CaseBlind, Checked, Recorded, Replaces


class OnCdsInputs(CloudInputs):
    """Inputs of everything on a CDS environment. `cds`: its domain, or the URL or id of an existing one.

    `confirm`: the consents to the end of an environment of the stack, without which nothing on it is deleted.
    """

    cds: Annotated[
        str,
        Field(min_length=1),
        Replaces(),
        CaseBlind(),
        Checked(preview="whatever stands against the instance, told by `CdsInstance`"),
    ]
    confirm: Annotated[
        tuple[Consent, ...],
        Recorded(),
        Checked(file="another pair, or a map that is not chosen", preview="an entry that has ended or serves nothing"),
    ] = ()


class OnCdsArguments(CloudArguments):
    """`OnCdsInputs` as a program gives them, and the time limit that every such resource has."""

    cds: pulumi.Input[str]
    confirm: NotRequired[pulumi.Input[list[dict[str, str]]] | None]
    timeout: NotRequired[pulumi.Input[str] | None]


class OfPairInputs(OnCdsInputs):
    """Inputs of what belongs to a pair. `finops`: the address of an existing F&O; None: what is installed on `cds`."""

    finops: Annotated[
        str | None,
        Replaces(),
        Address(),
        CaseBlind(),
        Checked(preview="a partner of another CDS instance; the rest is told by `FinOpsInstance`"),
    ] = None


class OfPairArguments(OnCdsArguments):
    """`OfPairInputs` as a program gives them."""

    finops: NotRequired[pulumi.Input[str] | None]


class OfLinkInputs(OfPairInputs):
    """Inputs of what needs the dual-write service. `gateway`: its address; None: the one of the cloud."""

    gateway: Annotated[
        str | None,
        Checked(
            file="missing outside the emulator; a host outside the cloud",
            doing="the gateway of another geography, whose token or link the service refuses",
        ),
    ] = None


class OfLinkArguments(OfPairArguments):
    """`OfLinkInputs` as a program gives them."""

    gateway: NotRequired[pulumi.Input[str] | None]


class OnCdsOutputs(CloudOutputs):
    """What every resource on a CDS environment stores: how the stack calls it, and its address under any name."""

    cds: str
    cds_url: str = ""
    confirm: tuple[Consent, ...] = ()


In = TypeVar("In", bound=OnCdsInputs)
Out = TypeVar("Out", bound=OnCdsOutputs)


class OnCds(Provider[In, Out]):
    """A resource whose input `cds` names its environment: by domain, URL or id; its outputs hold all of them.

    The same environment under another name is no other object: replacing the resource would undo what it did there.
    """

    environment_output: ClassVar[str] = "environment_id"

    def name_of(self, values: In | Out) -> str:
        """What people call the CDS environment; a resource with a name of its own says that."""
        return short_name(values.cds)

    def meaning(self, name: str, was: Any, wanted: Any, stored: Stored) -> Meaning:
        """Names of the environment and of F&O are compared by what they name."""
        verdict = super().meaning(name, was, wanted, stored)
        if verdict is Meaning.SAME:
            return verdict
        return self._by_what_is_named(name, was, wanted, stored) or verdict

    def _by_what_is_named(self, name: str, was: Any, wanted: Any, stored: Stored) -> Meaning | None:
        """None for inputs that name nothing."""
        if name == "cds" and was and wanted:
            return reference_meaning(was, wanted, self.names(stored))
        if name == "finops":
            return self._partner_meaning(wanted, stored)
        if name == "confirm" and _of_deletion(was) == _of_deletion(wanted):
            return Meaning.SAME
        return None

    def require_deletable(self, identifier: str, stored: Out, call: Call) -> None:
        """What is on an environment of the stack goes with its consent, or because only itself is not declared."""
        if is_existing(stored.cds):
            return
        names = self.names(Stored(identifier, stored.model_dump()))
        if not deletion.stays(stored.cds, names):
            deletion.require_consent(stored.cds, stored.confirm)

    def explained(self, error: ApiError) -> ApiError:
        """With the documented next step, unless the error has one of its own."""
        return error if error.next_step else documented(error)

    def names(self, stored: Stored) -> KnownNames:
        """Names of the environment, from the id and outputs of the resource as stored."""
        identifier = str(stored.outputs.get(self.environment_output) or "")
        return KnownNames(identifier, str(stored.outputs.get("cds_url") or ""))

    def partner(self, stored: Stored) -> str | None:
        """Host of F&O as stored; None where it is not."""
        return str(stored.outputs.get("finops_host") or "") or host_of(stored.outputs.get("finops_url"))

    def _partner_meaning(self, wanted: str | None, stored: Stored) -> Meaning:
        """An environment has one F&O: without an address it is that one, whether or not it was installed there."""
        if wanted is None:
            return Meaning.RENAMED
        host = self.partner(stored)
        if host is None:
            return Meaning.UNTOLD
        if host != host_of(wanted):
            return Meaning.OTHER
        return Meaning.SAME if stored.outputs.get("finops") else Meaning.RENAMED


def _of_deletion(entries: Any) -> set[tuple[str, str, str]]:
    """The consents to the end of an environment; what else a connection is allowed changes nothing that is stored."""
    consents = [Consent.model_validate(entry) for entry in entries or ()]
    return {
        (entry.action, entry.target.casefold(), entry.until)
        for entry in consents
        if entry.action.endswith("-environment")
    }
