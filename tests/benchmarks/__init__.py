"""Measurements beside other software."""
