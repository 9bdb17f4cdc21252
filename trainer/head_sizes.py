"""Which sizes of attention heads can be trained."""

from __future__ import annotations

from lamlam.errors import BadSettings


def check_heads(family: str, width: int, heads: int, kv_heads: int, head_dim: int) -> None:
    """Raise if a model cannot have such heads.

    Args:
        head_dim: 0 for ``width / heads``.

    Raises:
        BadSettings: the sizes contradict each other.
    """
    if family == "gpt2":
        if head_dim not in (0, width // heads):
            raise BadSettings(
                f"model.head_dim is {head_dim}, but a head of GPT-2 is "
                "model.width / model.heads wide",
                hint="leave model.head_dim out",
            )
    elif heads % kv_heads:
        raise BadSettings(
            f"model.heads ({heads}) must be a multiple of model.kv_heads ({kv_heads})"
        )
    if not head_dim and width % heads:
        raise BadSettings(
            f"model.width ({width}) must be a multiple of model.heads ({heads}) "
            "where model.head_dim is not given"
        )
    if head_dim < 0 or (head_dim or width // heads) % 2:
        raise BadSettings(
            "a head must be an even number of values wide: correct model.head_dim, or "
            "model.width and model.heads"
        )
