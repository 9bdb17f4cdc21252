"""Keep facts in one SQLite file."""
