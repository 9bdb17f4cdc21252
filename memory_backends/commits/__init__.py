"""Plan what a commit or an erasure changes, before a backend writes it: pure functions."""
