"""What cannot be exported says so in one line, and leaves no file behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadCheckpoint, LamLamError, UnknownOption, UsageError
from lamlam.quant.export import export_gguf
from lamlam.runtime.llama.gguf_file import read_header
from tests.checkpoints import VOCABULARY

Tensors = dict[str, Any]


@pytest.fixture
def checkpoint(narrow_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy that the test may break."""
    return Path(shutil.copytree(narrow_checkpoint, tmp_path / "hf"))


def change_tensors(folder: Path, change: Callable[[Tensors], None]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file({name: t.contiguous() for name, t in tensors.items()}, folder / "model.safetensors")


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def assert_refused(folder: Path, message: str, error: type[LamLamError] = BadCheckpoint) -> None:
    out = folder.parent / "out" / "m.gguf"
    out.parent.mkdir()
    with pytest.raises(error, match=message) as caught:
        export_gguf(folder, out)
    assert "\n" not in str(caught.value)
    assert list(out.parent.iterdir()) == []


def test_a_wrong_shape_is_told_with_both_numbers(checkpoint: Path) -> None:
    def cut(tensors: Tensors) -> None:
        name = "model.layers.1.mlp.up_proj.weight"
        tensors[name] = tensors[name][:100]

    change_tensors(checkpoint, cut)
    assert_refused(checkpoint, r"layers\.1\.mlp\.up_proj.* 100 x 64, .* asks for 128 x 64")


def test_an_unknown_tensor_stops_the_export(checkpoint: Path) -> None:
    def add(tensors: Tensors) -> None:
        tensors["model.layers.0.self_attn.q_proj.bias"] = tensors["model.norm.weight"].clone()

    change_tensors(checkpoint, add)
    assert_refused(checkpoint, r"1 of the checkpoint's 21 tensors .*q_proj\.bias")


def test_a_missing_tensor_stops_the_export(checkpoint: Path) -> None:
    change_tensors(checkpoint, lambda tensors: tensors.pop("model.norm.weight"))
    assert_refused(checkpoint, "no tensor model.norm.weight")


def test_weights_that_are_no_numbers_stop_the_export(checkpoint: Path) -> None:
    """Found while writing: the unfinished file goes away."""
    change_tensors(
        checkpoint, lambda tensors: tensors["model.norm.weight"].view(-1)[:1].fill_(float("nan"))
    )
    assert_refused(checkpoint, "model.norm.weight has values that are infinite or not a number")


def test_weights_beyond_f16_stop_the_export(checkpoint: Path) -> None:
    change_tensors(
        checkpoint,
        lambda tensors: tensors["model.embed_tokens.weight"].view(-1)[:1].fill_(70000.0),
    )
    assert_refused(checkpoint, "70000, f16 ends at 65504")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architectures": ["MambaForCausalLM"]}, "class MambaForCausalLM cannot"),
        ({"architectures": None, "model_type": "mamba"}, "class None cannot"),
        ({"num_key_value_heads": 3}, "4 heads do not divide among 3"),
        ({"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({"hidden_size": "64"}, "hidden_size must be a whole number"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "type yarn cannot"),
        ({"vocab_size": VOCABULARY - 1}, "768 tokens, the embedding 767 rows"),
        ({"lamlam": {"lookup_bias": []}}, "config.json: lamlam: lookup_bias must be a number"),
        ({"lamlam": "yes"}, "lamlam must be an object, got a str"),
    ],
)
def test_settings_that_cannot_be_exported(
    changes: dict[str, Any], message: str, checkpoint: Path
) -> None:
    change_config(checkpoint, **changes)
    assert_refused(checkpoint, message)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", None, "cannot read .*config.json"),
        ("config.json", "[1]", "is not a JSON object"),
        ("tokenizer.json", None, "has no tokenizer.json"),
        ("tokenizer.json", "{", "cannot read .*tokenizer.json"),
        ("model.safetensors", None, "has no model.safetensors"),
        ("model.safetensors", "short", "cannot read .*model.safetensors"),
        ("lamlam.json", '{"verbalise": "sing"}', "verbalise must be 'copy' or 'model', got 'sing'"),
        ("lamlam.json", '{"lookup_bias": "much"}', "lookup_bias must be a number, got 'much'"),
    ],
)
def test_files_that_are_missing_or_broken(
    name: str, content: str | None, message: str, checkpoint: Path
) -> None:
    (checkpoint / name).unlink()
    if content is not None:
        (checkpoint / name).write_text(content)
    assert_refused(checkpoint, message)


def test_the_type_of_a_model_names_its_class(checkpoint: Path, tmp_path: Path) -> None:
    """A configuration that was saved without its model exports as well."""
    named = export_gguf(checkpoint, tmp_path / "m.gguf").read_bytes()
    change_config(checkpoint, architectures=None)
    assert export_gguf(checkpoint, tmp_path / "m.gguf").read_bytes() == named


def test_an_interrupted_export_leaves_no_file_and_keeps_the_old_one(
    narrow_checkpoint: Path, tmp_path: Path
) -> None:
    """Ctrl-C in the middle: the target is as it was."""

    def interrupt(done: int, total: int) -> None:
        if done == total // 2:
            raise KeyboardInterrupt

    out = tmp_path / "m.gguf"
    with pytest.raises(KeyboardInterrupt):
        export_gguf(narrow_checkpoint, out, progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    out.write_text("the old one")
    with pytest.raises(KeyboardInterrupt):
        export_gguf(narrow_checkpoint, out, progress=interrupt)
    assert list(tmp_path.iterdir()) == [out]
    assert out.read_text() == "the old one"


def test_targets_that_cannot_be_written(narrow_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        export_gguf(narrow_checkpoint, tmp_path)
    with pytest.raises(UsageError, match="cannot write"):
        export_gguf(narrow_checkpoint, tmp_path / "nowhere" / "m.gguf")
    with pytest.raises(UnknownOption, match="'f8'"):
        export_gguf(narrow_checkpoint, tmp_path / "m.gguf", dtype="f8")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_settings_of_the_training_run_stand_in_the_file(checkpoint: Path, tmp_path: Path) -> None:
    path = export_gguf(checkpoint, tmp_path / "m.gguf")
    values = read_header(path).metadata
    assert values["lamlam.format_version"] == 1
    assert values["lamlam.verbalise"] == "copy"
    assert values["lamlam.lookup_bias"] == 3.0
    assert json.loads(values["lamlam.training"]) == {"seed": 7}
    assert values["general.name"] == "llama"
    assert values["llama.context_length"] == 128
    assert values["tokenizer.ggml.add_bos_token"] is False
    (checkpoint / "lamlam.json").unlink()
    plain = read_header(export_gguf(checkpoint, tmp_path / "p.gguf")).metadata
    assert "lamlam.verbalise" not in plain
