"""Measures of a model with its memory: completion, invented entities, perplexity."""
