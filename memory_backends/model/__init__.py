"""Define facts, values, operations, lookups and keys: the types that all backends share."""
