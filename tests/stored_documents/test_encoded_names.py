"""Names that no memory takes for one another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.model.keys import canonical_key
from lamlam.stored_documents.encoded_names import decoded, encoded

TEXTS = st.text(max_size=30) | st.text("aA_- .~%\u0130\ud800", max_size=6)


@given(TEXTS)
def test_a_text_comes_back(text: str) -> None:
    """Also the empty one, and one with half a surrogate pair."""
    assert decoded(encoded(text)) == text


@given(TEXTS, TEXTS)
def test_two_texts_are_two_names_of_a_memory(one: str, other: str) -> None:
    """However it folds letters, spaces and signs."""
    assert (canonical_key(encoded(one)) == canonical_key(encoded(other))) == (one == other)
