"""Two namespaces of a store read as one: a user's, and behind it a shared one."""
