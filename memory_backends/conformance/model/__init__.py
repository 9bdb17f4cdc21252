"""Compare a backend with an independent, slow and obvious model of a memory."""
