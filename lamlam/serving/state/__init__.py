"""What all parts of a server share: engine and memory, settings, counts of what is under way."""
