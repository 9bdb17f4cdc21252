"""Wrap llama.cpp: the only part of the runtime that imports llama_cpp."""
