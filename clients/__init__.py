"""Typed clients of the API and gateways that feed it."""
