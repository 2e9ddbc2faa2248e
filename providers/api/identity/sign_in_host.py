"""One exchange with the login host, whose silence means the same to all who ask it."""

from providers.api.transport.clouds import CloudProfile, emulator_not_running
from providers.api.transport.connection import Connection, NoReply, Outgoing, Reply
from providers.api.transport.errors import TransportError


def reply_of(connection: Connection, request: Outgoing, profile: CloudProfile, wanted: str) -> Reply:
    """The answer to one request. Raises `TransportError` with what was `wanted`, or `EmulatorNotRunning`."""
    try:
        return connection.exchange(request)
    except NoReply as error:
        if profile.proxy and error.nobody_there:
            raise emulator_not_running(f"nothing answers at {profile.proxy}") from error
        raise TransportError(f"no {wanted} from {profile.authority}: {error}", service="identity") from error
