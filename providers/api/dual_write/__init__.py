"""The dual-write management service, which is undocumented: each call says where it was seen."""
