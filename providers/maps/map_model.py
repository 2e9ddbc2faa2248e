"""What a stack declares about the version of one map, and what the link has: the models of `EntityMap`."""

from typing import Annotated, NotRequired

import pulumi
from pydantic import Field

from providers.catalogue.companies import AsLinked
from providers.catalogue.durations import TimeLimit
from providers.instances.on_cds import OfLinkArguments, OfLinkInputs, OnCdsOutputs
from providers.maps.versions import LATEST, NOT_INSTALLED
from providers.protocol.base import PrivateInputs
from providers.protocol.marks import AsksOnce, CaseBlind, Checked, NotCompared, Replaces, Unordered

_VERSION = rf"^(\d+(\.\d+){{1,3}}|{LATEST}|latest \(resolved in up\)|{NOT_INSTALLED})$"


class EntityMapInputs(OfLinkInputs):
    """The pin of one map. `author`: None = any. `version`: a number; `latest` becomes one when it is looked up.

    `latest`: the number follows the newest of that author, `offered` is the newest that is known of. `companies`: those
    of the link; with another list, or another text of `reset`, a reset has to be made good.
    """

    companies: Annotated[
        list[str] | AsLinked, Unordered(), CaseBlind(), Checked(preview="told by `DualWriteConnection`")
    ] = Field([])
    reset: Annotated[str | None, AsksOnce(), Checked(preview="told by `DualWriteConnection`")] = None
    map: Annotated[
        str, Field(min_length=1), Replaces(), Checked(file="no chosen map", doing="one that the link does not have")
    ]
    version: Annotated[
        str,
        Field(pattern=_VERSION),
        Checked(
            file="no version; `latest` without an author",
            preview="not offered, or of several authors; the map is paused, or stops meanwhile",
            doing="not offered, where the link is made in the same run",
        ),
    ]
    author: Annotated[
        str | None, Checked(file="without a version", preview="has no such version", doing="the same, as for `version`")
    ] = None
    latest: Annotated[bool, NotCompared(), Checked(file="without an author")] = False
    offered: Annotated[str | None, Checked()] = None
    timeout: TimeLimit = "30m"


class EntityMapPrivate(PrivateInputs):
    """What the rest of the stack says. `run_state`: the declared one, where the map is stopped for a switch.

    `catch_up`: what becomes of its queue when it is resumed, where that is not played back.
    """

    run_state: str | None = None
    catch_up: str | None = None

    @property
    def may_resume(self) -> bool:
        """Whether a switch may begin with resuming a paused map: it shall run, and its queue is played back."""
        return self.run_state == "running" and self.catch_up is None


class EntityMapArguments(OfLinkArguments):
    """`EntityMapInputs` and `EntityMapPrivate` as a program gives them; `latest` and `offered` are found out."""

    map: pulumi.Input[str]
    version: pulumi.Input[str]
    author: NotRequired[pulumi.Input[str] | None]
    companies: NotRequired[pulumi.Input[list[str] | str] | None]
    reset: NotRequired[pulumi.Input[str] | None]
    run_state: NotRequired[pulumi.Input[str] | None]
    catch_up: NotRequired[pulumi.Input[str] | None]


class EntityMapOutputs(OnCdsOutputs):
    """What the link has: `version` and `publisher` of the active version, and the texts of its filters.

    `author` is that of the active version where one is pinned. `drifted`: version and author of the last `up`, where a
    refresh found others than are pinned.
    """

    finops: str | None = None
    gateway: str | None = None
    companies: list[str] | AsLinked = Field([])
    reset: str | None = None
    map: str
    version: str
    author: str | None = None
    latest: bool = False
    offered: str | None = None
    timeout: str = "30m"
    environment_id: str = ""
    connection_id: str = ""
    connection_name: str = ""
    finops_host: str = ""
    drifted: str = ""
    publisher: str = ""
    cds_host: str = ""
    finops_filter: str | None = None
    cds_filter: str | None = None
