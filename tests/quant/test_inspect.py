"""``inspect`` and the commands around it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from lamlam.cli import export as commands
from lamlam.errors import BadModelFile
from lamlam.quant.inspect import inspect_model
from lamlam.quant.quantise import quantise
from tests.other_models import split_model, write_header_alone, write_tiny_bert
from tests.programs import run_python


def test_what_a_quantised_model_holds(wide_f16: Path, tmp_path: Path) -> None:
    report = inspect_model(quantise(wide_f16, tmp_path / "m.gguf"))
    assert report["architecture"] == "llama"
    assert (report["context"], report["width"], report["layers"]) == (128, 256, 2)
    assert (report["heads"], report["kv_heads"]) == (4, 2)
    attention, feed_forward = 2 * 256 * 256 + 2 * 256 * 128, 3 * 256 * 512
    assert report["parameters"] == 768 * 256 + 2 * (attention + feed_forward) + 5 * 256
    assert report["types"].keys() == {"Q4_K", "Q6_K", "F32"}
    assert sum(report["types"].values()) < report["bytes"]
    assert report["vocabulary"]["tokens"] == 768
    assert report["vocabulary"]["types"] == {"NORMAL": 763, "CONTROL": 5}
    assert report["lookup_tokens"]["<|db_end|>"] == {"id": 767, "type": "CONTROL"}
    assert report["lookups_are_safe"] is True
    assert report["lamlam"]["training"] == {"seed": 7}
    assert report["checksum"] == "intact"


def test_all_parts_of_a_model_are_counted(wide_f16: Path, tmp_path: Path) -> None:
    """Tensors, numbers and bytes; the checksum is that of the weights in all parts."""
    whole = inspect_model(wide_f16)
    assert (whole["parts"], whole["kind"]) == (1, "language model")
    parts = split_model(wide_f16, tmp_path, 3)
    report = inspect_model(parts[0])
    assert report["parts"] == 3
    assert report["bytes"] == sum(part.stat().st_size for part in parts)
    same = ("tensors", "parameters", "types", "layers", "vocabulary", "checksum", "lamlam")
    assert {key: report[key] for key in same} == {key: whole[key] for key in same}
    with pytest.raises(BadModelFile, match="part 3 of 3"):
        inspect_model(parts[2])
    parts[1].unlink()
    with pytest.raises(BadModelFile, match=f"part 2 is missing: {parts[1].name}"):
        inspect_model(parts[0])


def test_other_kinds_of_files_are_named(tmp_path: Path) -> None:
    """They can be inspected, though not run."""
    assert inspect_model(write_tiny_bert(tmp_path / "b.gguf"))["kind"] == "embedding model"
    path = write_header_alone(tmp_path / "a.gguf", "llama", {"general.type": "adapter"})
    assert inspect_model(path)["kind"] == "adapter (LoRA)"


def test_unsafe_and_damaged_models_are_told_apart(wide_f16: Path, tmp_path: Path) -> None:
    raw = wide_f16.read_bytes()
    changed = tmp_path / "m.gguf"
    changed.write_bytes(raw.replace(b"<|db_end|>", b"<|db_fin|>"))
    report = inspect_model(changed)
    assert report["checksum"] == "damaged"
    assert report["lookup_tokens"]["<|db_end|>"] is None
    assert report["lookups_are_safe"] is False
    changed.write_bytes(raw.replace(b"lamlam.", b"others."))
    assert inspect_model(changed)["checksum"] == "absent"
    changed.write_bytes(raw[:500])
    with pytest.raises(BadModelFile):
        inspect_model(changed)


def test_the_three_commands(
    narrow_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """export, quantise and inspect, each with one JSON object on standard output."""
    app = typer.Typer()
    commands.register(app)
    command = typer.main.get_command(app)
    f16, small = str(tmp_path / "f16.gguf"), str(tmp_path / "small.gguf")
    outputs = []
    for line in (
        ["export", str(narrow_checkpoint), f16],
        ["quantise", f16, small, "--type", "q8_0"],
        ["inspect", small],
    ):
        command.main([*line, "--json"], standalone_mode=False)
        outputs.append(json.loads(capsys.readouterr().out))
    exported, quantised, inspected = outputs
    assert exported["bytes"] == quantised["bytes_before"] > quantised["bytes"]
    assert quantised["type"] == "Q8_0"
    assert inspected["bytes"] == quantised["bytes"]
    command.main(["inspect", small], standalone_mode=False)
    assert "<|db_entity|>" in capsys.readouterr().out


def test_looking_at_a_file_needs_no_torch(wide_f16: Path) -> None:
    """inspect and checksum work on the light install."""
    script = (
        "import sys\n"
        "for name in ('torch', 'gguf', 'safetensors', 'tokenizers', 'transformers'):\n"
        "    sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from lamlam.quant.inspect import inspect_model\n"
        f"assert inspect_model(Path({str(wide_f16)!r}))['checksum'] == 'intact'\n"
        "from lamlam.quant.quantise import quantise\n"
        "from lamlam.quant.export import export_gguf\n"
        "from lamlam.errors import MissingExtra\n"
        f"folder = Path({str(wide_f16.parent / 'hf')!r})\n"
        "try:\n"
        "    export_gguf(folder, folder.parent / 'x.gguf')\n"
        "except MissingExtra as error:\n"
        "    assert 'lamlam[train]' in error.hint, error.hint\n"
        "else:\n"
        "    raise AssertionError('exported without torch')\n"
    )
    run = run_python("-c", script)
    assert run.returncode == 0, run.stderr
