"""Runs GGUF checkpoints through llama.cpp and asks memory while it writes."""
