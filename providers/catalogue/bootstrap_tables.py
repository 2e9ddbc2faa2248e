"""The tables that a bootstrap stamps by default. Data only.

Source: the sample program of dual-write-semantics.md 6.2. Which other tables have a business unit is in the metadata of
Dataverse, and the provider asks it.
"""

DEFAULT_TABLES = ("accounts", "contacts", "products")
# The sample program joins no business unit to product rows.
WITHOUT_BUSINESS_UNIT = frozenset({"products"})
