"""Keeps facts: one protocol, several backends."""
