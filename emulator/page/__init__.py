"""What the page for people shows: typed views of the tenant, and the templates and files that make HTML of them.

Each module turns one part of the tenant into frozen dataclasses; `emulator.server.page` serves them. A view holds
moments, never ages, so that it is equal to the one of before as long as nothing happened.
"""
