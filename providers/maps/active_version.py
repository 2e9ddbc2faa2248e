"""What a stack does about the version of one map: look at what is offered, switch, read. No pulumi."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from providers.api.dual_write.actions import MapState
from providers.api.identity.dual_write_sources import HOW_TO_GET_ONE, dual_write_token_configured
from providers.api.transport.errors import NotFound
from providers.catalogue.companies import AsLinked
from providers.catalogue.durations import seconds
from providers.instances.presence import environment_or_gone
from providers.link.companies import as_read
from providers.link.pair import as_far_as_seen, find_link, find_pair, remembered, stored_link
from providers.maps.drift import BROUGHT_BACK
from providers.maps.integration_keys import refused_while_paused
from providers.maps.map_model import EntityMapInputs, EntityMapOutputs, EntityMapPrivate
from providers.maps.operations import Pace
from providers.maps.plan import NOT_RUNNING
from providers.maps.saved_versions import filters_of
from providers.maps.version_switch import STOPS_MEANWHILE, VersionSwitch
from providers.maps.versions import (
    NOT_INSTALLED,
    NoSuchVersionError,
    active,
    chosen,
    newest_of,
    version_line,
)
from providers.protocol.base import Call, NotRead, Problem
from providers.protocol.findings import MAP_FILTER, MAP_MISSING, MAP_VERSION, NOT_QUEUED

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus, LinkedEnvironment
    from providers.api.session import Session


class ActiveVersion:
    """The operations of an entity map."""

    def live_problems(self, inputs: EntityMapInputs, call: Call) -> Iterator[Problem]:
        """A pin that is not offered or not plain, and a paused map; silent while there is no link, token or map."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        status = _listed(session, inputs)
        if status is None:
            return
        try:
            wanted = chosen(status, inputs.version, inputs.author)
        except NoSuchVersionError as error:
            yield Problem("version", str(error))
            return
        if wanted.id == status.detail.tid:
            return
        if status.state == MapState.PAUSED and not EntityMapPrivate.of(call.private).may_resume:
            yield Problem("version", refused_while_paused(inputs.map, "its version"))
        elif status.state not in NOT_RUNNING:
            now, then = version_line(active(status)), version_line(wanted)
            call.announce(f"for the switch from version {now} to {then} the map {STOPS_MEANWHILE}", NOT_QUEUED)

    def create(self, inputs: EntityMapInputs, call: Call) -> tuple[str, EntityMapOutputs]:
        """Make the version active; safe to repeat."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        pair = find_pair(session, inputs.cds, inputs.finops, fresh=False)
        outputs = _switched(session, pair.finops_host, pair.cds_host, inputs, call)
        place = {"environment_id": pair.environment_id}
        return f"{pair.identifier}/{inputs.map}", outputs.model_copy(update=place)

    def read(self, stored: EntityMapOutputs, call: Call) -> EntityMapOutputs | None:
        """The active version by the list that all maps share, filters by one read of Dataverse. Gone with its CDS."""
        if not dual_write_token_configured():
            raise NotRead(HOW_TO_GET_ONE)
        session = call.session(stored.cloud, gateway=stored.gateway)
        try:
            status, link = _read(session, stored)
        except NotFound:
            if environment_or_gone(session.power_platform, stored.environment_id) is not None:
                raise
            return None
        if status is None:
            call.warn(f"the link has no map '{stored.map}' any more; {BROUGHT_BACK}", MAP_MISSING)
            gone = {"version": NOT_INSTALLED, "drifted": stored.drifted or _active_line(stored)}
            return stored.model_copy(update={**gone, "connection_id": link.cid, "connection_name": link.cname})
        now = _outputs(stored, status, link, stored.finops_host, stored.cds_host, session)
        seen: dict[str, Any] = {"companies": _companies(session, stored, link), "drifted": _drifted(stored, now, call)}
        _warn_of_filters(stored, now, call)
        if stored.latest:
            seen["offered"] = newest_of(status, stored.author)
        return now.model_copy(update=seen)

    def update(self, stored: EntityMapOutputs, inputs: EntityMapInputs, call: Call) -> EntityMapOutputs:
        """Make the version active where it is not."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        outputs = _switched(session, stored.finops_host, stored.cds_host, inputs, call)
        return outputs.model_copy(update={"environment_id": stored.environment_id})

    def newest(self, inputs: EntityMapInputs, call: Call) -> str | None:
        """The newest number of the author; None while it cannot be looked up."""
        if inputs.author is None:
            return None
        status = _listed(call.session(inputs.cloud, gateway=inputs.gateway), inputs)
        return newest_of(status, inputs.author) if status else None


def _listed(session: Session, inputs: EntityMapInputs) -> EntityMapStatus | None:
    """The map, as far as it can be seen now: None without token, pair, link or map."""
    if not dual_write_token_configured():
        return None
    listed = as_far_as_seen(lambda: _maps_of(session, inputs)) or ()
    return next((each for each in listed if each.name == inputs.map), None)


def _maps_of(session: Session, inputs: EntityMapInputs) -> list[EntityMapStatus]:
    pair = find_pair(session, inputs.cds, inputs.finops, fresh=False)
    return session.dual_write.maps(find_link(session, pair.finops_host).cid)


def _read(session: Session, stored: EntityMapOutputs) -> tuple[EntityMapStatus | None, LinkedEnvironment]:
    """The map by the link's id, or by its host again when a reset gave the link a new id."""
    link = remembered(stored.connection_id, stored.connection_name)
    try:
        listed = session.dual_write.maps(link.cid, refresh=True)
    except NotFound:
        link = find_link(session, stored.finops_host)
        listed = session.dual_write.maps(link.cid, refresh=True)
    return next((each for each in listed if each.name == stored.map), None), link


def _switched(
    session: Session, finops_host: str, cds_host: str, inputs: EntityMapInputs, call: Call
) -> EntityMapOutputs:
    end = call.clock() + seconds(inputs.timeout)
    polls, link = session.profile.polls, find_link(session, finops_host)

    def pace() -> Pace:
        return Pace(polls.map_action, polls.initial_sync, max(0.0, end - call.clock()), call.clock, call.sleep)

    switch = VersionSwitch(session.dual_write, link.cid, inputs.map, pace, call.progress)
    rest = EntityMapPrivate.of(call.private)
    status = switch.make_active(
        inputs.version, inputs.author, declared_state=rest.run_state, may_resume=rest.may_resume
    )
    return _outputs(inputs, status, link, finops_host, cds_host, session)


def _outputs(
    known: EntityMapInputs | EntityMapOutputs,
    status: EntityMapStatus,
    link: LinkedEnvironment,
    finops_host: str,
    cds_host: str,
    session: Session,
) -> EntityMapOutputs:
    template = active(status)
    filters = filters_of(session.dataverse(cds_host), status.detail.tid)
    publisher = (template.author if template else None) or ""
    return EntityMapOutputs.model_validate(
        {
            **known.model_dump(mode="json", exclude_none=True),
            "version": str(template.version) if template else "",
            "author": publisher if known.author is not None else None,
            "publisher": publisher,
            "connection_id": link.cid,
            "connection_name": link.cname,
            "drifted": "",
            "finops_host": finops_host,
            "cds_host": cds_host,
            "cds_url": f"https://{cds_host}",
            "finops_filter": filters.finops if filters else None,
            "cds_filter": filters.cds if filters else None,
        }
    )


def _companies(session: Session, stored: EntityMapOutputs, link: LinkedEnvironment) -> list[str] | AsLinked:
    """Those of the link, which has them reset where they are not the declared ones; unknown in older state."""
    if isinstance(stored.companies, str) or not (stored.companies and link.cname):
        return stored.companies
    _, details = stored_link(session, stored.finops_host, link)
    return as_read(stored.companies, details.companies)


def _active_line(outputs: EntityMapOutputs) -> str:
    return f"{outputs.version} of {outputs.publisher}"


def _drifted(stored: EntityMapOutputs, now: EntityMapOutputs, call: Call) -> str:
    """The version of the last `up` where another is active, which is named; an author without a pin is accepted."""
    is_now, was = _active_line(now), stored.drifted or _active_line(stored)
    if is_now == was:
        return ""
    call.warn(f"the active version is {is_now}, not {was}", MAP_VERSION)
    same = was.startswith(f"{now.version} of ")
    return "" if same and stored.author is None else was


def _warn_of_filters(stored: EntityMapOutputs, now: EntityMapOutputs, call: Call) -> None:
    """The text of a filter has no declared value, so another one is accepted."""
    for side, before, after in (
        ("F&O", stored.finops_filter, now.finops_filter),
        ("CDS", stored.cds_filter, now.cds_filter),
    ):
        if before is not None and after is not None and before != after:
            call.warn(
                f"the filter of the {side} side is {after!r}, was {before!r}; accepted, as none is declared", MAP_FILTER
            )
