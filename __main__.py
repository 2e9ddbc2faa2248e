"""One stack is one dual-write pair: read the stack file, build the pair, export what it is."""

from datetime import UTC, datetime

import pulumi

from components.config import load
from components.dual_write_pair import DualWritePair
from components.stack import NAMESPACE


def main() -> None:
    """Declare the pair of the running stack."""
    today = datetime.now(UTC).date()
    stack = load(pulumi.Config(NAMESPACE), today)
    pair = DualWritePair("pair", stack, today)
    for name, value in pair.outputs.items():
        pulumi.export(name, value)


main()
