"""The demo tenant's people and applications, and those that a test or a seed adds."""

from dataclasses import asdict, dataclass

from emulator.core.store import Store

AUTHORITY_HOST = "login.microsoftonline.com"
# The id of tenants that have none of their own: those of older code, and those of tests.
TENANT_ID = "7f8b5a1c-2d34-4e56-9a78-b0c1d2e3f405"
TENANT_DOMAIN = "contoso.onmicrosoft.com"

DEMO_CLIENT_ID = "a1d0c3b2-5e4f-4a6b-8c7d-9e0f1a2b3c4d"
DEMO_CLIENT_SECRET = "demo-program-secret"  # noqa: S105 - opens nothing but the emulator
PROVE_CLIENT_ID = "b2e1d4c3-6f50-4b7c-9d8e-0f1a2b3c4d5e"
PROVE_CLIENT_SECRET = "demo-prove-secret"  # noqa: S105 - opens nothing but the emulator
UNREGISTERED_CLIENT_ID = "c3f2e5d4-7061-4c8d-ae9f-1a2b3c4d5e6f"
UNREGISTERED_CLIENT_SECRET = "demo-unregistered-secret"  # noqa: S105 - opens nothing but the emulator

ADMINISTRATOR_UPN = "admin@contoso.onmicrosoft.com"
ADMINISTRATOR_OBJECT_ID = "d403f6e5-8172-4d9e-bfa0-2b3c4d5e6f70"
ADMINISTRATOR_PASSWORD = "demo-administrator-password"  # noqa: S105 - opens nothing but the emulator
ADMINISTRATOR_REFRESH_TOKEN = "0.demo-administrator-refresh-token"  # noqa: S105 - opens nothing but the emulator

# First-party application of the dual-write web app; client and resource are one
# (dual-write-management-api.md 1.1).
DATA_INTEGRATION_APP_ID = "2e49aa60-1bd3-43b6-8ab6-03ada3d9f08b"
DUAL_WRITE_AUDIENCE = "https://IntegratorApp.com"

KIND_APPLICATION = "identity-application"
KIND_USER = "identity-user"


@dataclass(frozen=True)
class Application:
    """An application registration with its service principal.

    `management`: registered as admin management application from the start (power-platform-api.md 2).
    """

    app_id: str
    object_id: str
    name: str
    secret: str
    management: bool = False


@dataclass(frozen=True)
class User:
    """A person of the tenant."""

    upn: str
    object_id: str
    name: str
    password: str
    refresh_token: str


DEMO_PROGRAM = Application(
    DEMO_CLIENT_ID, "e514a7f6-9283-4eaf-80b1-3c4d5e6f7081", "Dual-write as code", DEMO_CLIENT_SECRET, management=True
)
PROVE = Application(PROVE_CLIENT_ID, "f625b807-a394-4fb0-91c2-4d5e6f708192", "Dual-write proof", PROVE_CLIENT_SECRET)
UNREGISTERED = Application(
    UNREGISTERED_CLIENT_ID, "0736c918-b4a5-40c1-a2d3-5e6f708192a3", "Unregistered", UNREGISTERED_CLIENT_SECRET
)
ADMINISTRATOR = User(
    ADMINISTRATOR_UPN,
    ADMINISTRATOR_OBJECT_ID,
    "Alex Administrator",
    ADMINISTRATOR_PASSWORD,
    ADMINISTRATOR_REFRESH_TOKEN,
)


class Directory:
    """Look-ups by application id and by upn, both case-blind."""

    def __init__(self, store: Store) -> None:
        """Read from, and add to, the tenant's store."""
        self._store = store
        self._applications = {item.app_id: item for item in (DEMO_PROGRAM, PROVE, UNREGISTERED)}
        self._users = {ADMINISTRATOR.upn: ADMINISTRATOR}

    def add_application(self, application: Application) -> None:
        """Register an application beyond the built-in ones."""
        self._store.put(KIND_APPLICATION, application.app_id.lower(), asdict(application))

    def add_user(self, user: User) -> None:
        """Add a person beyond the built-in ones."""
        self._store.put(KIND_USER, user.upn.lower(), asdict(user))

    def application(self, app_id: str) -> Application | None:
        """Return the application, or None."""
        document = self._store.get(KIND_APPLICATION, app_id.lower())
        return Application(**document) if document else self._applications.get(app_id.lower())

    def applications(self) -> list[Application]:
        """Return all applications, the built-in ones first."""
        return [*self._applications.values(), *(Application(**item) for _, item in self._store.items(KIND_APPLICATION))]

    def user(self, upn: str) -> User | None:
        """Return the person, or None."""
        document = self._store.get(KIND_USER, upn.lower())
        return User(**document) if document else self._users.get(upn.lower())

    def users(self) -> list[User]:
        """Return all people, the built-in ones first."""
        return [*self._users.values(), *(User(**item) for _, item in self._store.items(KIND_USER))]
