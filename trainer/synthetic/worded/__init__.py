"""Synthetic documents that ask for facts in anyone's words."""
