"""Fetched values are recognised in the text that a model writes freely."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.chat.cited_text import CitedText
from lamlam.runtime.decoding.events import Text
from tests.runtime.fake_store import FakeStore

CURIE = {"marie curie": {"birth place": ["Warsaw"], "child": ["Irène", "Ève"]}}


def results(*questions: tuple[str, str]) -> list[Any]:
    store = FakeStore(CURIE)
    return [store.lookup_nowait(Lookup(*question)) for question in questions]


@settings(max_examples=200)
@given(
    parts=st.lists(
        st.sampled_from(["Warsaw", "War", "saw", "Irène", "Ève", " ", ", ", "s", "Warsawa", "x"]),
        max_size=12,
    ),
    cuts=st.lists(st.integers(1, 4), max_size=30),
)
def test_streamed_text_is_cited_as_the_whole(parts: list[str], cuts: list[int]) -> None:
    """However the text arrives; spans cover it, and facts are values to the letter."""
    text = "".join(parts)
    whole, piecewise = CitedText(), CitedText()
    for result in results(("marie curie", "birth place"), ("marie curie", "child")):
        whole.learn(result)
        piecewise.learn(result)
    whole.add(text)
    whole.settle()
    told: list[Text] = []
    at = 0
    for cut in cuts:
        told += piecewise.add(text[at : at + cut])
        at += cut
    told += [*piecewise.add(text[at:]), *piecewise.settle()]
    assert piecewise.spans == whole.spans and piecewise.text == whole.text == text
    assert "".join(event.text for event in told) == text
    ends = [0, *(span.end for span in whole.spans)]
    assert ends[-1] == len(text) and ends[:-1] == [span.start for span in whole.spans]
    for span in whole.spans:
        is_value = text[span.start : span.end] in ("Warsaw", "Irène", "Ève")
        assert (span.origin == "fact") <= is_value and (span.fact_id is None) == (
            span.origin != "fact"
        )


def test_a_part_of_a_word_is_no_value() -> None:
    cited = CitedText()
    cited.learn(results(("marie curie", "birth place"))[0])
    cited.add("Warsaws, preWarsaw, Warsaw.")
    cited.settle()
    (fact,) = [span for span in cited.spans if span.origin == "fact"]
    assert (fact.start, fact.fact_id, fact.revision) == (20, "marie curie/birth place/Warsaw", 7)
