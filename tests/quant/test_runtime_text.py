"""What llama.cpp leaves undone before BPE is done by the runtime: NFC, and SentencePiece's space."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.lookup_tokens import END_OF_TEXT
from lamlam.quant.export import export_gguf
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.llama.context import open_model
from lamlam.runtime.llama.model_file import check_file
from lamlam.trainer.lookup_format import PlainText
from lamlam.trainer.packing import encode_documents
from lamlam.trainer.tokenizer import LmlmTokenizer
from tests.checkpoints import llama
from tests.tokenizers_of_others import plain, train, with_lookups, write_folder

TEXTS = ["Velmora was e\u0301te\u0301", " x", "", "Quistel's A\u030angstro\u0308m", "1867"]


@pytest.mark.parametrize("kind", ["qwen2", "llama", "smollm"])
def test_a_prompt_has_the_tokens_of_a_document(kind: str, tmp_path: Path) -> None:
    """And parts of a text those of the original without its space."""
    end = "</s>" if kind == "llama" else END_OF_TEXT
    tokenizer = with_lookups(train(kind))
    model = llama(16, vocab_size=tokenizer.get_vocab_size())
    model.config.bos_token_id = model.config.eos_token_id = tokenizer.token_to_id(end)
    model.save_pretrained(tmp_path)
    write_folder(tokenizer, tmp_path, bos_token=end, eos_token=end)
    (tmp_path / "lamlam.json").write_text("{}")
    ours = LmlmTokenizer(tokenizer, end)
    with open_model(check_file(export_gguf(tmp_path, tmp_path / "m.gguf"))) as loaded:
        vocabulary = Vocabulary(loaded)
        for text in TEXTS:
            (document,) = encode_documents([[PlainText(text)]], ours)
            assert vocabulary.prompt_tokens(text) == document.tokens.tolist()
            assert list(vocabulary.tokenize(text)) == ours.encode([text])[0]
        for text in ("Velmora", "e\u0301te\u0301"):
            original = plain(tokenizer).encode(text).ids
            assert vocabulary.prompt_tokens(text)[1:] == original
            # The space of SentencePiece is in no part: " Velmora" has the one that is written.
            if kind == "llama":
                assert list(vocabulary.tokenize(f" {text}")) == original
                assert list(vocabulary.tokenize(text)) != original
