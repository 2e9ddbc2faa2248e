"""Set-up, the commands behind the Makefile, and small developer scripts."""
