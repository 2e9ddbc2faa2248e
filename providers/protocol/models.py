"""The models of a resource: what a stack declares, what the service holds, and what is passed along unseen.

Knows nothing of Pulumi's protocol; `base` hands these out and is where resource modules import them from. An empty
list or mapping stands as it is in `Field`, since pydantic copies it; of a factory it would read the signature instead,
for each field and at each look at its default, which was half the time of a check.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, Self, TypedDict

import pulumi
from pydantic import BaseModel, ConfigDict, Field

from providers.protocol.marks import Checked, NotCompared, Refused


class Inputs(BaseModel):
    """Desired state in the admin centre's words. Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class CloudInputs(Inputs):
    """Inputs of everything that lives in one cloud. `tenant`: its id or a domain; None: that of the credentials."""

    cloud: Annotated[
        str,
        Refused("another cloud is another tenant: use a stack of its own"),
        Checked(file="no cloud of this program; a key or variable is missing that this cloud needs"),
    ]
    tenant: Annotated[
        str | None,
        Field(min_length=1),
        NotCompared(),
        Checked(
            file="another id than that of `AZURE_TENANT_ID` or of the state",
            doing="a domain, or credentials, of another tenant: the operation ends before its first call",
        ),
    ] = None


class CloudArguments(TypedDict):
    """`CloudInputs` as a program gives them."""

    cloud: pulumi.Input[str]
    tenant: NotRequired[pulumi.Input[str] | None]


class Outputs(BaseModel):
    """What the service holds. Fields named like inputs carry the value that the service has for that input."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class CloudOutputs(Outputs):
    """Outputs of everything that lives in one cloud. `tenant_id`: empty in the state of older code, hence unknown."""

    cloud: str
    tenant_id: str = ""


class PrivateInputs(BaseModel):
    """What a resource class passes to its provider beside the inputs; no part of previews, diffs and state.

    `updating`: the plan was shown already, by the preview of the same `up`, which asked the services the same.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    updating: bool = False

    @classmethod
    def of(cls, passed: Mapping[str, Any]) -> Self:
        """The private inputs among those that were passed; what is not known yet is absent."""
        return cls.model_validate(passed)
