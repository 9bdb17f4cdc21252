"""What a text keeps of memory's answers about its names: only as long as memory is the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import EntityView
from lamlam.memory_backends.model.meanings import Meanings
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.read_views.overlay import Overlay
from lamlam.runtime.wording.text_meanings import TextMeanings
from lamlam.runtime.wording.word_guide import WordGuide
from tests.runtime.fake_store import FakeStore

NAMES = ("Ada Quill", "Orb", "Nobody Here")
MINE = ("users", "7")


class CountsQuestions(GraphStore):
    """A memory that counts what it is asked about names."""

    n_asked = 0

    def meanings_nowait(self, name: str, **options: Any) -> Meanings:
        self.n_asked += 1
        return super().meanings_nowait(name, **options)


def said(view: EntityView | None) -> object:
    return view and (view.name, view.namespace, [(one, view.values(one)) for one in view.relations])


Step = tuple[str, str, tuple[str, ...]]
STEPS = st.lists(
    st.tuples(st.sampled_from(("assert", "erase")), st.sampled_from(NAMES[:2]),
              st.sampled_from(((), MINE))),
    max_size=8,
)  # fmt: skip


@given(STEPS)
def test_what_is_kept_is_what_memory_says(steps: list[Step]) -> None:
    """After whatever was committed and erased a text hears what a new one would."""
    store = GraphStore()
    view = Overlay(store, MINE)
    kept = TextMeanings(view)
    for n, (kind, name, space) in enumerate(steps):
        for _ in range(2):
            for asked in NAMES:
                for fuzzy in (False, True):
                    known, now = kept.of(asked, fuzzy=fuzzy), view.meanings_nowait(asked)
                    assert said(known.view) == said(now.view)
                    assert len(known.homonyms) == len(now.homonyms)
        if kind == "erase":
            store.erase_nowait(name, namespace=space)
        else:
            fact = Fact(entity=name, relation="work", value=f"v{n}", namespace=space)
            store.apply_nowait([Assert(fact)])


def test_a_name_is_asked_about_once_a_state() -> None:
    """Twenty sentences about one name are one question to memory, and one more after a commit."""
    store = CountsQuestions()
    store.apply_nowait([Assert(Fact(entity="Ada Quill", relation="spouse", value="Bo Ray"))])
    guide = WordGuide(store)
    for n in range(20):
        asked = guide.read(f"Line {n}. The spouse of Ada Quill is")
        assert asked is not None and asked.relations == ("spouse",)
    assert store.n_asked == 1
    store.apply_nowait([Assert(Fact(entity="Orb", relation="spouse", value="Bo Ray"))])
    assert guide.read("The spouse of Ada Quill is") is not None
    assert store.n_asked == 2


def test_a_store_without_a_mark_is_asked_every_time() -> None:
    """What cannot tell that it has changed may have changed."""
    store = FakeStore({"ada quill": {"spouse": ["Bo Ray"]}})
    meanings = TextMeanings(store)
    assert said(meanings.of("Ada Quill", fuzzy=False).view)
    del store.facts["ada quill"]
    assert meanings.of("Ada Quill", fuzzy=False).view is None
