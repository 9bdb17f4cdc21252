"""Text is data: nothing that anyone writes becomes a lookup token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import NoLookupTokens, UsageError
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.llama.context import LlamaModel, open_model
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.sync import SyncEngine
from tests.tiny_model import END_OF_TEXT, USER_DEFINED, ByteTokens, write_tiny_model


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Iterator[LlamaModel]:
    with open_model(check_file(tiny_model)) as opened:
        yield opened


@pytest.fixture(scope="module")
def vocabulary(model: LlamaModel) -> Vocabulary:
    return Vocabulary(model)


literal_tokens = st.sampled_from([*LOOKUP_TOKENS, END_OF_TEXT, "<|", "|>", "db_", " "])
hostile_text = st.lists(
    st.one_of(literal_tokens, st.text(st.characters(codec="utf-8"), max_size=8)), max_size=8
).map("".join)


@settings(max_examples=400)
@given(text=hostile_text)
def test_no_prompt_key_or_value_yields_a_lookup_token(text: str) -> None:
    """Whatever the text, its tokens are text, and give it back byte for byte."""
    vocabulary = _SHARED[0]
    lookup = vocabulary.lookup
    assert lookup is not None
    special = {
        lookup.entity,
        lookup.relationship,
        lookup.return_,
        lookup.end,
        *vocabulary.eog_tokens,
    }
    for tokens in (vocabulary.tokenize(text), vocabulary.prompt_tokens(text)[1:]):
        assert special.isdisjoint(tokens)
        assert b"".join(map(vocabulary.piece, tokens)) == text.encode()


# Hypothesis does not take fixtures of a narrower scope than the session; this one is shared.
_SHARED: list[Vocabulary] = []


@pytest.fixture(autouse=True, scope="module")
def _share(vocabulary: Vocabulary) -> Iterator[None]:
    _SHARED.append(vocabulary)
    yield
    _SHARED.clear()


def test_lookup_tokens_are_found_by_text(vocabulary: Vocabulary, model: LlamaModel) -> None:
    """Their ids are the model's own; they stand for no bytes."""
    lookup = vocabulary.lookup
    assert lookup is not None
    n = model.n_tokens
    assert (lookup.entity, lookup.relationship, lookup.return_, lookup.end) == tuple(
        range(n - 4, n)
    )
    assert all(vocabulary.piece(token) == b"" for token in range(n - 4, n))
    assert vocabulary.prompt_tokens("a")[0] == vocabulary.bos == 0


def test_half_a_character_is_refused(vocabulary: Vocabulary) -> None:
    """A lone surrogate is not text."""
    with pytest.raises(UsageError):
        vocabulary.prompt_tokens("a\ud800")


def test_models_without_safe_lookup_tokens(tmp_path: Path) -> None:
    """None: plain by itself. Some, or typed so that plain text yields them: only if asked for."""
    without = write_tiny_model(tmp_path / "without.gguf", with_lookup_tokens=False)
    unsafe = write_tiny_model(tmp_path / "unsafe.gguf", lookup_type=USER_DEFINED)
    with pytest.raises(NoLookupTokens, match="CONTROL"), SyncEngine(unsafe, None):
        pass
    for engine in (SyncEngine(without), SyncEngine(unsafe, plain=True)):
        with engine:
            assert engine.generate("a", max_tokens=3, ignore_eos=True).n_text_tokens == 3


def test_a_model_with_some_lookup_tokens_is_refused() -> None:
    """It is neither plain nor able to look up."""

    class Half(ByteTokens):
        def tokenize(self, text: bytes, *, special: bool) -> list[int]:
            if text == b"<|db_end|>":
                special = False
            return super().tokenize(text, special=special)

    with pytest.raises(NoLookupTokens, match=r"not <\|db_end\|>"):
        Vocabulary(Half())
    assert Vocabulary(Half(), plain=True).lookup is None
