"""Facts as resources: read, search, history, change, erase."""
