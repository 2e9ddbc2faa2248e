"""One thread a stack on a pull request of Azure DevOps, written anew in place, and read back after the merge.

`python -m tools.review.azure_devops put <page>` in a build of the pull request, `fetch <stack> <file>` in one of the
merge. API: Git pull request threads and queries, version 7.1, with the build's own token. Standard variables of a build
name server, project and repository.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tools.bags import entries
from tools.exit_codes import ExitCode, NotRead, UserError
from tools.review import markdown

_VERSION = {"api-version": "7.1"}
_MARKED = re.compile(r"<!-- dual-write-page (\S+) -->")
# What a closed thread is called; a page is no question that somebody has to answer.
_CLOSED = "closed"


class Threads:
    """The threads of one repository's pull requests."""

    def __init__(self, environment: Mapping[str, str], transport: httpx.BaseTransport | None = None) -> None:
        """`environment`: the variables of the build; UserError names the one that is missing."""
        try:
            collection, project = environment["SYSTEM_COLLECTIONURI"], environment["SYSTEM_TEAMPROJECTID"]
            self._repository = environment["BUILD_REPOSITORY_ID"]
            headers = {"Authorization": f"Bearer {environment['SYSTEM_ACCESSTOKEN']}"}
        except KeyError as missing:
            raise UserError(f"The variable {missing} of an Azure DevOps build is not set.") from missing
        base = f"{collection.rstrip('/')}/{project}/_apis/git/repositories/{self._repository}/"
        self._client = httpx.Client(base_url=base, headers=headers, params=_VERSION, timeout=60, transport=transport)

    def put(self, pull_request: str, text: str) -> None:
        """Write the page of its stack: over the last one, else as a new thread."""
        mark = text.partition("\n")[0]
        if not _MARKED.fullmatch(mark):
            raise UserError("The file is no page: its first line is not the mark of a stack.")
        found = self._find(pull_request, mark)
        threads = f"pullRequests/{pull_request}/threads"
        if found is None:
            comment = {"parentCommentId": 0, "content": text, "commentType": "text"}
            self._send("POST", threads, {"comments": [comment], "status": _CLOSED})
        else:
            self._send("PATCH", f"{threads}/{found[0]}/comments/{found[1]}", {"content": text})

    def fetch(self, pull_request: str, stack: str) -> str:
        """The page of a stack; NotRead when the pull request has none."""
        found = self._find(pull_request, markdown.marker(stack))
        if found is None:
            raise NotRead(f"Pull request {pull_request} has no page of stack '{stack}'.")
        return found[2]

    def merged_by(self, commit: str) -> str:
        """The pull request that a commit of the main branch merged."""
        query = {"queries": [{"items": [commit], "type": "lastMergeCommit"}]}
        results: list[dict[str, list[Any]]] = self._send("POST", "pullrequestquery", query)["results"]
        for pull_requests in (found for result in results for found in result.values()):
            for pull_request in pull_requests:
                return str(pull_request["pullRequestId"])
        raise NotRead(f"No pull request was merged as {commit}.")

    def _find(self, pull_request: str, mark: str) -> tuple[int, int, str] | None:
        """Thread, comment and text of the page with that mark."""
        threads = self._send("GET", f"pullRequests/{pull_request}/threads")["value"]
        comments = (comment for thread in threads if not thread.get("isDeleted") for comment in _comments(thread))
        return next((comment for comment in comments if comment[2].partition("\n")[0].strip() == mark), None)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as problem:
            raise NotRead(f"Azure DevOps does not answer: {problem}") from problem
        if not answer.is_success:
            raise NotRead(f"Azure DevOps refused {method} {path} ({answer.status_code}). {_RIGHTS}")
        return answer.json()


_RIGHTS = "The build service needs the right to contribute to pull requests of this repository."


def _comments(thread: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Thread, comment and text."""
    return [(thread["id"], row["id"], str(row.get("content") or "")) for row in entries(thread, "comments")]


def _put(environment: Mapping[str, str], page: str) -> None:
    threads = Threads(environment)
    threads.put(environment["SYSTEM_PULLREQUEST_PULLREQUESTID"], Path(page).read_text(encoding="utf-8"))


def _fetch(environment: Mapping[str, str], stack: str, file: str) -> None:
    threads = Threads(environment)
    page = threads.fetch(threads.merged_by(environment["BUILD_SOURCEVERSION"]), stack)
    Path(file).write_text(page, encoding="utf-8")


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run one of the two; the exit code."""
    try:
        match arguments:
            case ["put", page]:
                _put(environment, page)
            case ["fetch", stack, file]:
                _fetch(environment, stack, file)
            case _:
                sys.stderr.write("Usage: put <page>, or fetch <stack> <file>.\n")
                return int(ExitCode.OTHER)
    except UserError as problem:
        sys.stderr.write(f"{problem}\n")
        return int(problem.code)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
