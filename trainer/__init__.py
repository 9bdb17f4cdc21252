"""Pre-trains language models whose facts live in memory (needs the extra `train`)."""
