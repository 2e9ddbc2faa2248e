"""Set-up, the commands behind the Makefile, and small developer scripts."""

import sys
from importlib.util import find_spec
from itertools import pairwise

if ("-m", "tools") in pairwise(sys.orig_argv) and find_spec("typer") is None:
    sys.exit("This Python has not what the commands need: run `.venv/bin/python -m tools`; `make setup` makes .venv.")
