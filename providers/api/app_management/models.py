"""Shapes of the appmanagement namespace (power-platform-api.md 14.7)."""

from typing import Any

from pydantic import AliasPath, Field

from providers.api.transport.wire import Wire


class ApplicationPackage(Wire):
    """An application package of an environment (14.7). `version` is the one on offer, not the installed one."""

    known_by = "unique_name"
    unique_name: str = Field("", validation_alias="uniqueName")
    name: str = Field("", validation_alias="localizedName")
    version: str = ""
    state: str = "None"
    error: Any = Field(None, validation_alias="errorDetails")
    application_id: str = Field("", validation_alias="applicationId")

    @property
    def installed(self) -> bool:
        """Whether the package is there, also when a template brought it."""
        return self.state in ("Installed", "TemplateInstalled")

    @property
    def installing(self) -> bool:
        """Whether an installation is on its way, so that none has to be requested."""
        return self.state in ("InstallRequested", "Installing", "InstallScheduled", "InstallRetrying")

    @property
    def failed(self) -> bool:
        """Whether the last installation failed."""
        return self.state == "InstallFailed"


class PackageOperation(Wire):
    """The state of one package installation: NotStarted, Running, Succeeded, Failed, Canceled."""

    id: str = Field("", validation_alias="operationId")
    status: str = "Running"
    status_message: str = Field("", validation_alias="statusMessage")
    error_name: str | None = Field(None, validation_alias=AliasPath("error", "errorName"))
    error_code: int | None = Field(None, validation_alias=AliasPath("error", "errorCode"))
    error_message: str = Field("", validation_alias=AliasPath("error", "message"))
    retry_after: float | None = None

    @property
    def finished(self) -> bool:
        """Whether the installation is over."""
        return self.status in ("Succeeded", "Failed", "Canceled")

    @property
    def succeeded(self) -> bool:
        """Whether the installation is over and went well."""
        return self.status == "Succeeded"
