"""How each architecture maps to GGUF: names, shapes and hyperparameters.

An architecture is one function from ``config.json`` to an `Architecture`; it
reads no weights, so every name and shape is checked before a byte is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import BadCheckpoint
from lamlam.quant.rope_scaling import FREQUENCIES, KEYS, llama3_divisors

Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TensorRule:
    """One tensor of the checkpoint and what becomes of it."""

    source: str
    target: str
    shape: tuple[int, ...]
    """Shape in the checkpoint, slowest-varying axis first."""
    change: Callable[[Weights], Weights] | None = None
    undo: Callable[[Weights], Weights] | None = None
    """The inverse of ``change``, for a model that is read from a GGUF file."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The plan of an export."""

    name: str
    """llama.cpp's name, which begins the keys of ``hyperparameters``."""
    hyperparameters: dict[str, int | float]
    rules: tuple[TensorRule, ...]
    n_rows: int
    """Rows of the embedding."""
    ignored: frozenset[str] = frozenset()
    """Tensors that some checkpoints hold and no model needs (masks, tied copies)."""
    optional_prefix: str = ""
    """Some files leave this out in front of their names."""
    constants: Mapping[str, Weights] = field(default_factory=dict)
    """Tensors that follow from the settings, by their name in the file."""


def read_architecture(config: dict[str, Any]) -> Architecture:
    """Return the plan for a ``config.json``.

    Raises:
        BadCheckpoint: an architecture or a setting that cannot be exported.
    """
    # A configuration saved without its model names no class, only the model's type.
    type_class = _CLASSES.get(str(config.get("model_type")))
    name = str((config.get("architectures") or [type_class])[0])
    reader = _READERS.get(name)
    if reader is None:
        raise BadCheckpoint(
            f"models of class {name} cannot be exported",
            hint=f"supported: {', '.join(_READERS)}",
        )
    return reader(config)


def _llama(config: dict[str, Any], name: str = "llama") -> Architecture:
    is_qwen = name == "qwen3"
    width, n_layers = _whole(config, "hidden_size"), _whole(config, "num_hidden_layers")
    n_heads = _whole(config, "num_attention_heads")
    n_kv_heads = _whole(config, "num_key_value_heads", n_heads)
    feed_forward, n_rows = _whole(config, "intermediate_size"), _whole(config, "vocab_size")
    # A configuration without a width has the family's own.
    head_width = _whole(config, "head_dim", 128 if is_qwen else width // n_heads)
    if n_heads % n_kv_heads:
        raise BadCheckpoint(f"{n_heads} heads do not divide among {n_kv_heads} key-value heads")
    _expect(config, "hidden_act", "silu")
    q_width, kv_width = n_heads * head_width, n_kv_heads * head_width
    tied = _flag(config, "tie_word_embeddings", False)
    theta, scaling = _rope(config)
    if scaling and is_qwen:
        raise BadCheckpoint("rotary positions of type llama3 cannot be exported for Qwen 3")
    constants = {FREQUENCIES: llama3_divisors(scaling, head_width, theta)} if scaling else {}
    rules = [TensorRule("model.embed_tokens.weight", "token_embd.weight", (n_rows, width))]
    for layer in range(n_layers):
        a, b = f"model.layers.{layer}.", f"blk.{layer}."
        # llama.cpp rotates Qwen's halves as Hugging Face does.
        q_changes, k_changes = (
            (None, None)
            if is_qwen
            else (
                partial(interleave_rope_halves, n_heads=n),
                partial(separate_rope_halves, n_heads=n),
            )
            for n in (n_heads, n_kv_heads)
        )
        rules += [
            TensorRule(a + "input_layernorm.weight", b + "attn_norm.weight", (width,)),
            TensorRule(
                a + "self_attn.q_proj.weight", b + "attn_q.weight", (q_width, width), *q_changes
            ),
            TensorRule(
                a + "self_attn.k_proj.weight", b + "attn_k.weight", (kv_width, width), *k_changes
            ),
            TensorRule(a + "self_attn.v_proj.weight", b + "attn_v.weight", (kv_width, width)),
            TensorRule(a + "self_attn.o_proj.weight", b + "attn_output.weight", (width, q_width)),
            TensorRule(a + "post_attention_layernorm.weight", b + "ffn_norm.weight", (width,)),
            TensorRule(a + "mlp.gate_proj.weight", b + "ffn_gate.weight", (feed_forward, width)),
            TensorRule(a + "mlp.up_proj.weight", b + "ffn_up.weight", (feed_forward, width)),
            TensorRule(a + "mlp.down_proj.weight", b + "ffn_down.weight", (width, feed_forward)),
        ]
        if is_qwen:
            rules += [
                TensorRule(
                    f"{a}self_attn.{x}_norm.weight", f"{b}attn_{x}_norm.weight", (head_width,)
                )
                for x in "qk"
            ]
    rules.append(TensorRule("model.norm.weight", "output_norm.weight", (width,)))
    if not tied:
        rules.append(TensorRule("lm_head.weight", "output.weight", (n_rows, width)))
    return Architecture(
        name=name,
        hyperparameters={
            "context_length": _whole(config, "max_position_embeddings"),
            "embedding_length": width,
            "block_count": n_layers,
            "feed_forward_length": feed_forward,
            "attention.head_count": n_heads,
            "attention.head_count_kv": n_kv_heads,
            "attention.key_length": head_width,
            "attention.value_length": head_width,
            "attention.layer_norm_rms_epsilon": float(config.get("rms_norm_eps", 1e-6)),
            "rope.dimension_count": head_width,
            "rope.freq_base": theta,
            "vocab_size": n_rows,
        },
        rules=tuple(rules),
        constants=constants,
        n_rows=n_rows,
        # Older files hold the rotary frequencies, which follow from the settings.
        ignored=frozenset(
            ["lm_head.weight"] * tied
            + [f"model.layers.{n}.self_attn.rotary_emb.inv_freq" for n in range(n_layers)]
        ),
    )


def _gpt2(config: dict[str, Any]) -> Architecture:
    width, n_layers = _whole(config, "n_embd"), _whole(config, "n_layer")
    n_heads, n_rows = _whole(config, "n_head"), _whole(config, "vocab_size")
    context = _whole(config, "n_positions")
    feed_forward = _whole(config, "n_inner", 4 * width)
    if config.get("activation_function", "gelu_new") not in ("gelu_new", "gelu_pytorch_tanh"):
        _expect(config, "activation_function", "gelu_new")
    _expect(config, "scale_attn_by_inverse_layer_idx", False)
    _expect(config, "scale_attn_weights", True)
    tied = _flag(config, "tie_word_embeddings", True)
    rules = [
        TensorRule("transformer.wte.weight", "token_embd.weight", (n_rows, width)),
        TensorRule("transformer.wpe.weight", "position_embd.weight", (context, width)),
    ]
    for layer in range(n_layers):
        a, b = f"transformer.h.{layer}.", f"blk.{layer}."
        rules += [
            rule
            for source, target, n_out, n_in in (
                ("attn.c_attn", "attn_qkv", 3 * width, width),
                ("attn.c_proj", "attn_output", width, width),
                ("mlp.c_fc", "ffn_up", feed_forward, width),
                ("mlp.c_proj", "ffn_down", width, feed_forward),
            )
            for rule in (
                # GPT-2 keeps its matrices as (in, out), all others as (out, in).
                TensorRule(
                    f"{a}{source}.weight",
                    f"{b}{target}.weight",
                    (n_in, n_out),
                    np.transpose,
                    np.transpose,
                ),
                TensorRule(f"{a}{source}.bias", f"{b}{target}.bias", (n_out,)),
            )
        ]
        rules += [
            TensorRule(f"{a}{source}.{part}", f"{b}{target}.{part}", (width,))
            for source, target in (("ln_1", "attn_norm"), ("ln_2", "ffn_norm"))
            for part in ("weight", "bias")
        ]
    rules += [
        TensorRule(f"transformer.ln_f.{part}", f"output_norm.{part}", (width,))
        for part in ("weight", "bias")
    ]
    if not tied:
        rules.append(TensorRule("lm_head.weight", "output.weight", (n_rows, width)))
    return Architecture(
        name="gpt2",
        hyperparameters={
            "context_length": context,
            "embedding_length": width,
            "block_count": n_layers,
            "feed_forward_length": feed_forward,
            "attention.head_count": n_heads,
            "attention.layer_norm_epsilon": float(config.get("layer_norm_epsilon", 1e-5)),
        },
        rules=tuple(rules),
        n_rows=n_rows,
        ignored=frozenset(
            ["lm_head.weight"] * tied
            + [
                f"transformer.h.{n}.attn.{mask}"
                for n in range(n_layers)
                for mask in ("bias", "masked_bias")
            ]
        ),
        optional_prefix="transformer.",
    )


def interleave_rope_halves(weights: Weights, n_heads: int) -> Weights:
    """Reorder rows of a query or key matrix for llama.cpp's rotary layout.

    Hugging Face rotates row ``i`` of a head with row ``i + half``, llama.cpp
    rotates neighbours: row ``i`` moves to ``2 i``, row ``i + half`` to ``2 i + 1``.

    Args:
        weights: (n_heads * head_width, width).
    """
    n_out, n_in = weights.shape
    halves = weights.reshape(n_heads, 2, n_out // n_heads // 2, n_in)
    return halves.swapaxes(1, 2).reshape(n_out, n_in)


def separate_rope_halves(weights: Weights, n_heads: int) -> Weights:
    """Undo `interleave_rope_halves`.

    Args:
        weights: (n_heads * head_width, width).
    """
    n_out, n_in = weights.shape
    pairs = weights.reshape(n_heads, n_out // n_heads // 2, 2, n_in)
    return pairs.swapaxes(1, 2).reshape(n_out, n_in)


def _rope(config: dict[str, Any]) -> tuple[float, dict[str, Any] | None]:
    """Return the rotary base and, where frequencies are scaled as Llama 3 does, by what."""
    # Newer files put it into "rope_parameters", older ones beside "rope_scaling".
    stated: list[Any] = [config.get("rope_theta")]
    scaling: dict[str, Any] | None = None
    for key in ("rope_parameters", "rope_scaling"):
        rope = config.get(key) or {}
        if not isinstance(rope, dict):
            raise BadCheckpoint(f"config.json: {key} must be an object, got {rope!r}")
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind not in ("default", "llama3"):
            raise BadCheckpoint(f"rotary positions of type {kind} cannot be exported")
        used = KEYS if kind == "llama3" else ()
        scaling = rope if kind == "llama3" else scaling
        for name, value in rope.items():
            unused = value is None or (name in ("factor", "partial_rotary_factor") and value == 1)
            if name not in ("rope_type", "type", "rope_theta", *used) and not unused:
                raise BadCheckpoint(f"config.json: {key} has {name}, which cannot be exported")
        stated.append(rope.get("rope_theta"))
    bases = [theta for theta in stated if theta is not None] or [10_000.0]
    if any(theta != bases[0] for theta in bases):
        # transformers 4 keeps a `rope_parameters` that it does not use: which one is right shows
        # in no file.
        raise BadCheckpoint(
            f"config.json states several rotary bases (rope_theta): {', '.join(map(repr, bases))}",
            hint="keep the one that the model was trained with",
        )
    theta = bases[0]
    if type(theta) not in (int, float) or theta <= 0:
        raise BadCheckpoint(f"config.json: rope_theta must be a number above 0, got {theta!r}")
    return float(theta), scaling


def _whole(config: dict[str, Any], key: str, default: int | None = None) -> int:
    value = config.get(key)
    value = default if value is None else value
    if type(value) is not int or value < 1:
        raise BadCheckpoint(f"config.json: {key} must be a whole number above 0, got {value!r}")
    return value


def _flag(config: dict[str, Any], key: str, default: bool) -> bool:
    value = config.get(key, default)
    if type(value) is not bool:
        raise BadCheckpoint(f"config.json: {key} must be true or false, got {value!r}")
    return value


def _expect(config: dict[str, Any], key: str, expected: str | bool) -> None:
    value = config.get(key, expected)
    if value != expected:
        raise BadCheckpoint(f"config.json: {key} is {value!r}, only {expected!r} can be exported")


def _qwen3(config: dict[str, Any]) -> Architecture:
    layers = config.get("layer_types") or []
    if config.get("use_sliding_window") or any(kind != "full_attention" for kind in layers):
        raise BadCheckpoint("Qwen 3 models with a sliding window cannot be exported")
    return _llama(config, "qwen3")


_CLASSES = {
    "llama": "LlamaForCausalLM",
    "gpt2": "GPT2LMHeadModel",
    "qwen3": "Qwen3ForCausalLM",
}
_READERS: dict[str, Callable[[dict[str, Any]], Architecture]] = {
    "LlamaForCausalLM": _llama,
    "GPT2LMHeadModel": _gpt2,
    "Qwen3ForCausalLM": _qwen3,
}
