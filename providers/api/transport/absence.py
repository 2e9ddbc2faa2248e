"""When a 404 is the service's word that a thing is gone: only then may anything be dropped from the state.

A 404 of a proxy, a page, an empty body, or a code that nobody has seen says nothing about the thing: it is *not read*.
Codes with their source; "assumed" where no source shows the code of that case, and the emulator answers with it.
"""

from providers.api.transport.answers import Problem, Response

GONE_CODES = {
    "environmentnotfound": "power-platform-api.md 6 and 17",
    "billingpolicynotfound": "power-platform-api.md 17",
    "servicetoserviceenvironmentnotfound": "power-platform-api.md 6: a young environment, it passes",
    "0x80040217": "dual-write-semantics.md 12.2: a row that does not exist",
    "0x80060891": "dual-write-semantics.md 12.2: no row with this alternate key",
    "0x80060888": "dual-write-semantics.md 12.2: no such set or function",
    "0x8006088a": "Microsoft Learn, Troubleshoot Dataverse Web API client errors: no such set or function",
    "lifecycleoperationnotfound": "assumed",
    "operationnotfound": "assumed",
    "finopsenvironmentnotfound": "assumed",
    "applicationpackagenotfound": "assumed",
    "locationnotfound": "assumed",
    "resourcenotfound": "assumed: the code of Azure Resource Manager, whose error shape BAP has",
    "notfound": "assumed: the same",
}
# No source shows a code of these: there an error in the service's own shape counts (dual-write-semantics.md 12.1,
# dual-write-management-api.md 2.5).
WITHOUT_CODES = frozenset({"F&O", "dual-write"})


def says_gone(response: Response, problem: Problem, service: str) -> bool:
    """Whether the service itself says that what the call names does not exist."""
    if response.status not in (404, 410) or response.html or not response.object():
        return False
    return problem.code.lower() in GONE_CODES or (service in WITHOUT_CODES and bool(problem.message))
