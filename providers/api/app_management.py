"""Application packages of an environment (power-platform-api.md 14.7)."""

from .power_platform_models import ApplicationPackage, PackageOperation


class AppManagement:
    """The `appmanagement` namespace of the Power Platform API. There is no uninstall."""

    def packages(self, environment_id: str, *, fresh: bool = False) -> dict[str, ApplicationPackage]:
        """All packages by unique name; shared by threads for a second."""
        raise NotImplementedError

    def install(self, environment_id: str, unique_name: str, payload: str | None = None) -> str:
        """Request an installation and return the operation id; `payload` is the `a=b|c=d` text of 14.6.

        Never re-sent blindly: `TransportError` with `may_have_happened` = look at the package's state.
        """
        raise NotImplementedError

    def operation(self, environment_id: str, operation_id: str) -> PackageOperation:
        """One poll of an installation."""
        raise NotImplementedError
