"""Reads a page as a reviewer sees it."""

import re

from tests.engine.harness import Project
from tools.review import markdown
from tools.review.content import arranged
from tools.review.preview import Preview, read


def planned(project: Project, *, expect: int = 0) -> Preview:
    """The plan of the project's stack."""
    return read(project.stack, project.run("preview", "--json", expect=expect).stdout)


def page_of(preview: Preview) -> str:
    """Its page."""
    return markdown.page(arranged(preview))


def seen(page: str) -> str:
    """What is seen before anything is unfolded."""
    unfolded = re.sub(r"<details><summary>(.*?)</summary>.*?</details>", r"\1", page, flags=re.DOTALL)
    return re.sub(r"<!--.*?-->\n?", "", unfolded, flags=re.DOTALL)


def comparable(page: str) -> str:
    """The page without its digest, which moves with every input: it has tests of its own."""
    return re.sub(r"<!-- dual-write-plan .*? -->\n|(?<=Digest of this plan: `)[0-9a-f]{64}", "", page)
