"""A GGUF file as a Hugging Face checkpoint: configuration, weights and tokenizer, to train on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lamlam.errors import BadCheckpoint, BadModelFile, MissingExtra
from lamlam.quant.architectures import TensorRule, Weights, read_architecture
from lamlam.quant.rope_scaling import FREQUENCIES, KEYS, llama3_divisors
from lamlam.quant.sentencepiece_bpe import tokenizer_state
from lamlam.quant.splitting import SPLITTINGS, splitting_of
from lamlam.quant.vocabularies import TokenType
from lamlam.runtime.llama.gguf_file import read_header

_NOT_FROM_TEXT = (TokenType.UNKNOWN, TokenType.CONTROL, TokenType.UNUSED, TokenType.BYTE)


class GgufCheckpoint:
    """What a GGUF file says, in the words of Hugging Face; weights are read one at a time."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            BadCheckpoint: not a whole GGUF file, or one of a kind that cannot be trained on.
        """
        self.path = path
        try:
            self._header = read_header(path)
        except BadModelFile as problem:
            raise BadCheckpoint(str(problem), hint=problem.hint) from None
        self._said: Mapping[str, Any] = self._header.metadata
        self._tensors = {tensor.name: tensor for tensor in self._header.tensors}
        self.config = self._config()
        """As ``config.json`` would have it."""
        self._architecture = read_architecture(self.config)

    @property
    def end_of_text(self) -> str:
        """Text of the token that ends a generation."""
        number = self._said.get("tokenizer.ggml.eos_token_id")
        tokens = self._tokens()
        if type(number) is not int or not 0 <= number < len(tokens):
            raise BadCheckpoint(f"{self.path} names no end-of-text token")
        return tokens[number]

    @property
    def chat_template(self) -> str | None:
        """Its chat template, if it has one."""
        template = self._said.get("tokenizer.chat_template")
        return template if isinstance(template, str) else None

    def _value(self, key: str, kind: type = int) -> Any:
        name = f"{self._said.get('general.architecture')}.{key}"
        value = self._said.get(name)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise BadCheckpoint(f"{self.path}: {name} is {value!r}, expected {kind.__name__}")
        return value

    def _config(self) -> dict[str, Any]:
        name = str(self._said.get("general.architecture"))
        if name not in _CONFIGS:
            raise BadCheckpoint(
                f"{self.path} holds a model of architecture {name!r}, which is not trained here",
                hint=f"known: {', '.join(_CONFIGS)}",
            )
        embedding = self._tensors.get("token_embd.weight")
        if embedding is None:
            raise BadCheckpoint(f"{self.path} has no tensor token_embd.weight")
        common = {
            "model_type": name,
            "vocab_size": int(embedding.shape[-1]),
            "tie_word_embeddings": "output.weight" not in self._tensors,
        }
        return {**common, **_CONFIGS[name](self)}

    def llama_config(self) -> dict[str, Any]:
        """Return what a Llama or a Qwen 3 has in ``config.json``."""
        name = self._said["general.architecture"]
        scaling = self._said.get(f"{name}.rope.scaling.type", "none")
        if scaling != "none":
            raise BadCheckpoint(
                f"{self.path} scales its rotary positions ({scaling}), which cannot be trained here"
            )
        width, n_heads = self._value("embedding_length"), self._value("attention.head_count")
        head_width = self._said.get(f"{name}.attention.key_length", width // n_heads)
        theta = float(self._said.get(f"{name}.rope.freq_base", 10_000.0))
        return {
            "architectures": ["Qwen3ForCausalLM" if name == "qwen3" else "LlamaForCausalLM"],
            "hidden_size": width,
            "intermediate_size": self._value("feed_forward_length"),
            "num_hidden_layers": self._value("block_count"),
            "num_attention_heads": n_heads,
            "num_key_value_heads": self._said.get(f"{name}.attention.head_count_kv", n_heads),
            "head_dim": head_width,
            "hidden_act": "silu",
            "max_position_embeddings": self._value("context_length"),
            "rms_norm_eps": self._value("attention.layer_norm_rms_epsilon", float),
            "rope_parameters": {**self._rope(head_width, theta), "rope_theta": theta},
        }

    def _rope(self, head_width: int, theta: float) -> dict[str, Any]:
        """Return the settings that give the file's divisors of the frequencies."""
        tensor = self._tensors.get(FREQUENCIES)
        if tensor is None:
            return {"rope_type": "default"}
        start = self._header.data_offset + tensor.offset
        divisors = np.fromfile(self.path, np.float32, head_width // 2, offset=start)
        # The file has the result alone. These are the settings of all Llamas from 3.1 on.
        usual = (float(divisors.max()), 1.0, 4.0, 8192)
        rope = {"rope_type": "llama3", **dict(zip(KEYS, usual, strict=True))}
        if tensor.type_name != "F32" or not np.allclose(
            llama3_divisors(rope, head_width, theta), divisors, rtol=1e-4
        ):
            raise BadCheckpoint(
                f"{self.path} scales its rotary positions in a way of its own",
                hint="name the model's Hugging Face folder instead",
            )
        return rope

    def gpt2_config(self) -> dict[str, Any]:
        """Return what a GPT-2 has in ``config.json``."""
        return {
            "architectures": ["GPT2LMHeadModel"],
            "n_embd": self._value("embedding_length"),
            "n_inner": self._value("feed_forward_length"),
            "n_layer": self._value("block_count"),
            "n_head": self._value("attention.head_count"),
            "n_positions": self._value("context_length"),
            "layer_norm_epsilon": self._value("attention.layer_norm_epsilon", float),
        }

    def weights(self) -> Iterator[tuple[str, Weights]]:
        """Yield each tensor by its name in Hugging Face, as float32.

        Raises:
            BadCheckpoint: a tensor is missing, unknown, or of another shape than expected.
        """
        known = {rule.target for rule in self._architecture.rules}
        known |= self._architecture.constants.keys()
        unknown = sorted(self._tensors.keys() - known)
        if unknown:
            raise BadCheckpoint(
                f"{self.path}: {len(unknown)} tensors have no place in a {self._architecture.name}"
                f" model, the first: {unknown[0]}"
            )
        data = np.memmap(self.path, np.uint8, "r")
        for rule in self._architecture.rules:
            yield rule.source, self._read(data, rule)

    def _read(self, data: Any, rule: TensorRule) -> Weights:
        try:
            import gguf
        except ImportError:
            raise MissingExtra("train", "gguf") from None
        tensor = self._tensors.get(rule.target)
        if tensor is None:
            raise BadCheckpoint(f"{self.path} has no tensor {rule.target}")
        kind = gguf.GGMLQuantizationType[tensor.type_name]
        shape = tuple(reversed(tensor.shape))
        in_block, block_bytes = gguf.GGML_QUANT_SIZES[kind]
        start = self._header.data_offset + tensor.offset
        n_bytes = int(np.prod(shape)) // in_block * block_bytes
        raw = data[start : start + n_bytes].reshape(*shape[:-1], -1)
        try:
            values: Weights = gguf.dequantize(raw, kind).astype(np.float32).reshape(shape)
        except NotImplementedError:
            raise BadCheckpoint(
                f"{self.path}: {rule.target} has the type {tensor.type_name}, which cannot be read",
                hint="fetch the model in F16, Q8_0 or a K type",
            ) from None
        if rule.undo is not None:
            values = rule.undo(values)
        if values.shape != rule.shape or not np.isfinite(values).all():
            raise BadCheckpoint(
                f"{self.path}: {rule.target} does not have the shape that the file's own settings "
                "ask for, or values that are no finite numbers"
            )
        return values

    def _tokens(self) -> list[str]:
        tokens = self._said.get("tokenizer.ggml.tokens")
        if not isinstance(tokens, list) or not tokens:
            raise BadCheckpoint(f"{self.path} has no tokenizer")
        return tokens

    def tokenizer(self) -> dict[str, Any]:
        """Return its ``tokenizer.json``.

        Raises:
            BadCheckpoint: a tokenizer of a kind or with a splitting that is not known here.
        """
        tokens = self._tokens()
        types = self._said.get("tokenizer.ggml.token_type") or [TokenType.NORMAL] * len(tokens)
        while tokens and types[len(tokens) - 1] == TokenType.UNUSED:  # rows without a token
            tokens = tokens[:-1]
        if len(set(tokens)) < len(tokens):
            raise BadCheckpoint(f"{self.path}: two of its tokens have the same text")
        kind = self._said.get("tokenizer.ggml.model")
        if kind == "gpt2":
            state = self._byte_level(tokens)
        elif kind == "llama":
            scores = self._said.get("tokenizer.ggml.scores") or [0.0] * len(tokens)
            text = {
                token: scores[n] for n, token in enumerate(tokens) if types[n] not in _NOT_FROM_TEXT
            }
            has_prefix = self._said.get("tokenizer.ggml.add_space_prefix", True)
            has_prefix = has_prefix or self._said.get("lamlam.text_start") == " "
            state = tokenizer_state(tokens, text, has_prefix=bool(has_prefix))
        else:
            raise BadCheckpoint(
                f"{self.path} has a tokenizer of kind {kind!r}, which is not known here",
                hint="known: gpt2 (byte-level BPE) and llama (SentencePiece)",
            )
        state["added_tokens"] = [
            {
                "id": number,
                "content": token,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": types[number] != TokenType.USER_DEFINED,
            }
            for number, token in enumerate(tokens)
            if types[number] in (TokenType.CONTROL, TokenType.UNKNOWN, TokenType.USER_DEFINED)
        ]
        return state

    def _byte_level(self, tokens: list[str]) -> dict[str, Any]:
        pre = str(self._said.get("tokenizer.ggml.pre", "none"))
        splitting = splitting_of(pre)
        if splitting is None:
            raise BadCheckpoint(
                f"{self.path} splits text by the rule {pre!r}, which is not known here",
                hint=f"known: {', '.join(SPLITTINGS)}; or name the model's Hugging Face folder",
            )
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "normalizer": splitting.normalizer,
            "pre_tokenizer": splitting.pre_tokenizer,
            "post_processor": None,
            "decoder": {
                "type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                "use_regex": True,
            },
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": splitting.ignore_merges,
                "vocab": {token: number for number, token in enumerate(tokens)},
                "merges": self._said.get("tokenizer.ggml.merges") or [],
            },
        }  # fmt: skip


_CONFIGS: dict[str, Callable[[GgufCheckpoint], dict[str, Any]]] = {
    "llama": GgufCheckpoint.llama_config,
    "qwen3": GgufCheckpoint.llama_config,
    "gpt2": GgufCheckpoint.gpt2_config,
}
