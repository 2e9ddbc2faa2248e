"""One session per cloud and process: shared, thread-safe clients, built when first asked for."""

from .app_management import AppManagement
from .clouds import CloudProfile
from .dataverse import Dataverse
from .dual_write import DualWriteManagement
from .finance_operations import FinanceOperations
from .power_platform import PowerPlatform


class Session:
    """The clients of one cloud. Everything is lazy: making a session contacts nothing."""

    profile: CloudProfile

    @property
    def power_platform(self) -> PowerPlatform:
        """Environments and catalogues."""
        raise NotImplementedError

    @property
    def app_management(self) -> AppManagement:
        """Application packages."""
        raise NotImplementedError

    @property
    def dual_write(self) -> DualWriteManagement:
        """The dual-write management service; raises `TokenMissing` when no delegated token is configured."""
        raise NotImplementedError

    def dataverse(self, host_or_url: str) -> Dataverse:
        """The Web API of one organization. Raises `ForeignHost` outside the cloud."""
        raise NotImplementedError

    def finance_operations(self, host_or_url: str) -> FinanceOperations:
        """The OData service of one F&O environment. Raises `ForeignHost` outside the cloud."""
        raise NotImplementedError

    def close(self) -> None:
        """Close all connections."""
        raise NotImplementedError


def session(cloud: str, *, gateway: str | None = None, tokens: str | None = None) -> Session:
    """The session of this process for a cloud and a dual-write gateway (default: the profile's).

    `tokens="prove"` takes the identity of DUALWRITE_PROVE_CLIENT_ID and DUALWRITE_PROVE_CLIENT_SECRET.
    """
    raise NotImplementedError


def close_all() -> None:
    """Close all sessions of this process."""
    raise NotImplementedError
