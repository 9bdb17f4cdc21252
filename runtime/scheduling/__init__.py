"""Run many sequences in one llama.cpp context: continuous batching, KV cache, lookups."""
