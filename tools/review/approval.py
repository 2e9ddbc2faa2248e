"""What was approved is what runs: the plan is made anew, compared with what was approved, and that very plan is run.

Update plans are experimental in the engine. A plain `pulumi up` and an operator know nothing of this.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.exit_codes import Refused, UserError
from tools.review import digest, markdown
from tools.review.content import refusals
from tools.review.planning import plan
from tools.review.preview import Preview
from tools.review.resources import line


@contextmanager
def approved_plan(approved: str, stack: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """The file of a plan with the approved digest. Refused, with what moved, when the plan is another one by now.

    `approved`: a digest, or a file with the page that was approved. The plan file holds configuration: it lies in a
    folder that only the user can enter, and is gone when the block ends.
    """
    wanted, parts = read_approval(approved)
    with TemporaryDirectory(prefix="dualwrite-plan-") as folder:
        file = Path(folder, "plan.json")
        # The engine would make it readable for all.
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
        preview = plan(stack, environment, refreshed=True, save=file)
        compare(wanted, parts, preview)
        yield file


def read_approval(approved: str) -> tuple[str, dict[str, str] | None]:
    """The approved digest, and what it was made of when the approval is a page."""
    if digest.is_digest(approved):
        return approved, None
    file = Path(approved)
    found = markdown.plan_of(file.read_text(encoding="utf-8")) if file.is_file() else None
    if found is None:
        raise UserError(f"'{approved}' is no digest of 64 hexadecimal digits and no page that `tools page` wrote.")
    return found


def compare(wanted: str, parts: Mapping[str, str] | None, preview: Preview) -> None:
    """Refused when the plan is not the one of that digest."""
    against = refusals(preview)
    if against:
        raise Refused(f"The plan is refused by a check, so nothing was written:\n{_indented(against)}")
    if digest.digest(preview) == wanted:
        return
    first = f"'{preview.stack}' is planned otherwise than it was approved; nothing was written."
    differences = _indented(_differences(parts, preview))
    raise Refused(f"{first}\n{differences}\nLook at a new page and approve that.")


def _differences(approved: Mapping[str, str] | None, preview: Preview) -> list[str]:
    """What is planned otherwise; all that is planned where the approved page is not at hand."""
    if approved is not None:
        return digest.moved(approved, digest.parts(preview))
    return [f"now planned: {line(step)}" for step in preview.steps] or ["now nothing is planned"]


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"  {text}" for text in lines)
