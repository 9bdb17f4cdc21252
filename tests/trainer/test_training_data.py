"""What training data is known by, and how it is read."""

from __future__ import annotations

import gc

from hypothesis import given
from hypothesis import strategies as st

from lamlam.trainer.documents import Document, StatedFact, UnansweredLookup
from lamlam.trainer.paused_collection import paused_collection
from lamlam.trainer.training_data import _written_marks

_TEXTS = st.text("a'\"\\\n\u2028é\ud800", max_size=4)
_FACTS = st.builds(StatedFact, _TEXTS, _TEXTS, _TEXTS, st.integers(0, 9), st.booleans())
_LOOKUPS = st.builds(UnansweredLookup, _TEXTS, _TEXTS, st.integers(0, 9))


@given(
    st.lists(_FACTS, max_size=3).map(tuple),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, 0, 2]),
    st.lists(_LOOKUPS, max_size=2).map(tuple),
)
def test_the_hash_of_data_is_that_of_what_repr_writes(
    facts: tuple[StatedFact, ...],
    is_cut: bool | None,
    told: int | None,
    unanswered: tuple[UnansweredLookup, ...],
) -> None:
    """A run that was begun by an earlier version goes on."""
    document = Document("A", "A.", facts, is_cut=is_cut, told=told, unanswered=unanswered)
    marks = (
        (facts, is_cut) if (told, unanswered) == (None, ()) else (facts, is_cut, told, unanswered)
    )
    assert _written_marks(document) == repr(marks)


def test_the_search_for_cycles_is_as_it_was() -> None:
    assert gc.isenabled()
    with paused_collection():
        assert not gc.isenabled()
        with paused_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
