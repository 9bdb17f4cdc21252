"""Run GGUF models through llama.cpp, and look facts up while they write."""
