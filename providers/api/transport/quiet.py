"""No library's logger reaches a terminal or the engine's log: they print headers, forms and broken answers whole."""

import logging

LIBRARIES = ("azure", "msal", "httpx", "httpcore", "urllib3", "requests")


def quieten() -> None:
    """End the loggers of the libraries where they begin, whatever handlers and levels the process has."""
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not any(isinstance(each, logging.NullHandler) for each in logger.handlers):
            logger.addHandler(logging.NullHandler())
