"""Entra ID of the demo tenant: who exists, the tokens they get, and the endpoints that hand them out."""
