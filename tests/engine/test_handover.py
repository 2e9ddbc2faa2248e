"""A pair that the stack made is handed to its people and back: nothing is replaced, nothing stops, nothing is lost."""

import re
from collections.abc import Callable

from tests.engine.harness import Project, Tenant

CDS = "dualwrite:cds: {{instance: existing, url: {url}}}"
FINOPS = "dualwrite:finops: {{instance: existing, url: {url}}}"
LINK = "dualwrite:connection: {companies: [DAT]}"


def handed_over(text: str, finops_url: str, cds_url: str | None) -> str:
    """The stack file with its F&O, and its CDS where an address is given, as existing ones."""
    text = re.sub(r"  dualwrite:finops:\n(    .*\n)+", f"  {FINOPS.format(url=finops_url)}\n  {LINK}\n", text)
    if cds_url is None:
        return text
    return re.sub(r"  dualwrite:cds:\n(    .*\n)+", f"  {CDS.format(url=cds_url)}\n", text)


def test_pair_is_handed_over_and_taken_back_without_a_write(new_project: Callable[[], Project], tenant: Tenant) -> None:
    live = new_project()
    live.use("new-new")
    live.up()
    text, outputs = live.stack_file.read_text(), live.outputs()
    finops_url, cds_url = outputs["finops_url"], outputs["cds_url"]
    ways = [handed_over(text, finops_url, None), handed_over(text, finops_url.rstrip("/"), cds_url), text]
    for way in ways:
        live.stack_file.write_text(way)
        before = tenant.now()
        assert "replace" not in live.preview().text
        live.up()
        assert tenant.writes(before) == []
        assert set(live.outputs()["maps"].values()) == {"running"}
        live.preview("--expect-no-changes")
