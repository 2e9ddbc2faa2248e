"""Package data of the program: the list of standard maps."""
