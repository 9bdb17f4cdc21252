"""What a model needs to be run rightly survives the loss of lamlam.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import processors
from transformers import AutoModelForCausalLM, AutoTokenizer

from lamlam.quant.export import export_gguf
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.llama.context import open_model
from lamlam.runtime.llama.gguf_file import read_header
from lamlam.runtime.llama.model_file import check_file
from lamlam.trainer.checkpoint import save_checkpoint
from lamlam.trainer.lookup_format import PlainText
from lamlam.trainer.model import build_model
from lamlam.trainer.packing import encode_documents
from lamlam.trainer.settings import (
    DataConfig,
    MixtureSource,
    ModelConfig,
    RunConfig,
    Settings,
)
from lamlam.trainer.synthetic.worded.worded import WordedText
from lamlam.trainer.token_files.manifest import tokenizer_hash
from lamlam.trainer.tokenizer import LmlmTokenizer
from tests.tokenizers_of_others import OURS, train, with_lookups

TEXT = "Velmora was founded in 1867"


def write(tokenizer: LmlmTokenizer, folder: Path) -> Path:
    """A checkpoint of an untrained model, as the trainer writes it."""
    settings = Settings(
        data=DataConfig(documents="none.jsonl"),
        model=ModelConfig(width=16, layers=1, heads=2, kv_heads=1, feed_forward=32, context=64),
        run=RunConfig(output=str(folder), steps=1),
        verbalise="model",
        lookup_bias=3.5,
    )
    model = build_model(settings.model, tokenizer.size, tokenizer.ids.end_of_text)
    save_checkpoint(folder, model, tokenizer, settings, {"steps": 0})
    return folder


@pytest.mark.parametrize("is_saved_again", [False, True])
def test_a_copy_without_our_file_exports_as_the_whole_one(
    is_saved_again: bool, tmp_path: Path
) -> None:
    """One that was copied in part, and one that transformers has read and written."""
    ours = LmlmTokenizer(train(OURS))
    folder = write(ours, tmp_path / "hf")
    whole = read_header(export_gguf(folder, tmp_path / "whole.gguf")).metadata
    about = json.loads((folder / "lamlam.json").read_text())
    # Nothing but the record of the run stands there alone.
    assert {key for key in about if f"lamlam.{key}" in whole} == set(about)
    (folder / "lamlam.json").unlink()
    if is_saved_again:
        model: Any = AutoModelForCausalLM.from_pretrained(folder)
        model.save_pretrained(tmp_path / "again")
        AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "again")
        folder = tmp_path / "again"
    path = export_gguf(folder, tmp_path / "copy.gguf")
    copy = read_header(path).metadata
    for key in ("verbalise", "lookup_bias", "format_version"):
        assert copy[f"lamlam.{key}"] == whole[f"lamlam.{key}"], key
    assert (copy["lamlam.verbalise"], copy["lamlam.lookup_bias"]) == ("model", 3.5)
    (document,) = encode_documents([[PlainText(TEXT)]], ours)
    with open_model(check_file(path)) as loaded:
        assert Vocabulary(loaded).prompt_tokens(TEXT) == document.tokens.tolist()


@pytest.mark.parametrize("kind", [OURS, "smollm", "llama"])
@pytest.mark.parametrize("before", [None, processors.ByteLevel(trim_offsets=False)])
def test_other_programs_begin_a_text_as_a_document_begins(
    kind: str, before: Any, tmp_path: Path
) -> None:
    """And whoever trains with that tokenizer has the one that it was."""
    end = "</s>" if kind == "llama" else "<|endoftext|>"
    tokenizer = train(kind) if kind == OURS else with_lookups(train(kind))
    if before is not None:
        tokenizer.post_processor = before
    ours = LmlmTokenizer(tokenizer, end)
    folder = write(ours, tmp_path / "hf")
    theirs = AutoTokenizer.from_pretrained(folder)(TEXT)["input_ids"]
    (document,) = encode_documents([[PlainText(TEXT)]], ours)
    assert theirs[0] == document.tokens[0] == ours.ids.end_of_text
    assert theirs.count(ours.ids.end_of_text) == 1
    again = LmlmTokenizer.load(folder / "tokenizer.json")
    assert tokenizer_hash(again) == tokenizer_hash(ours)


@pytest.mark.parametrize(
    ("data", "init"),
    [
        (DataConfig(documents="a/b.jsonl", replay="a/c.txt", tokenizer="a/t.json"), ""),
        (DataConfig(tokens="a/tokens"), ""),
        (DataConfig(mixture=(MixtureSource(documents="a/b.jsonl"),)), ""),
        (DataConfig(documents="b", worded=1.0, worded_text=WordedText(facts="a/f.jsonl")), "a/m"),
    ],
)
def test_the_record_names_no_folder_of_the_training_machine(
    data: DataConfig, init: str, tmp_path: Path
) -> None:
    """Of any setting that is a path; and no shape that a given model does not have."""
    ours = LmlmTokenizer(train(OURS))
    folder = tmp_path / "deep" / "hf"
    shape = ModelConfig(width=16, layers=1, heads=2, kv_heads=1, feed_forward=32, context=64)
    settings = Settings(
        data=data,
        model=ModelConfig(init=init, context=64) if init else shape,
        run=RunConfig(output=str(folder), steps=1),
    )
    model = build_model(shape, ours.size, ours.ids.end_of_text)
    save_checkpoint(folder, model, ours, settings, {"steps": 0})
    about = json.loads((folder / "lamlam.json").read_text())["training"]["settings"]
    assert "/" not in json.dumps(about)
    if init:
        given = {"init": "m", "context": 64, "low_rank": 0, "low_rank_alpha": 0.0}
        assert about["model"] == given
        assert about["data"]["worded_text"]["facts"] == "f.jsonl"
