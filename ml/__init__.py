"""Learned models of remaining life."""
