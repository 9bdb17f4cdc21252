"""Chats among the texts to replay are written by the model's own template, lookups within them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lamlam.errors import BadDocument, BadSettings
from lamlam.lookup_tokens import END, ENTITY, RELATIONSHIP, RETURN
from lamlam.quant.export import export_gguf
from lamlam.runtime.chat.prompt import ChatFormat
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.llama.context import open_model
from lamlam.runtime.llama.model_file import check_file
from lamlam.trainer.augmentation import NO_AUGMENTATION
from lamlam.trainer.chats import ChatWriter
from lamlam.trainer.loop import train
from lamlam.trainer.packing import EncodedDocument, augment_and_encode
from lamlam.trainer.pretrained import PretrainedModel
from lamlam.trainer.replay import read_plain_texts
from lamlam.trainer.settings import DataConfig, ModelConfig, OptimiserConfig, RunConfig, Settings
from lamlam.trainer.tokenizer import LmlmTokenizer
from tests.chat_ancestor import TEMPLATE, write_chat_ancestor, write_chats

ANSWER = f"In{ENTITY} Quistel{RELATIONSHIP} founded{RETURN} 1867{END} 1867."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("chats")
    write_chat_ancestor(made / "ancestor.gguf")
    write_chats(made / "chat.jsonl")
    return made


@pytest.fixture(scope="module")
def chat_tokenizer(folder: Path) -> LmlmTokenizer:
    return PretrainedModel(folder / "ancestor.gguf").tokenizer


def encoded(
    tokenizer: LmlmTokenizer, path: Path, *turns: tuple[str, str], longest: int | None = None
) -> EncodedDocument:
    messages = [{"role": role, "content": content} for role, content in turns]
    path.write_text(json.dumps({"messages": messages}) + "\n")
    [one] = augment_and_encode(
        read_plain_texts(str(path), "data.replay", 0.0), tokenizer, NO_AUGMENTATION, {}, 0,
        longest=longest,
    )  # fmt: skip
    return one


def test_a_chat_has_the_marks_of_the_template_and_its_lookups(
    chat_tokenizer: LmlmTokenizer, tmp_path: Path
) -> None:
    """All is learnt but what memory returns."""
    talk = (("user", "When was Quistel founded?"), ("assistant", ANSWER), ("user", "Thanks!"))
    one = encoded(chat_tokenizer, tmp_path / "a.jsonl", *talk)
    expected = "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in talk)
    assert chat_tokenizer.decode(one.tokens) == chat_tokenizer.end_of_text + expected
    unlearnt = one.tokens[~np.asarray(one.loss_mask, bool)]
    assert chat_tokenizer.decode(unlearnt).removeprefix("<|endoftext|>") == " 1867<|db_end|>"
    assert one.end_in_loss
    control = chat_tokenizer.full.token_to_id
    assert (one.tokens == control("<|im_end|>")).sum() == 3
    assert (one.tokens == control(ENTITY)).sum() == 1


def test_no_message_writes_marks_and_no_user_looks_up(
    chat_tokenizer: LmlmTokenizer, tmp_path: Path
) -> None:
    one = encoded(
        chat_tokenizer, tmp_path / "a.jsonl", ("user", f"a<|im_end|>b \U000f0000{ANSWER}"),
        ("assistant", "c<|im_start|><|endoftext|>"),
    )  # fmt: skip
    control = chat_tokenizer.full.token_to_id
    counts = [
        (one.tokens == control(text)).sum() for text in ("<|im_start|>", "<|im_end|>", ENTITY)
    ]
    assert counts == [2, 2, 0]
    assert (one.tokens == control("<|endoftext|>")).sum() == 1  # in front
    text = chat_tokenizer.decode(one.tokens)
    assert "a<|im_end|>b \U000f0000In<|db_entity|>" in text and "c<|im_start|><|endo" in text


def test_a_long_chat_keeps_its_beginning(chat_tokenizer: LmlmTokenizer, tmp_path: Path) -> None:
    talk = [("user", "Say it again."), ("assistant", "Again and again.")] * 9
    whole = encoded(chat_tokenizer, tmp_path / "a.jsonl", *talk)
    cut = encoded(chat_tokenizer, tmp_path / "a.jsonl", *talk, longest=60)
    assert np.array_equal(cut.tokens, whole.tokens[:60]) and not cut.end_in_loss


def test_a_prompt_of_the_exported_model_is_the_beginning_of_such_a_chat(
    corpus: Path, folder: Path, chat_tokenizer: LmlmTokenizer, tmp_path: Path
) -> None:
    run = Settings(
        data=DataConfig(documents=str(corpus), held_out=0.0, replay=str(folder / "chat.jsonl")),
        model=ModelConfig(init=str(folder / "ancestor.gguf"), context=64),
        optimiser=OptimiserConfig(batch_rows=2),
        run=RunConfig(output=str(tmp_path / "run"), device="cpu", steps=1, evaluate_documents=0),
    )
    file = check_file(export_gguf(train(run), tmp_path / "m.gguf"))
    asked = (("user", "Hi <|im_end|> there"), ("assistant", "Hello."), ("user", "When, Quistel?"))
    with open_model(file) as model:
        vocabulary = Vocabulary(model, suppressed=file.suppressed_tokens)
        form = ChatFormat(file, vocabulary.eog_tokens, vocabulary)
        messages = [{"role": role, "content": content} for role, content in asked]
        prompt = vocabulary.prompt_tokens(form.prompt(messages))
        assert chat_tokenizer.full.token_to_id("<|im_end|>") in vocabulary.eog_tokens
    learnt = encoded(chat_tokenizer, tmp_path / "a.jsonl", *asked, ("assistant", ANSWER))
    assert learnt.tokens[: len(prompt)].tolist() == prompt


def test_what_cannot_be_written_as_a_chat_is_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for line in ('{"messages": []}', '{"messages": [{"role": "user"}]}', '{"messages": "a"}'):
        path.write_text('{"text": "b"}\n' + line)
        with pytest.raises(BadDocument, match="line 2 of .* has messages that are no list"):
            read_plain_texts(str(path), "data.replay", 0.0)
    without = write_chat_ancestor(tmp_path / "plain.gguf", template=None)
    with pytest.raises(BadSettings, match="the model has no chat template"):
        _ = PretrainedModel(without).tokenizer.chats
    for template in ("{% for %}", "{{ raise_exception('no') }}", "{{ messages[9].content.x() }}"):
        with pytest.raises(BadSettings, match="template cannot be used for data.replay"):
            list(ChatWriter(template, []).pieces((("user", "a"),)))
    assert list(ChatWriter(TEMPLATE, []).pieces((("user", "a"),)))
