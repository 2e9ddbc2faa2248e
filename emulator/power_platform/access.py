"""Who may use the admin APIs: people, and applications that a person has registered (power-platform-api.md 2)."""

from emulator.core.routing import NotModelledError
from emulator.core.wire import Call, Reply
from emulator.power_platform.answers import BAP_API_VERSIONS, check_api_version, refusal
from emulator.tenant import Handler, Tenant

_KIND = "power_platform.admin_application"


def registered_only(handler: Handler) -> Handler:
    """Let a handler answer only people and registered applications; others get the 403 that clients recognise."""

    def guarded(tenant: Tenant, call: Call) -> Reply:
        caller = call.caller
        if caller is None or (caller.user is None and not is_registered(tenant, caller.app_id or "")):
            who = caller.object_id if caller else ""
            text = (
                f"The service principal with id '{who}' for application {caller.app_id if caller else ''} does not "
                f"have permission to access the path 'https://{call.host}{call.path}' in the tenant."
            )
            # Source: power-platform-api.md 2
            raise refusal(403, "Forbidden", text)
        return handler(tenant, call)

    return guarded


def is_registered(tenant: Tenant, app_id: str) -> bool:
    """Return whether an application is an admin management application."""
    document = tenant.store.get(_KIND, app_id.lower())
    if document is not None:
        return bool(document["registered"])
    application = tenant.identity.directory.application(app_id)
    return application is not None and application.management


def list_applications(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /adminApplications`."""
    check_api_version(call, BAP_API_VERSIONS)
    known = {one.app_id.lower() for one in tenant.identity.directory.applications()}
    known |= {key for key, _ in tenant.store.items(_KIND)}
    return Reply(json={"value": [{"applicationId": one} for one in sorted(known) if is_registered(tenant, one)]})


def get_application(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /adminApplications/{clientId}`; 404 when it is not registered."""
    check_api_version(call, BAP_API_VERSIONS)
    return Reply(json={"applicationId": _registered(tenant, call)})


def register_application(tenant: Tenant, call: Call) -> Reply:
    """Answer `PUT /adminApplications/{clientId}`: by a person only, and without a body."""
    check_api_version(call, BAP_API_VERSIONS)
    if call.caller is None or call.caller.user is None:
        # Documented: Microsoft Learn, Create a service principal application using the API: it cannot register itself
        raise refusal(403, "Forbidden", "A service principal cannot register an admin management application.")
    if call.body.strip():
        raise NotModelledError("a registration with a body")
    app_id = call.parameters["client_id"].lower()
    tenant.store.put(_KIND, app_id, {"registered": True})
    return Reply(json={"applicationId": app_id})


def remove_application(tenant: Tenant, call: Call) -> Reply:
    """Answer `DELETE /adminApplications/{clientId}`."""
    check_api_version(call, BAP_API_VERSIONS)
    tenant.store.put(_KIND, _registered(tenant, call), {"registered": False})
    return Reply(204)


def _registered(tenant: Tenant, call: Call) -> str:
    app_id = call.parameters["client_id"].lower()
    if not is_registered(tenant, app_id):
        # Documented: RFC 9110, 15.5.5
        raise refusal(404, "AdminApplicationNotFound", f"The application '{app_id}' is not registered.")
    return app_id
