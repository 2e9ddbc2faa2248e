"""One thread a stack, over an in-memory Azure DevOps."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tools.exit_codes import NotRead, UserError
from tools.review.azure_devops import Threads, main
from tools.review.markdown import marker

BUILD = {
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
    "SYSTEM_TEAMPROJECTID": "pairs",
    "BUILD_REPOSITORY_ID": "repository",
    "SYSTEM_ACCESSTOKEN": "of-the-build",
}
PAGE = f"{marker('uat')}\n### uat: nothing to do\n"


class Service:
    """Threads of pull request 7."""

    def __init__(self) -> None:
        self.threads: list[dict[str, Any]] = []
        self.requests: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer of-the-build"
        assert request.url.params["api-version"] == "7.1"
        path = request.url.path.removeprefix("/contoso/pairs/_apis/git/repositories/repository/")
        self.requests.append(f"{request.method} {path}")
        body = json.loads(request.content) if request.content else {}
        if path == "pullrequestquery":
            (item,) = body["queries"][0]["items"]
            found = {item: [{"pullRequestId": 7}]} if item == "merged" else {}
            return httpx.Response(200, json={"results": [found]})
        if request.method == "GET":
            return httpx.Response(200, json={"value": self.threads})
        if request.method == "POST":
            self.threads.append({"id": 40 + len(self.threads), "comments": [{"id": 1, **body["comments"][0]}]})
        else:
            (thread,) = [each for each in self.threads if path.endswith(f"threads/{each['id']}/comments/1")]
            thread["comments"][0]["content"] = body["content"]
        return httpx.Response(200, json={})


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def threads(service: Callable[[httpx.Request], httpx.Response]) -> Threads:
    return Threads(BUILD, httpx.MockTransport(service))


def test_page_is_written_once_and_then_over_itself(service: Service, threads: Threads) -> None:
    threads.put("7", f"{marker('other')}\nanother stack")
    threads.put("7", PAGE)
    threads.put("7", PAGE.replace("nothing to do", "pauses 1 map"))
    assert [request.partition(" ")[0] for request in service.requests] == ["GET", "POST", "GET", "POST", "GET", "PATCH"]
    assert len(service.threads) == 2
    assert threads.fetch("7", "uat") == PAGE.replace("nothing to do", "pauses 1 map")


def test_pull_request_of_a_merge_is_found(threads: Threads) -> None:
    assert threads.merged_by("merged") == "7"
    with pytest.raises(NotRead, match="No pull request"):
        threads.merged_by("other")


def test_missing_page_could_not_be_read(threads: Threads) -> None:
    with pytest.raises(NotRead, match="no page of stack 'uat'"):
        threads.fetch("7", "uat")


def test_text_that_is_no_page_is_not_written(service: Service, threads: Threads) -> None:
    with pytest.raises(UserError, match="no page"):
        threads.put("7", "hello")
    assert service.requests == []


@pytest.mark.parametrize("answer", [httpx.Response(403), httpx.ConnectError("refused")])
def test_refusal_and_silence_of_the_service_are_one_line(answer: httpx.Response | httpx.ConnectError) -> None:
    def answers(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(NotRead, match="Azure DevOps"):
        Threads(BUILD, httpx.MockTransport(answers)).fetch("7", "uat")


@pytest.mark.parametrize(("arguments", "code"), [(["put", "page.md"], 1), (["fetch"], 1), ([], 1)])
def test_wrong_call_ends_in_one_line(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments, {}) == code
    assert len(capsys.readouterr().err.splitlines()) == 1
