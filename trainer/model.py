"""A Llama-shaped model from settings: Hugging Face's class, so that checkpoints interchange."""

from __future__ import annotations

import torch
import transformers
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask
from transformers import LlamaConfig, LlamaForCausalLM

from lamlam.errors import NothingToLearn, OutdatedPackage
from lamlam.extras import is_outdated
from lamlam.trainer.attention import ATTENTION
from lamlam.trainer.cross_entropy import summed_cross_entropy
from lamlam.trainer.packing import IGNORED
from lamlam.trainer.rotary_table import RotaryTable
from lamlam.trainer.settings import ModelConfig

# Here, before any document is read. Release 4 has no ``rope_parameters``: it would train with the
# default base, and config.json and the exported file would state the one in the settings.
if is_outdated("transformers", transformers.__version__):
    raise OutdatedPackage("transformers", transformers.__version__)


def build_model(
    shape: ModelConfig, vocabulary: int, end_of_text: int, device: torch.device | str = "cpu"
) -> LlamaForCausalLM:
    """Return a model with fresh weights; draws from torch's global random state.

    The weights are drawn on the CPU and moved: every device starts from the same ones.
    """
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.context,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=True,
        bos_token_id=end_of_text,
        eos_token_id=end_of_text,
        use_cache=False,
    )
    config._attn_implementation = ATTENTION
    model = LlamaForCausalLM(config)
    # Layers that write into the residual stream start smaller the deeper the model is.
    scale = (2 * shape.layers) ** -0.5
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.mul_(scale)
    model.model.rotary_emb = RotaryTable(model.model.rotary_emb, shape.context)
    torch.nn.Module.to(model, device)
    return model


def next_token_loss(
    model: LlamaForCausalLM,
    inputs: Tensor,
    labels: Tensor,
    mask: BlockMask | Tensor | None = None,
    positions: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return the summed loss over the tokens that are not masked.

    Args:
        inputs: (rows, seq_len) token ids.
        labels: (rows, seq_len) next ids, `IGNORED` where the loss does not count.
        mask: what each token attends to, of `DocumentSpans.mask`; all before it when None.
        positions: (rows, seq_len) positions in the document; in the row when None.
        dtype: of the residual stream; under autocast bfloat16 halves its memory traffic.

    Returns:
        Scalar in nats, summed in float32: divide by the number of labels that count.
    """
    body = model.model
    states = body(
        inputs_embeds=body.embed_tokens(inputs).to(dtype),
        attention_mask=mask,
        position_ids=positions,
    ).last_hidden_state  # (rows, seq_len, width)
    return summed_cross_entropy(states.flatten(0, 1), model.lm_head.weight, labels.flatten())


def count_loss_tokens(labels: Tensor) -> int:
    """Return how many labels the loss counts.

    Raises:
        NothingToLearn: none of them.
    """
    n = int((labels != IGNORED).sum())
    if n == 0:
        raise NothingToLearn("every token of a batch is masked")
    return n
