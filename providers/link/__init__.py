"""The dual-write link of a pair: finding it, its legal entities, access rights, map solutions, the health check."""
