"""Any facts of an entity, as a store keeps them."""

from __future__ import annotations

from hypothesis import strategies as st

from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import StoredFact
from tests.memory_backends.stores import fact_text


@st.composite
def stored_facts(draw: st.DrawFn) -> StoredFact:
    relation = draw(fact_text() | st.sampled_from(["Birth Date", "birth date", "BIRTH date"]))
    value = draw(fact_text())
    moments = st.none() | st.integers(-(2**55), 2**55)
    return StoredFact(
        relation,
        canonical_key(relation),
        value,
        tuple(draw(st.lists(fact_text(), max_size=3, unique=True))),
        draw(st.integers(0, 2**40)),
        draw(st.floats(0, 1) | st.just(1.0)),
        draw(
            st.sampled_from(["", f"e:{canonical_key(value)}", f"i:{value}", "b:1", "s:^", "s:~"])
            | fact_text().map(lambda text: f"s:{text}")
        ),
        draw(moments),
        draw(moments),
    )


@st.composite
def pages(draw: st.DrawFn) -> list[StoredFact]:
    """The facts of an entity, some of whose places are empty."""
    seq, page = -1, []
    for fact in draw(st.lists(stored_facts(), max_size=8)):
        seq += draw(st.sampled_from([1, 1, 1, 2, 40]))
        page.append(fact._replace(seq=seq))
    return page


class Sources:
    """The slow and obvious table of sources."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def id_of(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1

    def text_of(self, number: int) -> str:
        return self.texts[number - 1]
