"""What cannot be trained on is refused in one line that says what to do; nothing is written."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from lamlam.errors import BadDocument, BadSettings, LamLamError, NothingToLearn
from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS
from lamlam.quant.export import export_gguf
from lamlam.trainer import documents
from lamlam.trainer.data_loader import BatchLoader
from lamlam.trainer.documents import Document, numbered_lines, read_documents
from lamlam.trainer.epoch_draws import DocumentSource
from lamlam.trainer.loop import train
from lamlam.trainer.pretrained import PretrainedModel
from lamlam.trainer.replay import read_plain_texts
from lamlam.trainer.settings import DataConfig, MixtureSource, ModelConfig, RunConfig, Settings
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.training_data import TrainingData, training_documents
from tests.checkpoints import llama, save_checkpoint

SHAPE = ModelConfig(width=16, layers=1, heads=2, kv_heads=1, feed_forward=32, context=64)
GOOD = {
    "title": "Velmora",
    "text": "Velmora was founded in 1867 by settlers.",
    "facts": [],
    "at": [],
}


def settings(corpus: Path, output: Path, held_out: float = 0.0, tokenizer: str = "") -> Settings:
    return Settings(
        data=DataConfig(
            documents=str(corpus), vocabulary=300, held_out=held_out, tokenizer=tokenizer
        ),
        model=SHAPE,
        run=RunConfig(output=str(output), steps=1, device="cpu"),
    )


def assert_refused(
    chosen: Settings, message: str, hint: str, kind: type[LamLamError] = LamLamError
) -> None:
    with pytest.raises(kind, match=message) as refused:
        train(chosen)
    assert "\n" not in str(refused.value)
    assert refused.value.hint and hint in refused.value.hint
    assert not Path(chosen.run.output).exists()


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "has no documents", "lamlam annotate"),
        (b"\n  \n\n", "has no documents", "lamlam annotate"),
        (bytes(range(128, 256)), "is not UTF-8 text", "lamlam annotate"),
        (bytes(500), r"a\.jsonl: line 1 is not a training document", "a line is"),
        (b"plain text\n", r"a\.jsonl: line 1 is not a training document", "a line is"),
    ],
)
def test_files_without_documents(content: bytes, message: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    assert_refused(settings(tmp_path / "a.jsonl", tmp_path / "out"), message, hint)


def test_a_corpus_of_which_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(GOOD))
    chosen = settings(tmp_path / "a.jsonl", tmp_path / "out", held_out=1.0)
    assert_refused(chosen, "every document is held out", "data.held_out = 0", NothingToLearn)


def test_sources_that_never_have_a_row_end_the_run(
    tokenizer: LmlmTokenizer, tmp_path: Path
) -> None:
    """Weights so small that no epoch draws a document, instead of epochs for ever."""
    chosen = settings(tmp_path, tmp_path)
    source = DocumentSource("data.mixture.1", [Document("A", "A.", ())], weight=1e-9)
    with (
        BatchLoader(chosen, TrainingData(chosen, (source,)), tokenizer) as loader,
        pytest.raises(NothingToLearn, match="100 epochs after one another had no rows"),
    ):
        next(loader.batches())


def test_an_empty_source_of_a_mixture_is_named(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    sources = tuple(MixtureSource(documents=str(one)) for one in (corpus, tmp_path / "empty.jsonl"))
    chosen = settings(corpus, tmp_path / "run")
    data = dataclasses.replace(chosen.data, documents="", mixture=sources)
    chosen = dataclasses.replace(chosen, data=data)
    assert_refused(chosen, "data.mixture.2.documents. has no documents", "annotate", NothingToLearn)


def test_a_document_of_one_word_is_learnt(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({**GOOD, "text": "Velmora"}))
    folder = train(settings(tmp_path / "a.jsonl", tmp_path / "out"))
    assert (folder / "model.safetensors").is_file()


def test_entities_that_do_not_occur_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Part of a name is enough, in any case; a plain model is not to ask for them."""
    facts = [["Velmora Town", "founded", "1867"], ["Brannoch", "people", "settlers"]]
    line = json.dumps({**GOOD, "facts": facts, "at": [23, 31]})
    (tmp_path / "a.jsonl").write_text(f"{line}\n{line}\n")
    training_documents(settings(tmp_path / "a.jsonl", tmp_path))
    assert "2 of 4 facts are about an entity that their document does not name" in caplog.text
    assert "the first: 'Brannoch' in 'Velmora'" in caplog.text
    assert "Town" not in caplog.text


class Endless(io.StringIO):
    """A line that does not end; counts how much of it is asked for at once."""

    def __init__(self, n_characters: int) -> None:
        super().__init__()
        self.left, self.most = n_characters, 0

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # of text
        assert size is not None and size > 0
        self.most = max(self.most, size)
        n = min(size, self.left)
        self.left -= n
        return "x" * n


def test_a_line_without_an_end_is_never_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST_LINE", 1000)
    stream = Endless(1_000_000)
    assert list(numbered_lines(stream)) == [(1, None)]
    assert stream.left == 0 and stream.most == 1001


def test_a_line_that_is_too_long_is_refused_and_can_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its number; the lines after it keep theirs."""
    good = json.dumps(GOOD)
    monkeypatch.setattr(documents, "LONGEST_LINE", len(good) + 1)
    path = tmp_path / "a.jsonl"
    path.write_text(f"{good}\n{good}{' ' * 900}\n{good}\n[]\n")
    with pytest.raises(BadDocument, match=r"line 2 has more than .*; 1 more lines are none") as one:
        list(read_documents(path))
    assert one.value.hint and "one line of JSON" in one.value.hint
    assert len(list(read_documents(path, skip_invalid=True))) == 2
    with pytest.raises(BadDocument, match=r"data\.replay, .*: line 2 has more than"):
        read_plain_texts(str(path), "data.replay", 0.0)


def unigram() -> Tokenizer:
    return Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0))


def split_at_spaces() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([END_OF_TEXT, *LOOKUP_TOKENS])
    return tokenizer


def without_lookups() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


@pytest.mark.parametrize(
    ("made", "message", "hint"),
    [
        (unigram, "of type Unigram are not known", "leave data.tokenizer out"),
        (split_at_spaces, "the pre-tokenizer Whitespace", "byte-level BPE that splits as"),
        (without_lookups, "lacks a lookup token", "leave data.tokenizer out"),
    ],
)
def test_tokenizers_of_another_kind(made: Any, message: str, hint: str, tmp_path: Path) -> None:
    """Before the training, not by the export at its end."""
    (tmp_path / "a.jsonl").write_text(json.dumps(GOOD))
    made().save(str(tmp_path / "t.json"))
    chosen = settings(tmp_path / "a.jsonl", tmp_path / "out", tokenizer=str(tmp_path / "t.json"))
    assert_refused(chosen, f"data.tokenizer.*{message}", hint, BadSettings)


@pytest.fixture
def checkpoint(tokenizer_file: Path, tmp_path: Path) -> Path:
    return save_checkpoint(llama(16), tokenizer_file, tmp_path / "hf")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_checkpoints_that_lack_a_file_or_have_half_of_one(name: str, checkpoint: Path) -> None:
    """To go on from, and to export: the file is named, and nothing is left of an export."""

    def refused() -> None:
        with pytest.raises(BadSettings, match=name) as one:
            PretrainedModel(checkpoint).build(32, 0)
        assert "\n" not in str(one.value)
        with pytest.raises(LamLamError, match=name) as other:
            export_gguf(checkpoint, checkpoint / "m.gguf")
        assert "\n" not in str(other.value)
        assert not list(checkpoint.glob("*.gguf*")) and not list(checkpoint.glob(".*"))

    file = checkpoint / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    refused()
    file.unlink()
    refused()


def test_weights_that_are_no_numbers_are_not_gone_on_from(checkpoint: Path) -> None:
    """Said of the model, not of the first step of the run."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(checkpoint / "model.safetensors")
    tensors["model.norm.weight"][3] = float("nan")
    save_file(tensors, checkpoint / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadSettings, match="model.norm.weight has values .* not a number") as found:
        PretrainedModel(checkpoint).build(32, 0)
    assert found.value.hint == "the run that wrote it diverged; take an earlier checkpoint"


def test_a_gguf_file_cut_anywhere_is_not_gone_on_from(checkpoint: Path, tmp_path: Path) -> None:
    whole = export_gguf(checkpoint, tmp_path / "m.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    for size in (0, 3, 20, 400, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:size])
        with pytest.raises(BadSettings, match="model.init") as refused:
            PretrainedModel(cut).build(32, 0)
        assert refused.value.hint and "again" in refused.value.hint
