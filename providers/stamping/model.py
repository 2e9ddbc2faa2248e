"""What a stack declares about a bootstrap, and how it ended: the models of `CompanyBootstrap`."""

from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired

import pulumi
from pydantic import AfterValidator, Field, StringConstraints

from providers.catalogue.bootstrap_tables import DEFAULT_TABLES
from providers.catalogue.companies import company_code
from providers.catalogue.durations import TimeLimit
from providers.instances.on_cds import OnCdsArguments, OnCdsInputs, OnCdsOutputs
from providers.protocol.base import PrivateInputs
from providers.protocol.marks import CaseBlind, Checked, NotCompared, RefusedOnce, Replaces, Unordered


class BootstrapInputs(OnCdsInputs):
    """Which company goes on which rows. Without `business_units`, rows of all of them."""

    company: Annotated[
        str,
        StringConstraints(strip_whitespace=True),
        AfterValidator(company_code),
        Replaces(),
        CaseBlind(),
        Checked(
            file="not in the list of the link; two entries",
            preview="not linked; not in F&O, before there is a link",
            doing="not enabled for dual-write, on a link of this run",
        ),
    ]
    business_units: Annotated[
        list[str],
        Unordered(),
        CaseBlind(),
        Checked(file="one under two companies", preview="not there; known are named"),
    ] = Field([])
    tables: Annotated[
        list[str],
        Field(min_length=1),
        Checked(
            file="none; the same one twice; one of two companies",
            preview="a logical name, or another spelling; not there or without a company, on a link; too many rows",
            doing="not there or without a company, where the packages come in the same run",
        ),
    ] = Field(default_factory=lambda: list(DEFAULT_TABLES))
    overwrite: Annotated[bool, Checked(preview="the rows that lose their company, counted by company")] = False
    order: Annotated[
        Literal["live", "before-live-sync"],
        NotCompared(),
        RefusedOnce("rows are stamped"),
        Checked(file="a change once rows are stamped", preview="more rows than the initial sync after it takes"),
    ] = "live"
    max_failures: Annotated[int, Field(ge=0), NotCompared(), Checked(doing="that more rows cannot be stamped")] = 100
    simulate: Annotated[bool, Checked()] = False
    timeout: TimeLimit = "6h"


class BootstrapPrivate(PrivateInputs):
    """What the rest of the stack says about it: see `plan.Pending`.

    `linked_companies`: those of a connection that does not change in this `up`; None while they are not known.
    """

    linked_companies: list[str] | None = None
    finops: str | None = None
    gateway: str | None = None
    companies: list[str] | str | None = None
    initial_syncs: dict[str, int] | None = None


class BootstrapArguments(OnCdsArguments):
    """`BootstrapInputs` and `BootstrapPrivate` as a program gives them."""

    company: pulumi.Input[str]
    business_units: NotRequired[pulumi.Input[list[str]] | None]
    tables: NotRequired[pulumi.Input[list[str]] | None]
    overwrite: NotRequired[pulumi.Input[bool] | None]
    order: NotRequired[pulumi.Input[str] | None]
    max_failures: NotRequired[pulumi.Input[int] | None]
    simulate: NotRequired[pulumi.Input[bool] | None]
    linked_companies: NotRequired[pulumi.Input[list[str]] | None]
    finops: NotRequired[pulumi.Input[str] | None]
    gateway: NotRequired[pulumi.Input[str] | None]
    companies: NotRequired[pulumi.Input[list[str] | str] | None]
    initial_syncs: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[int]]] | None]


class BootstrapOutputs(OnCdsOutputs):
    """How it ended. `rows`: per table, those in scope that carried the company then, or would when simulated.

    `unstamped`: per table, those in scope that lacked it; `complete`: nothing is left to do, or it was simulated.
    """

    company: str
    business_units: list[str] = Field([])
    tables: list[str] = Field([])
    overwrite: bool = False
    order: str = "live"
    max_failures: int = 100
    simulate: bool = False
    timeout: str = "6h"
    environment_id: str = ""
    rows: dict[str, int] = Field({})
    unstamped: dict[str, int] = Field({})
    complete: bool = False
