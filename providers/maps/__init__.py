"""Entity maps at work: run states, initial sync, integration keys, and the row counts that they are checked against."""
