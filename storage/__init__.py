"""Durable record: readings with estimates, snapshots, alerts, inventory, users."""
