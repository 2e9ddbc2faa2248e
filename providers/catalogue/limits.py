"""The documented limits of dual-write, and of an environment that F&O is installed on. Data only.

Companies and rows: dual-write-semantics.md 1.8, 8 and 10. Name and domain: power-platform-api.md 14.4.
"""

# Companies of a link in live sync, and of one whose maps have an initial sync.
LIVE_COMPANIES_LIMIT = 250
COMPANIES_LIMIT = 40
# Rows a company and run of an initial sync: of any map, and from Dataverse into a table that is imported in one thread.
ROWS_LIMIT = 500_000
SINGLE_THREADED_LIMIT = 70_000
# Characters of the display name and of the domain where F&O is installed.
FINOPS_NAME_LIMIT = 20
FINOPS_DOMAIN_LIMIT = 19
