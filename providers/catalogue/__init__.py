"""What is known of dual-write without asking: the standard maps and the choice of them, limits, codes, places. Pure."""
