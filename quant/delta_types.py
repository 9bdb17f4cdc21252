"""Which types the tensors of a pulled model get: chosen by measurement, for a file of 105 MB.

Rows of 576 values fill no block of a K type, rows of 1,536 do. What each choice costs:
docs/models.md, "A model that is pulled".
"""

from __future__ import annotations

from lamlam.quant.delta_model import AS_IT_IS
from lamlam.runtime.llama.gguf_file import TensorEntry


def type_of(entry: TensorEntry) -> str:
    """Return the type that is asked for a tensor of the ancestor."""
    if len(entry.shape) < 2:
        return AS_IT_IS
    return "Q6_K" if "ffn_down" in entry.name else "Q5_1"
