"""The standard maps as Microsoft ships them, and the choice of maps that a stack makes from them. Pure."""
