"""The page for people at `/`: environments, links, maps and the last requests, in one self-contained document."""

from collections.abc import Iterable, Sequence
from html import escape

from emulator.core.journal import Row
from emulator.dual_write.connections import connections
from emulator.dual_write.maps import maps_of
from emulator.dual_write.states import state_name
from emulator.power_platform.lifecycle import lifecycle_finops
from emulator.power_platform.records import environments
from emulator.tenant import Tenant

TEMPLATE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Dual-write emulator</title>
<style>
body {{ font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd; vertical-align: top }}
td {{ overflow-wrap: anywhere }}
</style></head><body>
<h1>Dual-write emulator</h1>
<p>Tenant time {now} (clock {mode}). Control plane: <a href="/_emulator/requests?last=100">requests</a>,
<a href="/_emulator/writes?origin=client">writes</a>, <a href="/_emulator/clock">clock</a>,
<a href="/_emulator/faults">faults</a>, <a href="/_emulator/switches">switches</a>,
<a href="/_emulator/person">person</a>,
<a href="/_emulator/coverage">coverage</a>.</p>
<h2>Environments</h2>{environments}<h2>F&amp;O of Lifecycle Services</h2>{lifecycle}<h2>Links</h2>{links}
<h2>Maps</h2>{maps}<h2>Last requests</h2>{requests}
</body></html>
"""
REQUEST_COLUMNS = ("seq", "time", "service", "method", "host", "path", "status", "identity")


def render(tenant: Tenant, requests: Sequence[Row]) -> str:
    """Return the page; `requests` are journal rows, oldest first, shown newest first."""
    return TEMPLATE.format(
        now=escape(tenant.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC")),
        mode=escape(tenant.clock.mode),
        environments=_environments(tenant),
        lifecycle=_lifecycle(tenant),
        links=_links(tenant),
        maps=_maps(tenant),
        requests=_table(REQUEST_COLUMNS, (_request(row) for row in reversed(requests))),
    )


def _environments(tenant: Tenant) -> str:
    head = ("name", "id", "location", "sku", "Dataverse", "F&O", "packages")
    rows = (
        (
            one.display_name,
            one.id,
            one.location,
            one.sku,
            one.database.host if one.database else "",
            f"{one.finops.host} {one.finops.version} {one.finops.state} ({one.finops.type})" if one.finops else "",
            ", ".join(sorted(one.packages)),
        )
        for one in environments(tenant)
    )
    return _table(head, rows)


def _lifecycle(tenant: Tenant) -> str:
    names = {one.id: one.display_name for one in environments(tenant)}
    rows = (
        (one.host, one.version, one.location, names.get(one.environment_id or "", ""), one.link_with or "")
        for one in lifecycle_finops(tenant)
    )
    return _table(("host", "version", "location", "integrated with", "the attendant links it with"), rows)


def _links(tenant: Tenant) -> str:
    rows = (
        (one.dataverse_host, one.finance_host, ", ".join(one.company_codes()), one.created_on)
        for one in connections(tenant)
    )
    return _table(("Dataverse", "F&O", "companies", "since"), rows)


def _maps(tenant: Tenant) -> str:
    rows = (
        (link.dataverse_host, link.finance_host, one.name, state_name(one.state), one.paused_on or "")
        for link in connections(tenant)
        for one in maps_of(tenant, link.cid)
    )
    return _table(("Dataverse", "F&O", "map", "state", "paused on"), rows)


def _request(row: Row) -> tuple[object, ...]:
    return (
        row["seq"], row["time"], row["service"], row["method"], row["host"], row["path"], row["status"],
        row["identity"],
    )  # fmt: skip


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{_cells('th', head)}</tr>{body}</table>" if body else "<p>None yet.</p>"


def _cells(kind: str, values: Iterable[object]) -> str:
    return "".join(f"<{kind}>{escape(str(value))}</{kind}>" for value in values)
