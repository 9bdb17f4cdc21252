"""Models for tests: a tiny random Llama as a GGUF file, and one that plays scripts.

The tiny model's vocabulary is real (byte-level BPE, lookup tokens typed CONTROL), its
weights are noise. `ScriptedModel` stands in for llama.cpp where a test must decide
which token comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOOKUP_TEXTS = ("<|db_entity|>", "<|db_relationship|>", "<|db_return|>", "<|db_end|>")
END_OF_TEXT = "<|endoftext|>"
MERGES = ("t h", "Ġ th", "e r", "o r", "Ġth e", "i n", "a n", "Ġ b", "Ġb or", "Ġbor n")
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4

Script = Callable[[list[int]], int]
"""The tokens so far -> the token that the model finds likeliest."""


def byte_letters() -> list[str]:
    """Return GPT-2's printable stand-in for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain}
    letters |= {byte: chr(256 + n) for n, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


def vocabulary_texts(n_tokens: int = 0) -> list[str]:
    """Return the texts of all tokens: end of text, bytes, merges, fillers, lookup tokens."""
    texts = [END_OF_TEXT, *byte_letters(), *(merge.replace(" ", "") for merge in MERGES)]
    texts += [f"filler{n}" for n in range(n_tokens - len(texts) - len(LOOKUP_TEXTS))]
    return [*texts, *LOOKUP_TEXTS]


def write_tiny_model(
    path: Path,
    *,
    lookup_type: int = CONTROL,
    with_lookup_tokens: bool = True,
    context: int = 512,
    n_layers: int = 2,
    width: int = 64,
    n_heads: int = 4,
    n_kv_heads: int = 2,
    feed_forward: int = 128,
    n_tokens: int = 0,
    seed: int = 0,
    sealed: bool = True,
    metadata: dict[str, str | float | int | list[int]] | None = None,
    marks: Sequence[tuple[str, int]] = (),
) -> Path:
    """Write a random Llama model as GGUF (F32), with checksums, and return its path.

    Args:
        marks: more tokens, each with its type.
    """
    import gguf

    from lamlam.runtime.llama.checksum import PLACEHOLDERS, seal

    texts = vocabulary_texts(n_tokens)
    types = [CONTROL] + [NORMAL] * (len(texts) - 5) + [lookup_type] * 4
    if not with_lookup_tokens:
        texts, types = texts[:-4], types[:-4]
    texts += [text for text, _ in marks]
    types += [kind for _, kind in marks]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(n_layers)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(n_heads)
    writer.add_head_count_kv(n_kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // n_heads)
    add_vocabulary(writer, texts, types)
    values = {"lamlam.format_version": 1, **(PLACEHOLDERS if sealed else {}), **(metadata or {})}
    for key, value in values.items():
        writer.kv_data[0].pop(key, None)  # releases of gguf differ on a key that is there already
        if isinstance(value, str):
            writer.add_string(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, list):
            writer.add_array(key, value)
        else:
            writer.add_uint32(key, value)
    random = np.random.default_rng(seed)

    def noise(*shape: int) -> NDArray[np.float32]:
        scale = np.float32(1.5 / np.sqrt(shape[-1]))
        return random.standard_normal(shape, dtype=np.float32) * scale

    kv_width = width // n_heads * n_kv_heads
    writer.add_tensor("token_embd.weight", noise(len(texts), width))
    for layer in range(n_layers):
        block = f"blk.{layer}."
        writer.add_tensor(block + "attn_norm.weight", np.ones(width, np.float32))
        writer.add_tensor(block + "attn_q.weight", noise(width, width))
        writer.add_tensor(block + "attn_k.weight", noise(kv_width, width))
        writer.add_tensor(block + "attn_v.weight", noise(kv_width, width))
        writer.add_tensor(block + "attn_output.weight", noise(width, width))
        writer.add_tensor(block + "ffn_norm.weight", np.ones(width, np.float32))
        writer.add_tensor(block + "ffn_gate.weight", noise(feed_forward, width))
        writer.add_tensor(block + "ffn_up.weight", noise(feed_forward, width))
        writer.add_tensor(block + "ffn_down.weight", noise(width, feed_forward))
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if sealed:
        seal(path)
    return path


class ByteTokens:
    """A vocabulary of end of text (0), the 256 bytes (1 + byte) and the lookup tokens."""

    n_tokens = 261
    bos = 0
    entity, relationship, return_, end = 257, 258, 259, 260

    def tokenize(self, text: bytes, *, special: bool) -> list[int]:
        """Return one token for each byte, or the one token whose text this is."""
        if special and text.decode() in LOOKUP_TEXTS:
            return [257 + LOOKUP_TEXTS.index(text.decode())]
        return [1 + byte for byte in text]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the byte of a token; none for the others."""
        return bytes([token - 1]) if 1 <= token <= 256 else b""

    def eog_tokens(self) -> list[int]:
        """Return the one token that ends a text."""
        return [0]

    def token_types(self) -> list[int]:
        """Return CONTROL for all but bytes."""
        return [CONTROL] + [NORMAL] * 256 + [CONTROL] * 4

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text in which lookup tokens stand by name."""
        tokens: list[int] = []
        while text:
            for n, name in enumerate((END_OF_TEXT, *LOOKUP_TEXTS)):
                if text.startswith(name):
                    tokens.append(0 if n == 0 else 256 + n)
                    text = text[len(name) :]
                    break
            else:
                tokens += [1 + byte for byte in text[0].encode()]
                text = text[1:]
        return tokens


def add_vocabulary(writer: Any, texts: list[str], types: list[int]) -> None:  # Any: of gguf
    """Add a byte-level BPE vocabulary whose first token is both BOS and EOS."""
    writer.add_vocab_size(len(texts))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(texts)
    writer.add_token_types(types)
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)


def write_tiny_recurrent_model(path: Path) -> Path:
    """Write a random Mamba model as GGUF (F32), which can forget a text only as a whole."""
    import gguf

    from lamlam.runtime.llama.checksum import PLACEHOLDERS, seal

    width, inner, state, rank, window = 32, 64, 8, 4, 4
    texts = vocabulary_texts()[: -len(LOOKUP_TEXTS)]
    writer = gguf.GGUFWriter(str(path), "mamba")
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(2)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_ssm_conv_kernel(window)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    writer.add_layer_norm_rms_eps(1e-5)
    add_vocabulary(writer, texts, [CONTROL] + [NORMAL] * (len(texts) - 1))
    for name, value in PLACEHOLDERS.items():
        writer.add_string(name, value)
    random = np.random.default_rng(0)

    def noise(*shape: int) -> NDArray[np.float32]:
        return random.standard_normal(shape, dtype=np.float32) * np.float32(0.3)

    ones = np.ones(width, np.float32)
    writer.add_tensor("token_embd.weight", noise(len(texts), width))
    writer.add_tensor("output_norm.weight", ones)
    for n in range(2):
        for name, values in {
            "attn_norm.weight": ones,
            "ssm_in.weight": noise(2 * inner, width),
            "ssm_conv1d.weight": noise(inner, window),
            "ssm_conv1d.bias": noise(inner),
            "ssm_x.weight": noise(rank + 2 * state, inner),
            "ssm_dt.weight": noise(inner, rank),
            "ssm_dt.bias": noise(inner),
            "ssm_a": -np.abs(noise(inner, state)),
            "ssm_d": noise(inner),
            "ssm_out.weight": noise(width, inner),
        }.items():
            writer.add_tensor(f"blk.{n}.{name}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    seal(path)
    return path


class ScriptedModel:
    """Plays a script in place of a llama.cpp context and checks how it is used."""

    def __init__(
        self,
        script: Script,
        *,
        n_tokens: int = 261,
        n_batch: int = 64,
        n_context: int = 512,
        n_cells: int | None = None,
    ) -> None:
        self.script = script
        self.n_tokens = n_tokens
        self.n_batch = n_batch
        self.n_context = n_context
        self.unified_kv = n_cells is not None
        self.can_truncate = True
        self.n_cells = n_cells or 256 * n_context
        self.cells: dict[int, list[int]] = {}
        """What each sequence holds."""
        self.batches: list[list[int]] = []
        """The tokens of every batch, in order."""
        self._batch: list[int] = []
        self._rows: dict[int, list[int]] = {}
        self._next_rows: dict[int, list[int]] = {}

    @property
    def free_tokens(self) -> int:
        """Tokens that still fit into the batch."""
        return self.n_batch - len(self._batch)

    def add(
        self, sequence: int, tokens: Sequence[int], position: int, *, is_last: bool
    ) -> int | None:
        """Append to a sequence, which must end where the tokens begin."""
        cells = self.cells.setdefault(sequence, [])
        assert position == len(cells), "a gap or an overlap in the cache"
        assert len(tokens) <= self.free_tokens, "llama.cpp would abort"
        cells.extend(tokens)
        assert len(cells) <= self.n_context, "more tokens than the context holds"
        self._batch.extend(tokens)
        row = len(self._batch) - 1
        self._next_rows[row] = list(cells)
        return row if is_last else None

    def decode(self) -> None:
        """The batch is evaluated."""
        assert self._batch, "an empty batch"
        assert sum(map(len, self.cells.values())) <= self.n_cells, "no room in the store"
        self.batches.append(self._batch)
        self._batch = []
        self._rows, self._next_rows = self._next_rows, {}

    def logits(self, row: int) -> NDArray[np.float32]:
        """Return logits whose likeliest token is the script's."""
        logits = np.zeros(self.n_tokens, np.float32)
        logits[0] = -10.0  # a text ends only where the script says so
        logits[self.script(self._rows[row])] = 10.0
        return logits

    def truncate(self, sequence: int, n_tokens: int) -> None:
        """Forget all but the first tokens."""
        assert n_tokens <= len(self.cells[sequence])
        del self.cells[sequence][n_tokens:]

    def free(self, sequence: int) -> None:
        """Forget the sequence."""
        self.cells.pop(sequence, None)

    def copy(self, source: int, target: int, n_tokens: int) -> None:
        """An empty sequence holds the first tokens of another."""
        assert not self.cells.get(target), "llama.cpp would mix the two"
        assert 0 < n_tokens <= len(self.cells[source])
        self.cells[target] = self.cells[source][:n_tokens]
