"""State the laws that every backend keeps, one suite a module."""
