"""A delegated token of the demo administrator for the dual-write service, from the running emulator.

`python -m emulator.server.delegated_token <state folder>` prints it. Programs run that at each start, so nothing is
imported here that they would have to wait for.
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from emulator.core.files import BrokenFileError
from emulator.identity import directory
from emulator.server.state_folder import StateFolder, not_running

SECONDS = 30.0


class NoTokenError(Exception):
    """There is no token; the text is one line that says why."""


def delegated_token(state: Path) -> str:
    """Redeem the administrator's refresh token, as the dual-write page does."""
    running = StateFolder(state).running()
    if running is None:
        raise NoTokenError(not_running(state))
    proxy = urllib.request.ProxyHandler({"https": running.url})
    trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=running.ca))
    form = {
        "grant_type": "refresh_token",
        "client_id": directory.DATA_INTEGRATION_APP_ID,
        "refresh_token": directory.ADMINISTRATOR_REFRESH_TOKEN,
        "scope": f"{directory.DUAL_WRITE_AUDIENCE}/.default openid profile offline_access",
    }
    # Python's urllib leaves the proxy out for hosts that NO_PROXY names; here there is no other way.
    os.environ.pop("NO_PROXY", None)
    os.environ.pop("no_proxy", None)
    try:
        request = urllib.request.Request(
            f"https://{directory.AUTHORITY_HOST}/{StateFolder(state).tenant_id()}/oauth2/v2.0/token",
            data=urllib.parse.urlencode(form).encode(),
            headers={"Origin": "https://dataintegrator.trafficmanager.net"},
        )
        with urllib.request.build_opener(proxy, trust).open(request, timeout=SECONDS) as answer:
            return str(json.load(answer)["access_token"])
    except urllib.error.HTTPError as error:
        raise NoTokenError(f"The emulator gave no token: HTTP {error.code}.") from error
    except BrokenFileError as error:
        raise NoTokenError(str(error)) from error
    except (OSError, ValueError, KeyError) as error:
        raise NoTokenError(f"The emulator gave no token: {error}.") from error


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{delegated_token(Path(sys.argv[1]))}\n")
    except NoTokenError as error:
        sys.exit(str(error))
