"""Tiny random checkpoints, and llama.cpp without the runtime."""

from __future__ import annotations

import ctypes
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS

VOCABULARY = 768
CONTEXT = 128


class LowLevelModel:
    """A GGUF file in llama.cpp: token ids of text, logits of ids."""

    def __init__(self, path: Path) -> None:
        import llama_cpp

        logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL + 1)
        self.api: Any = llama_cpp
        self.model = llama_cpp.llama_model_load_from_file(
            str(path).encode(), llama_cpp.llama_model_default_params()
        )
        assert self.model, f"llama.cpp does not load {path}"
        self.vocab = self.api.llama_model_get_vocab(self.model)
        self.size = int(self.api.llama_vocab_n_tokens(self.vocab))

    def token_ids(self, text: str, *, parse_special: bool = False) -> list[int]:
        raw = text.encode("utf-8")
        room = len(raw) + 8
        ids = (ctypes.c_int32 * room)()
        n = self.api.llama_tokenize(self.vocab, raw, len(raw), ids, room, False, parse_special)
        assert n >= 0
        return list(ids[:n])

    def attributes(self, token: int) -> int:
        return int(self.api.llama_vocab_get_attr(self.vocab, token))

    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Logits after each id: (len(ids), vocabulary)."""
        api = self.api
        settings = api.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = CONTEXT
        settings.n_threads = settings.n_threads_batch = 2
        # Keys and values in f32: what differs from torch is then the export's doing alone.
        settings.type_k = settings.type_v = api.GGML_TYPE_F32
        settings.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_DISABLED
        context = api.llama_init_from_model(self.model, settings)
        batch = api.llama_batch_init(len(ids), 0, 1)
        try:
            for place, token in enumerate(ids):
                batch.token[place], batch.pos[place] = token, place
                batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
                batch.logits[place] = 1
            batch.n_tokens = len(ids)
            assert api.llama_decode(context, batch) == 0
            pointer = api.llama_get_logits(context)
            return np.ctypeslib.as_array(pointer, (len(ids), self.size)).copy()
        finally:
            api.llama_batch_free(batch)
            api.llama_free(context)

    def greedy(self, ids: Sequence[int], n_tokens: int) -> list[int]:
        written = list(ids)
        for _ in range(n_tokens):
            written.append(int(self.logits(written)[-1].argmax()))
        return written[len(ids) :]

    def close(self) -> None:
        self.api.llama_model_free(self.model)


class Loader:
    """Loads files and frees them when the test ends."""

    def __init__(self) -> None:
        self._open: list[LowLevelModel] = []

    def __call__(self, path: Path) -> LowLevelModel:
        model = LowLevelModel(path)
        self._open.append(model)
        return model

    def close(self) -> None:
        for model in self._open:
            model.close()


@pytest.fixture
def load() -> Iterator[Loader]:
    loader = Loader()
    yield loader
    loader.close()


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level BPE learnt from invented sentences, lookup tokens at its end."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    towns = ["Velmora", "Quistel", "Brannoch", "Ostrevy", "Lindquay", "Tharn"]
    sentences = [
        f"{towns[n % 6]} was founded in {1200 + 3 * n} by people who didn't know {towns[n % 5]}; "
        f"it's home to {n * 7919 % 90000} inhabitants (they're called {towns[n % 4]}ers)."
        for n in range(400)
    ]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(LOOKUP_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[END_OF_TEXT],
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in LOOKUP_TOKENS]
    )
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def save_checkpoint(model: Any, tokenizer_file: Path, folder: Path, **save: Any) -> Path:
    """Write a Hugging Face folder as the trainer does."""
    model.save_pretrained(folder, **save)
    (folder / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT})
    )
    (folder / "lamlam.json").write_text(
        json.dumps({"verbalise": "copy", "lookup_bias": 3.0, "training": {"seed": 7}})
    )
    return folder


def llama(width: int, **changes: Any) -> Any:
    """A random Llama whose norms differ from one, so that a lost norm shows."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(width)
    settings: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "rope_theta": 5000.0,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
        "initializer_range": 1.2 / width**0.5,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    return _shaken(LlamaForCausalLM(LlamaConfig(**{**settings, **changes})))


def gpt2() -> Any:
    """A random GPT-2."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(2)
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=64,
        n_layer=2,
        n_head=4,
        n_positions=CONTEXT,
        initializer_range=0.15,
        bos_token_id=0,
        eos_token_id=0,
    )
    return _shaken(GPT2LMHeadModel(config))


def _shaken(model: Any) -> Any:
    """Return the model in evaluation mode, its biases and norms moved off 0 and 1."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return model.eval()


def torch_logits(model: Any, ids: Sequence[int]) -> NDArray[np.float32]:
    """Logits after each id: (len(ids), vocabulary)."""
    import torch

    with torch.no_grad():
        logits: NDArray[np.float32] = model(torch.tensor([list(ids)])).logits[0].float().numpy()
    return logits


@pytest.fixture(scope="session")
def narrow_checkpoint(tokenizer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of width 64."""
    return save_checkpoint(llama(64), tokenizer_file, tmp_path_factory.mktemp("narrow"))


@pytest.fixture(scope="session")
def wide_f16(tokenizer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model of width 256, a whole block of the K types."""
    from lamlam.quant.export import export_gguf

    folder = tmp_path_factory.mktemp("wide")
    save_checkpoint(llama(256), tokenizer_file, folder / "hf")
    return export_gguf(folder / "hf", folder / "wide-f16.gguf")
