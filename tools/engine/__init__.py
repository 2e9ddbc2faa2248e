"""The Pulumi engine: its pins, its companion scripts and the builder."""
