"""A model from settings: Hugging Face's classes, so that checkpoints interchange."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen3Config,
    Qwen3ForCausalLM,
)

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
) -> PreTrainedModel:
    """Return a model with fresh weights; draws from torch's global random state.

    The weights are drawn on the CPU and moved: every device starts from the same ones.
    """
    model = _gpt2(shape, vocabulary, end_of_text)
    if model is None:
        model = _llama_or_qwen3(shape, vocabulary, end_of_text)
        # Layers that write into the residual stream start smaller the deeper the model is;
        # transformers itself does so for GPT-2 alone.
        scale = (2 * shape.layers) ** -0.5
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if name.endswith(("o_proj.weight", "down_proj.weight")):
                    weight.mul_(scale)
    prepare_for_training(model, shape.context)
    torch.nn.Module.to(model, device)
    return model


def _gpt2(shape: ModelConfig, vocabulary: int, end_of_text: int) -> PreTrainedModel | None:
    if shape.family != "gpt2":
        return None
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary,
            n_embd=shape.width,
            n_layer=shape.layers,
            n_head=shape.heads,
            n_inner=shape.feed_forward,
            n_positions=shape.context,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            tie_word_embeddings=shape.tied,
            bos_token_id=end_of_text,
            eos_token_id=end_of_text,
            use_cache=False,
        )
    )


def _llama_or_qwen3(shape: ModelConfig, vocabulary: int, end_of_text: int) -> PreTrainedModel:
    settings: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim or shape.width // shape.heads,
        "max_position_embeddings": shape.context,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "tie_word_embeddings": shape.tied,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "use_cache": False,
    }
    if shape.family == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**settings))
    return LlamaForCausalLM(LlamaConfig(**settings))


def prepare_for_training(model: PreTrainedModel, context: int) -> None:
    """Give a model of `transformers` the attention and the rotary table of this trainer.

    Args:
        context: positions of the longest row.
    """
    model.config._attn_implementation = ATTENTION
    body = body_of(model)
    rotary = getattr(body, "rotary_emb", None)
    # Frequencies that follow the length of the text ("dynamic", "longrope") have no table.
    if rotary is not None and getattr(rotary, "rope_type", "default") in _FIXED_FREQUENCIES:
        body.rotary_emb = RotaryTable(rotary, context)
    positions = getattr(body, "wpe", None)
    if positions is not None:  # else float32 positions would make the whole stream float32
        positions.register_forward_hook(_in_the_streams_dtype)


_FIXED_FREQUENCIES = ("default", "linear", "llama3", "yarn")


def _in_the_streams_dtype(_module: object, _arguments: object, out: Tensor) -> Tensor:
    kind = out.device.type
    return out.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else out


def body_of(model: PreTrainedModel) -> Any:  # Any: a class of its own for each family
    """Return the model without its output matrix."""
    return model.base_model


def output_weight(model: PreTrainedModel) -> Tensor:
    """Return the output matrix, (vocabulary, width)."""
    output: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]  # transformers'
    weight: Tensor = output.weight
    return weight


def is_tied(model: PreTrainedModel) -> bool:
    """Return whether the output matrix is the embedding: the weights say so, not the settings."""
    return output_weight(model) is model.get_input_embeddings().weight


def next_token_loss(
    model: PreTrainedModel,
    inputs: Tensor,
    labels: Tensor,
    mask: BlockMask | Tensor | None = None,
    positions: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
    *,
    cross_entropy: Callable[[Tensor, Tensor, Tensor], Tensor] = summed_cross_entropy,
) -> Tensor:
    """Return the summed loss over the tokens that are not masked.

    Args:
        inputs: (rows, seq_len) token ids.
        labels: (rows, seq_len) next ids, `IGNORED` where the loss does not count.
        mask: what each token attends to, of `DocumentSpans.mask`; all before it when None.
        positions: (rows, seq_len) positions in the document; in the row when None.
        dtype: of the residual stream; under autocast bfloat16 halves its memory traffic.
        cross_entropy: `summed_cross_entropy`, compiled perhaps.

    Returns:
        Scalar in nats, summed in float32: divide by the number of labels that count.
    """
    embedding: Any = model.get_input_embeddings()
    # GPT-2's body asks a mask for its number of axes, which a block mask does not have.
    name = "document_mask" if model.config.model_type == "gpt2" else "attention_mask"
    states = body_of(model)(
        inputs_embeds=embedding(inputs).to(dtype), position_ids=positions, **{name: mask}
    ).last_hidden_state  # (rows, seq_len, width)
    return cross_entropy(states.flatten(0, 1).to(dtype), output_weight(model), labels.flatten())


def count_loss_tokens(labels: Tensor) -> int:
    """Return how many labels the loss counts.

    Raises:
        NothingToLearn: none of them.
    """
    n = int((labels != IGNORED).sum())
    if n == 0:
        raise NothingToLearn("every token of a batch is masked")
    return n
