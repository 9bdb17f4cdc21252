"""Plan commits and erasures before a backend writes them: pure functions."""
