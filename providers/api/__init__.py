"""The API client package: transport, credentials, errors, long operations and one module per service.

Imports neither pulumi nor a resource module. Start at `session.session(cloud)`.
"""
