"""A memory as tools for agents: what a model reads of them, may pass to them, and gets back."""
