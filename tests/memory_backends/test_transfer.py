"""One store's contents in another: through every pair of backends, and through every file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings

from lamlam.errors import BadFact, TooManyValues
from lamlam.memory_backends.fact_formats.fact_files import FactFile, write_facts
from lamlam.memory_backends.fact_formats.format import Item
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Replace,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate, ValueType
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.transfer import contents, copy_facts, put
from tests.memory_backends.any_facts import contents as any_contents
from tests.memory_backends.stores import BACKENDS, url_of

LOCAL = [name for name in BACKENDS if name in ("memory", "sqlite")]
WHOLE = ("jsonl", "nt", "cypher")


def _held(store: SyncFactStore) -> list[str]:
    """What a store holds, in an order that is the same for every backend."""
    items = []
    for item in contents(store):
        if isinstance(item, Assert):
            item = Assert(item.fact.model_copy(update={"id": None, "revision": None}))
        items.append(repr(item))
    return sorted(items)


def _fill(store: SyncFactStore) -> None:
    """Facts of every kind, an alias, a merge, another namespace, and rules that they break."""
    ada = "Ada Quill"
    store.apply(
        [
            Assert(Fact(entity=ada, relation="birth date", value=PartialDate(1815), source="a")),
            Assert(Fact(entity=ada, relation="born", value="10 December 1815", sources=("b", "c"))),
            Assert(Fact(entity=ada, relation="job", value="miller", valid_to="1840")),
            Assert(Fact(entity=ada, relation="job", value="miller", valid_from="1850")),
            Assert(Fact(entity=ada, relation="spouse", value=EntityRef("Bob"), confidence=0.5)),
            Assert(Fact(entity="A. Q.", relation="job", value="baker", surface="a baker")),
            Assert(Fact(entity=ada, relation="job", value="spy", namespace=("me", "x"))),
            AddAlias(ada, "the miller"),
            AddAlias(ada, "agent", ("me", "x")),
        ]
    )
    store.apply([MergeEntities(ada, "A. Q.")])
    store.apply([Replace(Fact(entity="Bob", relation="job", value="x"))])
    store.apply([Replace(Fact(entity="Bob", relation="job", value="y"))])
    # The two dates of birth were there before: a copy must hold both, rule or no rule.
    store.apply(
        [
            DefineRelation(RelationRule("birth date", "one", ValueType.DATE)),
            DefineRelation(RelationRule("spouse", inverse="spouse")),
        ]
    )


@pytest.fixture(params=LOCAL)
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SyncFactStore]:
    """A store that holds something of everything."""
    folder = tmp_path / "source"
    folder.mkdir()
    with SyncFactStore(url_of(request.param, folder)) as store:
        _fill(store)
        yield store


@pytest.mark.parametrize("target", LOCAL)
def test_a_copy_holds_the_same(full: SyncFactStore, target: str, tmp_path: Path) -> None:
    """Facts with all their fields, aliases, namespaces and rules."""
    with SyncFactStore(url_of(target, tmp_path)) as copy:
        commit = copy_facts(full, copy)
        assert _held(copy) == _held(full)
        assert commit.revision == 1
        assert copy.lookup("A. Q.", "job").values == ("miller", "a baker")
        with pytest.raises(TooManyValues):
            copy_facts(full, copy)  # the rules that came along hold for what comes now
        assert copy.info().revision == 1


@pytest.mark.parametrize("format", WHOLE)
@pytest.mark.parametrize("target", LOCAL)
def test_a_file_carries_the_same(
    full: SyncFactStore, target: str, format: str, tmp_path: Path
) -> None:
    """Export and import lose nothing, whatever the backends."""
    path = str(tmp_path / f"facts.{format}.gz")
    assert write_facts(contents(full), path).lost == ""
    with SyncFactStore(url_of(target, tmp_path)) as copy:
        put(copy, FactFile(path))
        assert _held(copy) == _held(full)


def test_one_namespace(full: SyncFactStore) -> None:
    """Only its facts and aliases; rules are those of the store."""
    with SyncFactStore("memory:") as copy:
        copy_facts(full, copy, namespace=("me", "x"))
        assert [fact.surface for fact in copy.scan()] == ["spy"]
        assert copy.aliases("Ada Quill", namespace=("me", "x")) == ["agent"]
        assert len(copy.rules()) == 2


def test_what_held_at_an_earlier_revision(full: SyncFactStore) -> None:
    """Facts as they were."""
    items = list(contents(full, as_of=1))
    facts = {item.fact.entity for item in items if isinstance(item, Assert)}
    assert facts == {"Ada Quill", "A. Q."}
    assert not [item for item in items if isinstance(item, AddAlias)]


@pytest.mark.parametrize("target", LOCAL)
def test_all_or_nothing(target: str, tmp_path: Path) -> None:
    """What the store refuses at the end undoes what came before it."""
    items: list[Item] = [
        Assert(Fact(entity=f"E{n}", relation="r", value="v")) for n in range(5_000)
    ]
    with SyncFactStore(url_of(target, tmp_path)) as store:
        with pytest.raises(BadFact):
            put(store, iter([*items, AddAlias("nobody", "x")]))
        assert store.info().facts == 0
        assert list(store.scan()) == []


@pytest.mark.parametrize("backend", LOCAL)
@settings(max_examples=25)
@given(any_contents())
def test_any_facts_and_rules_survive(backend: str, items: list[Item]) -> None:
    """From a store in memory, through a file of JSON lines, to another store."""
    import tempfile

    kept = [item for item in items if not isinstance(item, AddAlias)]
    kept.sort(key=lambda item: isinstance(item, DefineRelation))
    with tempfile.TemporaryDirectory() as folder, SyncFactStore("memory:") as first:
        put(first, kept)
        path = str(Path(folder) / "facts.jsonl")
        write_facts(contents(first), path)
        with SyncFactStore(url_of(backend, Path(folder))) as second:
            put(second, FactFile(path))
            assert _held(second) == _held(first)


def test_a_copy_has_what_has_expired() -> None:
    """Facts whose period has ended are copied, from the change log as from a scan."""
    fact = Fact(entity="Lowmere", relation="mayor", value="Ada", valid_to="2020")
    with SyncFactStore("memory:") as store:
        revision = store.apply([Assert(fact)]).revision
        assert list(store.scan()) == []
        for items in (contents(store), contents(store, as_of=revision)):
            with SyncFactStore("memory:") as copy:
                put(copy, items)
                assert [one.surface for one in copy.scan(include_expired=True)] == ["Ada"]
