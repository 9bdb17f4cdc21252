"""Turns checkpoints into small GGUF files."""
