"""`Company`: one legal entity of F&O.

API: F&O OData, entity `LegalEntities` (dual-write-semantics.md 5.4, 12.1). Natural key: F&O host and
company code, case-blind. Adopted when it is there, whatever its name and country. Refused: the code,
which F&O cannot rename. Replaces: either environment. Name and country are used at creation only and
are no drift afterwards. Not read back: who created it. Takes seconds (assumed; creation by OData is not
documented). A company is never deleted: deletion leaves it in place.
"""

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Annotated, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, Field

from providers.api.transport.errors import ApiError, AuthenticationError, InvalidRequest, NotFound, PermissionDenied
from providers.api.transport.operations import PASSING, Outcome
from providers.catalogue.companies import company_code
from providers.catalogue.durations import TimeLimit, seconds
from providers.instances.identifiers import company_of
from providers.instances.on_cds import OfPairArguments, OfPairInputs, OnCds, OnCdsOutputs
from providers.instances.presence import address_of, environment_or_gone
from providers.link.pair import Pair, find_pair
from providers.protocol.addresses import bare_address, host_of
from providers.protocol.base import Call, ManagedResource, NotRead, Problem, ResourceError
from providers.protocol.findings import COMPANY_NOT_CHECKED, ONLY_AT_CREATION
from providers.protocol.marks import AtCreation, CaseBlind, Checked, Refused
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.finance_operations.client import FinanceOperations, LegalEntity

_NO_RENAME = "F&O cannot rename a company; declare another one beside it"


class CompanyInputs(OfPairInputs):
    """A company that must exist; name and country serve its creation."""

    code: Annotated[
        str,
        AfterValidator(company_code),
        CaseBlind(),
        Refused(_NO_RENAME),
        Checked(file="no company code; the same one twice"),
    ]
    name: Annotated[
        str | None,
        Field(min_length=1),
        AtCreation(),
        Checked(
            file="missing for a new F&O; that of another entry",
            preview="missing, or that of another company, where F&O lacks it; a change, which nothing follows",
            doing="a name that F&O refuses",
        ),
    ] = None
    country: Annotated[
        str | None,
        Field(min_length=1),
        AtCreation(),
        Checked(
            file="missing for a new F&O",
            preview="missing, where F&O lacks the company; a change, which nothing follows",
            doing="no country of F&O",
        ),
    ] = None
    timeout: TimeLimit = "30m"


class CompanyArguments(OfPairArguments):
    """`CompanyInputs` as a program gives them."""

    code: pulumi.Input[str]
    name: NotRequired[pulumi.Input[str] | None]
    country: NotRequired[pulumi.Input[str] | None]


class CompanyOutputs(OnCdsOutputs):
    """The company as F&O holds it; `country` is F&O's id of it (USA), empty when it has none."""

    finops: str | None = None
    code: str
    name: str
    country: str
    finops_host: str
    environment_id: str
    created_by_us: bool


def from_api(
    entity: "LegalEntity", pair: Pair, *, known: CompanyInputs | CompanyOutputs, created_by_us: bool
) -> CompanyOutputs:
    """The company as F&O reports it, its code in upper case."""
    return CompanyOutputs(
        cloud=known.cloud,
        cds=known.cds,
        cds_url=f"https://{pair.cds_host}" if pair.cds_host else "",
        finops=known.finops,
        code=entity.id.upper(),
        name=entity.name,
        country=entity.country or "",
        finops_host=pair.finops_host,
        environment_id=pair.environment_id,
        created_by_us=created_by_us,
    )


class CompanyProvider(OnCds[CompanyInputs, CompanyOutputs]):
    """Find or create by code, done when F&O reads it back; never renamed, never deleted."""

    resource = "Company"
    inputs = CompanyInputs
    outputs = CompanyOutputs

    def name_of(self, values: CompanyInputs | CompanyOutputs) -> str:
        """The company code."""
        return values.code.upper()

    def normalise(self, inputs: CompanyInputs) -> CompanyInputs:
        """The address without a slash at its end."""
        finops = inputs.finops and bare_address(inputs.finops)
        return inputs.model_copy(update={"finops": finops})

    def noted(self, inputs: CompanyInputs, old: CompanyInputs | None, call: Call) -> None:
        """A changed name or country: nothing follows, for F&O has the company already."""
        changed = [name for name in ("name", "country") if old and getattr(old, name) != getattr(inputs, name)]
        if changed:
            what = " and ".join(f"`{name}`" for name in changed)
            call.warn(
                f"{what} changed in the stack alone: F&O has the company, where people change it", ONLY_AT_CREATION
            )

    def managed(self, live: CompanyOutputs) -> Collection[str]:
        """Name and country are F&O's once the company is there."""
        return CompanyInputs.model_fields.keys() - {"name", "country"}

    def live_problems(self, inputs: CompanyInputs, call: Call) -> Iterable[Problem]:
        """When F&O is there already: whether the company can be created, if it has to be."""
        try:
            session = call.session(inputs.cloud)
            finops = session.finance_operations(inputs.finops or _pair(inputs, call).finops_host)
            if not finops.reachable():
                return
            entities = finops.legal_entities()
        except NotFound:
            # No environment or no F&O yet: what it will hold is not known.
            return
        except (PermissionDenied, AuthenticationError) as error:
            call.announce(f"not checked: whether the company exists ({error.reason})", COMPANY_NOT_CHECKED)
            return
        if _of_code(inputs.code, entities) is None:
            yield from (Problem(field, f"is required: {_absent(inputs.code)}") for field in _missing(inputs))
            yield from _name_of_another(inputs, entities)

    def on_create(self, inputs: CompanyInputs, call: Call) -> tuple[str, CompanyOutputs]:
        """Find or create by code, and wait until F&O reads it back."""
        pair = _pair(inputs, call)
        polls, waiting = call.session(inputs.cloud).profile.polls, Waiting(call, seconds(inputs.timeout))
        creation = _Creation(_client(pair, inputs, call), inputs, call.clock, patience=polls.lost_answer)
        entity = waiting.until(
            creation.poll, what=f"waiting for the company {inputs.code}", interval=polls.rows, usually="some seconds"
        )
        if not creation.sent:
            call.announce(f"there already as '{entity.name}'; taken as it is")
        return company_of(pair.finops_host, entity.id), from_api(
            entity, pair, known=inputs, created_by_us=creation.sent
        )

    def on_read(self, identifier: str, stored: CompanyOutputs, call: Call) -> CompanyOutputs | None:
        """The company by code; gone when F&O answers without it, or with the environment that F&O is installed on."""
        session = call.session(stored.cloud)
        address = stored.cds_url
        if stored.finops is None:
            environment = environment_or_gone(session.power_platform, stored.environment_id)
            if environment is None:
                return None
            address = environment.url or address
        try:
            entity = _entity(session.finance_operations(stored.finops_host), stored.code)
        except (*PASSING, NotFound, PermissionDenied) as error:
            raise NotRead(str(error)) from error
        if entity is None:
            return None
        address = address_of(stored.environment_id, address, session)
        pair = Pair(stored.environment_id, host_of(address) or "", stored.finops_host)
        return from_api(entity, pair, known=stored, created_by_us=stored.created_by_us)

    def on_update(self, identifier: str, stored: CompanyOutputs, inputs: CompanyInputs, call: Call) -> CompanyOutputs:
        """Nothing of a company is changed; what only the state learns is taken over."""
        return stored.model_copy(update={"cds": inputs.cds, "finops": inputs.finops})

    def on_delete(self, identifier: str, stored: CompanyOutputs, call: Call) -> None:
        """Say that it stays: a company with its books is not deleted by a stack."""
        call.announce("left in place: companies are never deleted from F&O")


class _Creation:
    """Bringing a company there, and reading it back. Every step looks first; `sent` tells whether it was asked for.

    A create whose answer got lost is sent again only when the company has not shown for `patience` seconds. The code is
    the key, so that a late first one makes the second a duplicate, which F&O refuses.
    """

    def __init__(
        self, finops: "FinanceOperations", inputs: CompanyInputs, clock: Callable[[], float], *, patience: float
    ) -> None:
        self._finops = finops
        self._inputs = inputs
        self._clock = clock
        self._patience = patience
        self._again_at: float | None = 0.0
        self.sent = False

    def poll(self) -> "Outcome[LegalEntity]":
        """The company once F&O reads it back; asks for it when it is not there."""
        entity = _entity(self._finops, self._inputs.code)
        if entity is not None:
            return Outcome.done(entity)
        if self._again_at is not None and self._clock() >= self._again_at:
            self._send()
        return Outcome.pending("not read back yet")

    def _send(self) -> None:
        wanted, missing = self._inputs, _missing(self._inputs)
        if missing:
            raise ResourceError(_absent(wanted.code), next_step="Nothing was created; then run `up` again.")
        self.sent = True
        try:
            self._create(wanted.code, wanted.name or "", wanted.country or "")
        except ApiError as error:
            if not error.may_have_happened:
                raise
            self._again_at = self._clock() + self._patience
            return
        self._again_at = None

    def _create(self, code: str, name: str, country: str) -> None:
        try:
            self._finops.create_legal_entity(code, name, country)
        except InvalidRequest as error:
            error.next_step = (
                f"Correct `name` and `country` of {code} in `dualwrite:companies` (countries by F&O's own ids, "
                "such as USA), or create the company in F&O; then run `up` again."
            )
            raise


def _missing(inputs: CompanyInputs) -> list[str]:
    return [field for field in ("name", "country") if getattr(inputs, field) is None]


def _name_of_another(inputs: CompanyInputs, entities: "Iterable[LegalEntity]") -> Iterable[Problem]:
    """Names of companies become those of business units and teams, so that two of one name break linking (5.4)."""
    name = (inputs.name or "").strip().casefold()
    by_name = {each.name.strip().casefold(): each for each in entities}
    if name and name in by_name:
        code = by_name[name].id.upper()
        yield Problem("name", f"is the name of {code} in F&O too; two companies of one name break linking")


def _absent(code: str) -> str:
    return (
        f"the company {code} is not in F&O, and creating it needs `name` and `country` in its entry of "
        "`dualwrite:companies`"
    )


def _pair(inputs: CompanyInputs, call: Call) -> Pair:
    return find_pair(call.session(inputs.cloud), inputs.cds, inputs.finops)


def _client(pair: Pair, inputs: CompanyInputs, call: Call) -> "FinanceOperations":
    return call.session(inputs.cloud).finance_operations(pair.finops_host)


def _entity(finops: "FinanceOperations", code: str) -> "LegalEntity | None":
    return _of_code(code, finops.legal_entities())


def _of_code(code: str, entities: "Iterable[LegalEntity]") -> "LegalEntity | None":
    return next((each for each in entities if each.id.casefold() == code.casefold()), None)


class Company(ManagedResource, module="dualwrite", name="Company"):
    """A legal entity that the stack needs in F&O."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    code: pulumi.Output[str]
    name: pulumi.Output[str]
    country: pulumi.Output[str]
    finops_host: pulumi.Output[str]
    environment_id: pulumi.Output[str]
    created_by_us: pulumi.Output[bool]

    def __init__(
        self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[CompanyArguments]
    ) -> None:
        super().__init__(CompanyProvider(), resource_name, inputs, opts)
