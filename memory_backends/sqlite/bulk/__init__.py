"""Bulk load into a fact file: runs of facts by entity, then rows in the order of the table."""
