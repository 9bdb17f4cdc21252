"""Keep facts in a NetworkX graph in memory, with or without a file."""
