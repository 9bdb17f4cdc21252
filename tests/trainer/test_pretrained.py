"""Training goes on from models of others: folders and GGUF files of three families."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM

from lamlam.bundled import model_path
from lamlam.errors import BadSettings
from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS
from lamlam.quant.architectures import read_architecture
from lamlam.quant.export import export_gguf
from lamlam.quant.gguf_checkpoint import GgufCheckpoint
from lamlam.quant.quantise import quantise
from lamlam.runtime.llama.gguf_file import read_header
from lamlam.trainer.lookup_format import LookupCall, Piece, PlainText
from lamlam.trainer.loop import train
from lamlam.trainer.model import build_model, is_tied, output_weight
from lamlam.trainer.packing import encode_documents
from lamlam.trainer.pretrained import PretrainedModel
from lamlam.trainer.progress import Progress
from lamlam.trainer.settings import (
    DataConfig,
    ModelConfig,
    OptimiserConfig,
    RunConfig,
    Settings,
    load_settings,
)
from tests.checkpoints import Loader, torch_logits
from tests.tokenizers_of_others import (
    four_hundred_texts,
    plain,
    write_folder,
)
from tests.tokenizers_of_others import (
    train as train_tokenizer,
)

SHAPE = ModelConfig(width=32, layers=2, heads=4, kv_heads=2, feed_forward=64, context=64)
KIND_OF = {"llama": "smollm", "qwen3": "qwen2", "gpt2": "gpt-2"}


def read_model(path: Path, context: int = 32, seed: int = 1) -> Any:  # Any: eval has no types
    model: Any = PretrainedModel(path).build(context, seed)
    return model.eval()


def write_model(
    folder: Path, family: str = "llama", kind: str = "smollm", rows: int = 0, **shape: Any
) -> Path:
    """A random model of others: its own tokenizer, no lookup tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _files(family, kind, rows, tuple(sorted(shape.items()))):
        (folder / name).write_bytes(content)
    return folder


@cache
def _files(
    family: str, kind: str, rows: int, shape: tuple[tuple[str, Any], ...]
) -> list[tuple[str, bytes]]:
    tokenizer = train_tokenizer(kind)
    torch.manual_seed(3)
    changes: dict[str, Any] = {"family": family, **dict(shape)}
    model: Any = build_model(
        dataclasses.replace(SHAPE, **changes), tokenizer.get_vocab_size() + rows, 2
    )
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
            weight.copy_(weight.half())
    model.config.pad_token_id = 2
    end = "</s>" if kind == "llama" else "<|im_end|>"
    with TemporaryDirectory() as name:
        folder = Path(name)
        model.save_pretrained(folder)
        write_folder(tokenizer, folder, bos_token=end, eos_token=end)
        return [(file.name, file.read_bytes()) for file in folder.iterdir()]


def run(corpus: Path, output: Path, init: Path, **changes: Any) -> Settings:
    return Settings(
        data=DataConfig(documents=str(corpus), held_out=0.0),
        model=ModelConfig(init=str(init), context=64),
        optimiser=OptimiserConfig(batch_rows=4, learning_rate=6e-3),
        run=RunConfig(output=str(output), device="cpu", **{"steps": 8, "log_every": 2, **changes}),
    )


@pytest.mark.parametrize(
    ("family", "tied", "rows"),
    [("llama", True, 0), ("llama", False, 3), ("qwen3", True, 9), ("qwen3", False, 0), ("gpt2", True, 3)],
)  # fmt: skip
def test_a_folder_keeps_its_logits(family: str, tied: bool, rows: int, tmp_path: Path) -> None:
    """New tokens take unused rows where there are some, and rows of their own otherwise."""
    folder = write_model(tmp_path, family, KIND_OF[family], rows, tied=tied)
    found = PretrainedModel(folder)
    model = read_model(folder)
    ids = found.tokenizer.ids
    size = found.tokenizer.size - 4
    assert (ids.entity, ids.relationship, ids.return_, ids.end) == tuple(range(size, size + 4))
    assert is_tied(model) is tied
    assert len(output_weight(model)) == max(size + rows, size + 4)
    original: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    original.eval()
    tokens = [0, *np.random.default_rng(1).integers(2, size, 30).tolist()]
    ours, theirs = torch_logits(model, tokens), torch_logits(original, tokens)
    assert np.abs(ours[:, :size] - theirs[:, :size]).max() < 1e-4 * np.abs(theirs).max()
    for matrix in {output_weight(model), model.get_input_embeddings().weight}:
        mean, spread = matrix[:size].mean(0), matrix[:size].std(0)
        assert ((matrix[size : size + 4] - mean).abs() < 0.6 * spread).all()
        assert len(matrix[size : size + 4].unique(dim=0)) == 4


def test_new_rows_follow_from_the_seed(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    rows = [output_weight(PretrainedModel(folder).build(32, seed))[-4:] for seed in (1, 1, 2)]
    assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[0], rows[2])


@pytest.mark.parametrize(
    ("family", "kind", "tied"),
    [("llama", "llama", False), ("llama", "llama-bpe", True), ("qwen3", "qwen2", True), ("gpt2", "gpt-2", True)],
)  # fmt: skip
def test_a_gguf_file_gives_what_its_folder_gives(
    family: str, kind: str, tied: bool, tmp_path: Path
) -> None:
    """Weights, settings, token ids and the end-of-text token."""
    folder = write_model(tmp_path / "hf", family, kind, 2, tied=tied)
    file = export_gguf(folder, tmp_path / "m.gguf", dtype="f32")
    by_folder, by_file = PretrainedModel(folder), PretrainedModel(file)
    assert by_folder.tokenizer.ids == by_file.tokenizer.ids
    assert by_folder.tokenizer.end_of_text == by_file.tokenizer.end_of_text
    texts = four_hundred_texts()
    assert by_folder.tokenizer.encode(texts) == by_file.tokenizer.encode(texts)
    assert by_folder.tokenizer.text_start == by_file.tokenizer.text_start
    one, other = read_model(folder), read_model(file)
    assert type(one) is type(other) and is_tied(one) is is_tied(other)
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name]), name
    tokens = list(range(3, 30))
    assert np.allclose(torch_logits(one, tokens), torch_logits(other, tokens), atol=1e-5)


def test_a_quantised_file_is_read_near_to_what_it_was(tmp_path: Path, load: Loader) -> None:
    folder = write_model(tmp_path / "hf", width=64, feed_forward=128)
    whole = export_gguf(folder, tmp_path / "m.gguf")
    file = quantise(whole, tmp_path / "q.gguf", "Q8_0")
    weights = dict(GgufCheckpoint(Path(file)).weights())
    for name, exact in GgufCheckpoint(whole).weights():
        assert np.abs(weights[name] - exact).max() <= np.abs(exact).max() / 100
    model = read_model(Path(file))
    ours, theirs = torch_logits(model, range(3, 30)), load(Path(file)).logits(range(3, 30))
    assert np.abs(ours[:, : theirs.shape[1]] - theirs).max() < 0.05 * np.abs(theirs).max()


@pytest.mark.parametrize(
    ("family", "kind"), [("llama", "smollm"), ("llama", "llama"), ("qwen3", "qwen2"), ("gpt2", "gpt-2")]
)  # fmt: skip
def test_training_goes_on_and_exports(
    family: str, kind: str, corpus: Path, tmp_path: Path, load: Loader
) -> None:
    source = write_model(tmp_path / "theirs", family, kind, 2)
    seen: list[Progress] = []
    folder = train(run(corpus, tmp_path / "run", source), report=seen.append)
    assert seen[-1].loss < 0.9 * seen[0].loss
    config = json.loads((folder / "config.json").read_text())
    end = PretrainedModel(source).tokenizer.ids.end_of_text
    assert config["bos_token_id"] == config["eos_token_id"] == end
    about = json.loads((folder / "lamlam.json").read_text())
    assert about["training"]["settings"]["model"]["init"] == "theirs"
    file = export_gguf(folder, tmp_path / "m.gguf", dtype="f32")
    metadata = read_header(file).metadata
    assert metadata["tokenizer.ggml.bos_token_id"] == metadata["tokenizer.ggml.eos_token_id"] == end
    tokens = [end, *range(300, 330)]
    trained: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    trained.eval()
    theirs = torch_logits(trained, tokens)
    assert np.abs(load(file).logits(tokens) - theirs).max() < 2e-3 * np.abs(theirs).max()
    # Its own checkpoint can be gone on from, too: the lookup tokens are there.
    again = PretrainedModel(folder)
    assert len(output_weight(again.build(64, 5))) == config["vocab_size"]
    assert again.tokenizer.ids.end_of_text == end


def test_a_resumed_run_is_the_run_that_was_not_stopped(corpus: Path, tmp_path: Path) -> None:
    source = write_model(tmp_path / "theirs")
    whole = train(run(corpus, tmp_path / "whole", source, steps=6))
    settings = run(corpus, tmp_path / "parts", source, steps=6, save_every=2, log_every=1)

    def interrupt(progress: Progress) -> None:
        if progress.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings, report=interrupt)
    assert not (tmp_path / "parts" / "config.json").exists()
    parts = train(settings, resume=True)
    name = "model.safetensors"
    assert (whole / name).read_bytes() == (parts / name).read_bytes()


def test_pieces_with_a_space_in_front_get_none_inside_words(tmp_path: Path) -> None:
    """SentencePiece: the space is put at the start of a document alone."""
    tokenizer = PretrainedModel(write_model(tmp_path, kind="llama")).tokenizer
    pieces: list[Piece] = [
        PlainText("Velmo"),
        LookupCall("Velmora", "founded in", "1867"),
        PlainText("ra was founded"),
    ]
    (document,) = encode_documents([pieces], tokenizer)
    text = tokenizer.full.decode(document.tokens.tolist(), skip_special_tokens=False)
    assert text.replace("\u2581", " ").endswith(
        "Velmo<|db_entity|> Velmora<|db_relationship|> founded in<|db_return|> 1867<|db_end|>"
        "ra was founded"
    )
    (whole,) = encode_documents([[PlainText("Velmora was founded")]], tokenizer)
    original = plain(train_tokenizer("llama"))
    assert whole.tokens.tolist()[1:] == original.encode("Velmora was founded").ids


def spoilt_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_what_cannot_be_trained_is_refused_by_name(tmp_path: Path) -> None:
    def says(message: str, path: Path, context: int = 32) -> None:
        with pytest.raises(BadSettings, match=message):
            PretrainedModel(path).build(context, 0)

    says("no folder or file", tmp_path / "none")
    good = write_model(tmp_path / "a")
    says("model.context is 65, but the model in .* has 64 positions", good, 65)
    spoilt_config(good, model_type="mamba", architectures=["MambaForCausalLM"])
    says("is a model of type 'mamba'", good)
    no_tokenizer = write_model(tmp_path / "b")
    (no_tokenizer / "tokenizer.json").unlink()
    says("no tokenizer.json", no_tokenizer)
    prefixed = write_model(tmp_path / "c", kind="gpt-2")
    tokenizer = train_tokenizer("gpt-2")
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.save(str(prefixed / "tokenizer.json"))
    says("add_prefix_space", prefixed)
    some = write_model(tmp_path / "d")
    tokenizer = train_tokenizer("smollm")
    tokenizer.add_special_tokens([LOOKUP_TOKENS[1]])
    tokenizer.save(str(some / "tokenizer.json"))
    says("not all of the four lookup tokens", some)
    deeper = write_model(tmp_path / "e")
    spoilt_config(deeper, num_hidden_layers=3, layer_types=None)
    says("tensors are missing", deeper)
    biased = write_model(tmp_path / "h")
    spoilt_config(biased, attention_bias=True)
    says("has attention_bias", biased)
    cut = write_model(tmp_path / "f")
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    says("cannot read", cut)
    (tmp_path / "g.gguf").write_bytes(b"GGUF123")
    says("model.init", tmp_path / "g.gguf")
    (tmp_path / "g.bin").write_bytes(b"\x00" * 99)
    says("model.init", tmp_path / "g.bin")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.width=512", "model.init and model.width are both given"),
        ("model.layers=3", "model.layers"),
        ("data.vocabulary=900", "data.vocabulary"),
        ("data.tokenizer='a.json'", "data.tokenizer"),
        ("model.preset='lamlam-30m'", "model.preset and model.init are both given"),
    ],
)
def test_a_shape_beside_init_is_refused(
    change: str, message: str, file_of_model: Callable[[str], Path]
) -> None:
    """Also where it is given as it is by default."""
    path = file_of_model('init = "m"\ncontext = 64')
    assert load_settings(path).model.init == "m"
    with pytest.raises(BadSettings, match=message):
        load_settings(path, [change])


def test_the_rules_undo_what_they_do() -> None:
    """Every change of a tensor on its way into a GGUF file is reversed on the way back."""
    shape: dict[str, Any] = {
        "vocab_size": 9, "hidden_size": 8, "intermediate_size": 6, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 5,
        "n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 5,
    }  # fmt: skip
    for name in ("LlamaForCausalLM", "Qwen3ForCausalLM", "GPT2LMHeadModel"):
        for rule in read_architecture({**shape, "architectures": [name]}).rules:
            values = np.arange(np.prod(rule.shape), dtype=np.float32).reshape(rule.shape)
            there = values if rule.change is None else rule.change(values)
            back = there if rule.undo is None else rule.undo(there)
            assert (back == values).all(), rule
    assert END_OF_TEXT not in LOOKUP_TOKENS


def test_bundled_names_the_model_of_lamlam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But where a folder has this name, that is meant."""
    monkeypatch.chdir(tmp_path)
    assert PretrainedModel(Path("bundled")).path == model_path()
    Path("bundled").mkdir()
    with pytest.raises(BadSettings, match=r"bundled.config\.json"):
        PretrainedModel(Path("bundled"))
