"""Answers that are not a success, and how the description of the server tells of them."""
