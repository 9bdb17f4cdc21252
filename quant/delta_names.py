"""Names in the files of a difference to another model, which trainer and quantiser share."""

from __future__ import annotations

DELTA_FILE = "delta.safetensors"
"""Beside the checkpoint of a run with ``model.low_rank``."""
LOW_RANK_A, LOW_RANK_B = ".low_rank_a", ".low_rank_b"
"""Ends of the names of narrow matrices in it, behind that of the matrix."""
ROWS = ".rows"
"""End of the name of rows that replace rows of a matrix."""
LORA_A, LORA_B = ".lora_a", ".lora_b"
"""The same ends in a GGUF file, as llama.cpp has them for adapters."""
