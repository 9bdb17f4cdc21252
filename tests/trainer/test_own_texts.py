"""Chats that a model writes by itself, to be replayed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lamlam.trainer import own_texts
from lamlam.trainer.own_texts import OwnChats, main
from lamlam.trainer.pretrained import PretrainedModel
from lamlam.trainer.replay import read_plain_texts
from tests.chat_ancestor import write_chat_ancestor


@pytest.fixture(scope="module")
def ancestor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model with random weights."""
    return write_chat_ancestor(tmp_path_factory.mktemp("own") / "chat.gguf")


def test_chats_are_finished_and_can_be_replayed(
    ancestor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of the tokens end a message here; the same seed writes the same file."""
    end = PretrainedModel(ancestor).tokenizer.control_id("<|im_end|>")
    draw = own_texts._draw

    def ending(scores: Tensor) -> Tensor:
        tokens = draw(scores)
        return torch.where(torch.rand(len(tokens), 1) < 0.1, end, tokens)

    monkeypatch.setattr(own_texts, "_draw", ending)
    files = [tmp_path / name for name in ("a.jsonl", "b.jsonl")]
    for out in files:
        assert main([str(ancestor), str(out), "-n", "3", "--batch", "64", "--device", "cpu"]) == 0
    assert files[0].read_text() == files[1].read_text()
    chats = [json.loads(line)["messages"] for line in files[0].read_text().splitlines()]
    assert [[m["role"] for m in messages] for messages in chats] == [["user", "assistant"]] * 3
    assert not any("<|im_" in m["content"] for messages in chats for m in messages)
    assert len(read_plain_texts(str(files[0]), "data.replay", 0.0)) == 3


def test_rows_do_not_depend_on_their_neighbours(ancestor: Path) -> None:
    """A short prompt beside a long one is continued as it is alone, by the likeliest tokens."""
    read = PretrainedModel(ancestor)
    model = read.build(96, 0)
    model.config._attn_implementation = "sdpa"
    chats = OwnChats(model.train(False), read.tokenizer)
    own_texts._BEST, best = 1, own_texts._BEST
    try:
        prompts = [read.tokenizer.encode([text])[0] for text in ("a", "a long text about rivers")]
        together = chats._written(prompts, 12, -1, 1.0)
        alone = [chats._written([prompt], 12, -1, 1.0)[0] for prompt in prompts]
    finally:
        own_texts._BEST = best
    assert together == alone


def test_a_model_without_a_template_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line."""
    plain = write_chat_ancestor(tmp_path / "plain.gguf", template=None)
    assert main([str(plain), str(tmp_path / "out.jsonl"), "--device", "cpu"]) == 2
    assert "no chat template" in capsys.readouterr().err
