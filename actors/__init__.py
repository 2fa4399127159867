"""Twins: equivalent circuit, filter, alert rules, and the shards that hold them."""
