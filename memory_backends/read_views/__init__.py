"""Stores to read that are made of other stores: a copy in memory, and two namespaces as one."""
