"""What all API clients share: HTTP, retries, errors, hosts, clouds, long operations, shapes on the wire."""
