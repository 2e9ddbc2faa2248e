"""The oldest versions that dual-write takes (dual-write-semantics.md 3.3 and 4). Data only."""

OLDEST_FINOPS = "10.0.9"
OLDEST_DATAVERSE = "9.1.0000.11732"
