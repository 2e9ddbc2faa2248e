"""The signal to stop, which every wait of every client sees within a second.

The protocol: the environment variable DUALWRITE_STOP_FILE names a file. Whoever started the run (`make`, whose
wrapper gets the first Ctrl-C or SIGTERM; the provider process is outside the terminal's process group and hears
nothing) creates the file, with any content. From then on every wait, retry and answer under way ends with
`Interrupted`, and no further request is sent. The file is never removed from here. Without the variable nothing stops.
"""

import os

from providers.api.transport.errors import Interrupted

STOP_FILE = "DUALWRITE_STOP_FILE"


def check() -> None:
    """Raises `Interrupted` once the signal to stop was given."""
    name = os.environ.get(STOP_FILE)
    if name and os.path.exists(name):  # noqa: PTH110 - asked often, and a path object costs more than the question
        raise Interrupted("interrupted; run `up` again to continue")
