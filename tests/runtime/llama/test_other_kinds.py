"""Files that write no text are told apart by their header, and the error says what they are."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadModelFile
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.llama.model_kind import other_kind
from lamlam.runtime.sync import SyncEngine
from tests.other_models import write_header_alone, write_tiny_bert
from tests.tiny_model import write_tiny_model


def test_a_real_encoder_is_refused_by_name(tmp_path: Path) -> None:
    """llama.cpp loads it and gives numbers for every token; it is an embedding model."""
    path = write_tiny_bert(tmp_path / "bert.gguf")
    with pytest.raises(BadModelFile, match=r"an embedding model of architecture 'bert'") as caught:
        SyncEngine(path, None).__enter__()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("architecture", "metadata", "said"),
    [
        ("nomic-bert", {}, "embedding model"),
        ("gemma-embedding", {}, "embedding model"),
        ("t5encoder", {}, "embedding model"),
        ("t5", {}, "encoder-decoder model"),
        ("dream", {}, "diffusion language model"),
        ("llada", {}, "diffusion language model"),
        ("flux", {}, "model for pictures or video"),
        ("clip", {"general.type": "mmproj"}, "projector file"),
        ("clip", {"clip.has_vision_encoder": True}, "projector file"),
        ("llama", {"general.type": "adapter", "adapter.type": "lora"}, "adapter"),
        ("llama", {"adapter.type": "lora"}, "adapter"),
        ("imatrix", {"general.type": "imatrix"}, "importance matrix"),
        ("controlvector", {"controlvector.layer_count": 3}, "control vector"),
        ("wavtokenizer-dec", {}, "speech model"),
        ("eagle3", {}, "draft model"),
        ("qwen3", {"qwen3.pooling_type": 3}, "embedding model"),
        ("qwen3", {"qwen3.pooling_type": 4}, "reranker"),
        ("llama", {"llama.attention.causal": False}, "embedding model"),
    ],
)
def test_what_the_header_says(
    tmp_path: Path, architecture: str, metadata: dict[str, Any], said: str
) -> None:
    """By the type of file, the architecture, or a setting of a common architecture."""
    path = write_header_alone(tmp_path / "m.gguf", architecture, metadata)
    with pytest.raises(BadModelFile, match=f"cannot write text: it is an? {said}"):
        check_file(path)


def test_a_setting_that_names_the_usual_is_no_reason(tmp_path: Path) -> None:
    """A causal model without pooling writes text."""
    metadata: dict[str, Any] = {"general.architecture": "llama", "llama.pooling_type": 0}
    metadata |= {"llama.attention.causal": True, "general.type": "model"}
    assert other_kind(metadata, has_tensors=True) is None


def test_a_vocabulary_alone(tmp_path: Path) -> None:
    """Tokens and no weights, as the files with which tokenizers are tested."""
    import gguf

    from tests.tiny_model import add_vocabulary, vocabulary_texts

    path = tmp_path / "vocabulary.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    texts = vocabulary_texts()
    add_vocabulary(writer, texts, [1] * len(texts))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with pytest.raises(BadModelFile, match="a vocabulary alone"):
        check_file(path)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (struct.pack(">I", 3), "other byte order"),
        (struct.pack("<I", 1), "version 1, older"),
        (struct.pack("<I", 4), "version 4, newer"),
    ],
)
def test_another_byte_order_or_version(tmp_path: Path, version: bytes, said: str) -> None:
    """Neither is damage."""
    whole = bytearray(write_tiny_model(tmp_path / "m.gguf", sealed=False).read_bytes())
    whole[4:8] = version
    path = tmp_path / "other.gguf"
    path.write_bytes(whole)
    with pytest.raises(BadModelFile, match=said) as caught:
        check_file(path)
    assert "damaged" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b"\n<html lang='en'>", "a web page"),
        (b"\x40\0\0\0\0\0\0\0" + b'{"a.weight":{"dtype":"F32"}}', "a safetensors file"),
        (b"PK\x03\x04....model/data.pkl", "a zip archive"),
        (b"\x80\x02}q\x00(X", "a pickled PyTorch checkpoint"),
        (b"\x08\x07\x12\x07pytorch\x1a\x05", "an ONNX model"),
        (b"tjgg\x03\0\0\0", "ggml's old format"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"SQLite format 3\0", "a SQLite database"),
        (b'{"error": "Repository not found"}', "JSON"),
        (b"Invalid username or password.", "text: 'Invalid username or password.'"),
        (b"Acc\xc3\xa8s refus\xc3\xa9" * 60, "text"),
        (bytes(1024), "zeros"),
    ],
)
def test_what_is_not_gguf_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    """What people have in hand instead: a failed download, another format."""
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(BadModelFile, match=f"is not a GGUF file but .*{said}") as caught:
        check_file(path)
    assert caught.value.hint
    assert "\n" not in str(caught.value.args[0])


def test_random_bytes_have_no_other_name(tmp_path: Path) -> None:
    """Where nothing is known of a file, nothing is said of it."""
    path = tmp_path / "m.gguf"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)))
    with pytest.raises(BadModelFile) as caught:
        check_file(path)
    assert str(caught.value.args[0]).endswith("is not a GGUF file")


def test_a_piece_of_a_file_that_was_cut(tmp_path: Path) -> None:
    """Neither the first piece nor a later one is a model; both say to join them."""
    whole = write_tiny_model(tmp_path / "m.gguf", sealed=False).read_bytes()
    for name, piece in (("m.gguf-split-a", whole[:9000]), ("m.gguf.part2of2", whole[9000:])):
        (tmp_path / name).write_bytes(piece)
        with pytest.raises(BadModelFile) as caught:
            check_file(tmp_path / name)
        assert "join all pieces" in str(caught.value.hint)


def test_a_folder_with_a_checkpoint(tmp_path: Path) -> None:
    """It is exported first."""
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadModelFile, match="is a folder") as caught:
        check_file(tmp_path)
    assert "lamlam export" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("tiny.ggu", "tiny.gguf"),
        ("tinny.gguf", "tiny.gguf"),
        ("tiny", "tiny.gguf"),
        ("big.gguf", "big-00001-of-00002.gguf"),
        ("bundeld", "bundled"),
    ],
)
def test_a_name_that_is_near_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, meant: str
) -> None:
    """Of the files beside it, of a model in parts the first."""
    monkeypatch.chdir(tmp_path)
    for name in ("tiny.gguf", "big-00001-of-00002.gguf", "big-00002-of-00002.gguf"):
        (tmp_path / name).touch()
    with pytest.raises(BadModelFile, match="does not exist") as caught:
        check_file(Path(given))
    assert caught.value.hint == f"did you mean {meant}?"
    with pytest.raises(BadModelFile, match="is a folder") as caught:
        check_file(tmp_path)
    assert caught.value.hint == f"name a GGUF file, such as {tmp_path / 'big-00001-of-00002.gguf'}"


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("some-owner/A-Model-1B", "fetch it first"),
        ("some-owner/A-Model-GGUF:Q4_K_M", "fetch it first"),
        ("hf://some-owner/model", "fetch it first"),
        ("~/models/m.gguf", "shell"),
        ("nowhere/m.gguf", None),
    ],
)
def test_a_model_that_is_elsewhere(given: str, hint: str | None) -> None:
    with pytest.raises(BadModelFile, match="does not exist") as caught:
        check_file(Path(given))
    assert (hint is None) == (caught.value.hint is None) and (hint or "") in str(caught.value.hint)


@pytest.mark.parametrize(
    ("kind", "said", "hint"),
    [
        (31, "tensors of type Q4_0_4_4, which llama.cpp no longer reads", "its file of type Q4_0"),
        (38, "tensors of type IQ4_NL_8_8", "its file of type IQ4_NL"),
        (4, "tensors of type Q4_2", "quantise it again"),
        (144, "the type 144 of tensor token_embd.weight is not known", "a newer llama.cpp"),
        (1 << 31, "is damaged: tensor token_embd.weight has the unknown type", "again"),
    ],
)
def test_types_of_tensors_that_cannot_be_read(
    tmp_path: Path, kind: int, said: str, hint: str
) -> None:
    """Old and new files are not called damaged."""
    path = write_tiny_model(tmp_path / "m.gguf", sealed=False)
    data = bytearray(path.read_bytes())
    name = b"token_embd.weight"
    struct.pack_into("<I", data, data.index(name) + len(name) + 4 + 2 * 8, kind)
    path.write_bytes(data)
    with pytest.raises(BadModelFile, match=said) as caught:
        check_file(path)
    assert hint in str(caught.value.hint)
