"""What a reader sees: the preview of a fresh stack, word for word."""

import re
from collections.abc import Callable

from tests.engine.harness import Project, Tenant

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def test_preview_of_fresh_stack_reads_as_agreed(
    new_project: Callable[[], Project], tenant: Tenant, golden: Callable[[str, str], None]
) -> None:
    project = new_project()
    project.use("new-new")
    text = project.preview("--diff").stdout
    own = [line for line in text.splitlines() if not line.strip().startswith(("[id=", "[urn="))]
    assert not [line for line in own if ID.search(line) or "__" in line or "Traceback" in line]
    assert not tenant.writes()
    golden("preview-new-new.txt", text)
