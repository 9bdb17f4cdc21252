"""Texts that clients ask for: begun, sent as they are written, and shown with where they are from."""
