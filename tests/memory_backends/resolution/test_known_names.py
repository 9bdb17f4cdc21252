"""Many names at once: the answer is that of the resolver to each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.memory_backends.conformance.samples import HALF, HOSTILE, fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import EntityView, LookupStatus
from lamlam.memory_backends.model.operations import AddAlias, Assert, Op, Retract
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.read_views.replica import Replica
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, url_of

STORED = (
    "Café Noir", "The Salt (novel)", "Orb (planet)", "Orb (element)", "C++", "AT&T", "O’Hara Inn",
    "Kevin John Zwickau", "Ubu, Ohio", "10²", "ʻOhana", "Ångström", "Thé", "the", "日本", "z\x1dz",
)  # fmt: skip
WORDS = st.sampled_from(
    "cafe Café noir the The Salt (novel) orb Orb (planet) (film) C C++ C# AT&T at & t o'hara O’Hara"
    " inn Kevin Zwickau Sir John ubu Ubu, Ohio 10 10² 102 ohana ʻohana angstrom thé 日本 Other . ?"
    " users/7\x1dz Sole".split(" ")
)
ASKED = st.one_of(
    st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
    st.sampled_from([*STORED, *HOSTILE, HALF, "\0", "", " ", "_", "x" * MAX_NAME_CHARACTERS]),
    st.text(max_size=6),
)
SPACES = ((), ("a",), ("users", "7"))
NAMES = settings(
    max_examples=60,
)


@pytest.fixture(scope="module", params=BACKENDS)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SyncFactStore]:
    """A memory with names of every kind, some of them at its first revision only."""
    with SyncFactStore(url_of(request.param, tmp_path_factory.mktemp("names"))) as opened:
        _fill(opened)
        yield opened


def _fill(store: SyncFactStore) -> None:
    ops: list[Op] = [
        Assert(fact("x", "work", name, namespace=space)) for name in STORED for space in SPACES
    ]
    store.apply([*ops, Assert(fact("x", "work", "Sole"))])
    store.apply([Retract("Sole", "work"), Retract("C++", "work"), AddAlias("AT&T", "Other C")])
    store.refresh_nowait()


@given(
    names=st.lists(ASKED, max_size=40),
    space=st.sampled_from(SPACES),
    as_of=st.sampled_from([None, None, 1]),
)
@NAMES
def test_every_name_is_known_that_is_found_alone(
    store: SyncFactStore, names: list[str], space: tuple[str, ...], as_of: int | None
) -> None:
    """Names that are a key or an alias; loosely all that are found or ambiguous alone, of which
    those that are only another name of the same person may be left out.
    """
    very, found, persons = set(), set(), set()
    for name in names:
        view = store.describe_nowait(name, fuzzy=False, namespace=space, as_of=as_of)
        others = store.homonyms_nowait(name, fuzzy=False, namespace=space, as_of=as_of)
        assert view is None or not others
        if view is not None and _has_the_very_name(view, name):
            very.add(name)
        if view is not None and view.match.kind == "fuzzy":
            persons.add(name)
        elif view is not None or others:
            found.add(name)
    assert store.known_names_nowait(names, namespace=space, as_of=as_of) == very
    assert store.known_names(names, namespace=space, as_of=as_of) == very
    loosely = store.known_names_nowait(names, namespace=space, as_of=as_of, loosely=True)
    assert found <= loosely <= found | persons
    assert store.known_names(names, namespace=space, as_of=as_of, loosely=True) == loosely
    store.refresh_nowait()


def _has_the_very_name(view: EntityView, name: str) -> bool:
    return view.match.kind == "exact" or canonical_key(name) == "other c"


def test_a_replica_knows_the_same_names() -> None:
    """The copy of a store answers like the store in every namespace, also after erasures."""
    original = GraphStore()
    replica = Replica(original.secret)
    names = [*STORED, *(name.upper() for name in STORED), "cafe noir", "orb", "Other C", "salt"]
    with SyncFactStore(original) as store:
        _fill(store)
        replica.apply_changes(store.changes(None))
        for _ in range(2):
            for space in SPACES:
                for loosely in (False, True):
                    mine = replica.known_names_nowait(names, namespace=space, loosely=loosely)
                    assert mine == store.known_names(names, namespace=space, loosely=loosely)
                theirs = store.homonyms_nowait("orb", namespace=space)
                assert [one.key for one in replica.homonyms_nowait("orb", namespace=space)] == [
                    one.key for one in theirs
                ]
            store.erase("The Salt (novel)")
            store.erase("Orb (planet)", namespace=("a",))
            replica.apply_changes(store.changes(replica.revision))
    assert "salt" not in replica.known_names_nowait(names, loosely=True)
    assert replica.homonyms_nowait("orb", namespace=("a",)) == ()


def test_homonyms_are_what_a_lookup_calls_ambiguous(store: SyncFactStore) -> None:
    """They are the candidates of an ambiguous lookup, in their order."""
    for name in ("orb", "salt", "Nobody", "Orb (planet)"):
        result = store.lookup(name, "work")
        is_ambiguous = result.status is LookupStatus.AMBIGUOUS
        expected = [one.entity for one in result.candidates] if is_ambiguous else []
        assert [view.name for view in store.homonyms_nowait(name)] == expected
        assert is_ambiguous == (name == "orb")


def test_misspelt_homonyms_are_found_if_wished(tmp_path: Path) -> None:
    """A misspelling of two names is ambiguous, and without ``fuzzy`` the name of nothing."""
    with SyncFactStore(f"sqlite:///{tmp_path / 'facts.db'}") as store:
        store.apply([Assert(fact("x", "work", f"Lower Zwickau ({n})")) for n in ("city", "film")])
        store.refresh_nowait()
        assert len(store.homonyms_nowait("Lower Zwickaw")) == 2
        assert store.homonyms_nowait("Lower Zwickaw", fuzzy=False) == ()
        assert not store.known_names_nowait(["Lower Zwickaw"], loosely=True)
        store.refresh_nowait()


def test_of_long_names_only_the_very_one_is_known(tmp_path: Path) -> None:
    """No text makes a store fold many characters for each of many names."""
    with SyncFactStore(f"sqlite:///{tmp_path / 'facts.db'}") as store:
        for length, is_folded in ((200, True), (201, False)):
            name = "É".ljust(length, "x")
            store.apply([Assert(fact("x", "work", name))])
            asked = [name, name.replace("É", "E")]
            assert store.known_names(asked, loosely=True) == set(asked[: 1 + is_folded])
