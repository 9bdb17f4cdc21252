"""Synthetic documents about entities that do not exist."""
