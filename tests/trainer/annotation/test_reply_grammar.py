"""Replies that a grammar binds to their text, whatever the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.bundled import model_path
from lamlam.errors import AnnotatorFailed
from lamlam.trainer.annotation.local_model import LocalModel
from lamlam.trainer.annotation.reply_check import check_reply
from lamlam.trainer.annotation.reply_grammar import grammar_for

TEXTS = [
    ("Zoë", 'Zoë “the Łion” said: "no"\\ {x} [1] (2).\n\nShe left D\'Arcy 😀 in\t1990.'),
    ("x", "one"),
]


def test_a_model_that_knows_nothing_repeats_the_text() -> None:
    """The bundled model follows no instructions; bound by the grammar its replies are usable."""
    model = LocalModel(model_path(), threads=1, context=512)
    n_facts = 0
    for title, text in TEXTS:
        reply = model.ask([{"role": "user", "content": text}], 400, grammar_for(title, text))
        assert reply is not None
        checked = check_reply(reply.text, text, title)
        assert not checked.is_changed
        assert not checked.dropped.keys() - {"overlapping"}
        n_facts += len(checked.facts)
    assert n_facts


def test_files_that_are_no_models(tmp_path: Path) -> None:
    """They are named, before llama.cpp sees them."""
    (tmp_path / "note.gguf").write_text("hello")
    for name, said in (("note.gguf", "not a GGUF"), ("none.gguf", "cannot read")):
        with pytest.raises(AnnotatorFailed, match=said):
            LocalModel(tmp_path / name)
