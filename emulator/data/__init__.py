"""What the emulated instances are made of, as data: the standard maps and the tables of both planes."""
