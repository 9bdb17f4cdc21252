"""The graph of a `GraphStore` is its facts, and a file of it is all that it holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import (
    BadStore,
    Conflict,
    FactStoreError,
    ReadOnly,
    SchemaMismatch,
    StoreClosed,
    StoreMissing,
    Unavailable,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Op,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import Capability
from tests.limits import HANG_S
from tests.memory_backends.any_facts import facts
from tests.memory_backends.stores import answered
from tests.paths import ROOT
from tests.reachable import texts_in

FAMILY: list[Op] = [
    DefineRelation(RelationRule("child", inverse="parent")),
    Assert(Fact(entity="Byron", relation="child", value=EntityRef("Ada"), sources=["a", "b"])),
    Assert(Fact(entity="Ada", relation="child", value=EntityRef("Anne"), confidence=0.5)),
    Assert(Fact(entity="Ada", relation="born", value=PartialDate(1815), valid_from="1815")),
    Assert(Fact(entity="Bob", relation="work", value="x", namespace=("n",))),
    AddAlias("Ada", "Countess"),
]


def _all(store: GraphStore) -> list[object]:
    """Everything that can be asked of a store."""
    revision = store.apply_nowait([]).revision
    names = dict.fromkeys(one.entity for one in store.changes_nowait(0) if one.entity)
    return [
        list(store.scan_nowait()),
        [list(store.scan_nowait(as_of=r)) for r in range(revision + 1)],
        list(store.changes_nowait(None)),
        list(store.changes_nowait(0)),
        [answered(store.history(name)) for name in names],
        store._state.merge_records,
        sorted(map(repr, store.graph.nodes(data=True))),
        sorted(map(repr, store.graph.edges(keys=True, data=True))),
    ]


def test_paths_degrees_and_attributes_are_those_of_the_facts() -> None:
    """With NetworkX alone: no object of ours is needed to read the graph."""
    store = GraphStore()
    store.apply_nowait(FAMILY)
    graph = store.graph
    assert nx.shortest_path(graph, "byron", "anne") == ["byron", "ada", "anne"]
    assert graph.nodes["anne"] == {"kind": "entity", "name": "Anne", "namespace": ""}
    (fact,) = store.scan_nowait("Byron")
    assert graph.edges["byron", "ada", fact.id] == {
        "relation": "child", "value": "Ada", "type": "entity", "confidence": 1.0, "id": fact.id,
        "revision": 1, "seq": 0, "sources": ("a", "b"), "code": "e:ada",
    }  # fmt: skip
    (born,) = graph["ada"]["date", "1815"].values()
    assert born["valid_from"] == "1815-01-01T00:00:00+00:00"
    assert graph.has_edge("n\x1dbob", ("text", "x", "n"))
    relations = nx.get_edge_attributes(graph, "relation")
    assert set(relations.values()) == {"child", "born", "work"}


def test_the_graph_is_live_and_a_copy_is_not() -> None:
    store = GraphStore()
    store.apply_nowait(FAMILY)
    live, copy = store.graph, store.copy_graph()
    store.apply_nowait([Retract("Ada", "child")])
    assert "anne" not in live
    assert "anne" in copy
    copy.clear()
    assert store.lookup_nowait(Lookup("Byron", "child")).value == "Ada"


def test_a_node_is_there_as_long_as_a_fact_needs_it() -> None:
    """Also under the name that the remaining fact gives it."""
    store = GraphStore()
    store.apply_nowait([Assert(Fact(entity="ADA", relation="work", value="x"))])
    store.apply_nowait([Assert(Fact(entity="Byron", relation="child", value=EntityRef("Ada")))])
    assert store.graph.nodes["ada"]["name"] == "ADA"
    store.erase_nowait("ada")
    assert store.graph.nodes["ada"]["name"] == "Ada"
    store.erase_nowait("byron")
    assert list(store.graph) == []


@settings(max_examples=25)
@given(st.lists(st.lists(facts(), min_size=1, max_size=3), max_size=4), st.data())
def test_a_file_gives_everything_back(
    tmp_path: Path, commits: list[list[Fact]], data: st.DataObject
) -> None:
    path = tmp_path / "world.json"
    path.unlink(missing_ok=True)
    store = GraphStore(path)
    kind = st.sampled_from([Assert, Replace])
    for commit in commits:
        ops: list[Op] = [data.draw(kind)(fact) for fact in commit]
        first = commit[0]
        ops.append(AddAlias(first.entity, "the alias of all", first.namespace))
        try:
            store.apply_nowait(ops, actor="me", idempotency_key=first.entity)
            store.apply_nowait([MergeEntities(first.entity, commit[-1].entity, first.namespace)])
        except FactStoreError:
            continue
    before = _all(store)
    store.save_nowait()
    again = GraphStore(path, create=False)
    assert _all(again) == before
    again.close_nowait()
    store.close_nowait()


def test_a_file_is_written_at_close_and_only_then(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    store = GraphStore(path)
    store.apply_nowait(FAMILY, idempotency_key="k")
    assert not path.exists()
    store.close_nowait()
    store.close_nowait()
    written = path.stat().st_mtime_ns
    with pytest.raises(StoreClosed):
        store.lookup_nowait(Lookup("Ada", "child"))
    again = GraphStore(path)
    assert again.apply_nowait(FAMILY, idempotency_key="k").facts == len(FAMILY)
    assert [rule.inverse for rule in answered(again.rules())] == ["parent"]
    again.close_nowait()
    assert path.stat().st_mtime_ns == written, "nothing was changed, so nothing is written"
    assert [file.name for file in tmp_path.iterdir()] == ["world.json"]


def test_a_file_that_somebody_else_wrote_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    with_facts = GraphStore(path)
    with_facts.apply_nowait(FAMILY)
    with_facts.save_nowait()
    other = GraphStore(path)
    other.apply_nowait([Retract("Ada", "child")])
    other.close_nowait()
    with_facts.apply_nowait([Retract("Byron", "child")])
    with pytest.raises(Conflict):
        with_facts.save_nowait()
    with_facts.save_nowait(tmp_path / "mine.json")
    assert not list(GraphStore(tmp_path / "mine.json").scan_nowait("Byron"))
    assert list(GraphStore(path).scan_nowait("Byron"))
    with pytest.raises(Conflict):
        with_facts.close_nowait()


def test_an_erasure_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    store = GraphStore(path)
    store.apply_nowait([*FAMILY, Assert(Fact(entity="Zyx Canary", relation="work", value="w4lue"))])
    store.apply_nowait([Replace(Fact(entity="Zyx Canary", relation="work", value="other"))])
    store.save_nowait()
    assert "w4lue" in path.read_text(encoding="utf-8")
    receipt = store.erase_nowait("zyx canary", reason="asked", authority="owner")
    assert receipt.facts == 2
    assert receipt.authority == "owner"
    text = path.read_text(encoding="utf-8").casefold()
    for gone in ("w4lue", "zyx", "other"):
        assert gone not in text


def test_a_save_that_is_broken_off_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ctrl-C does."""

    def broken_off(_: int) -> None:
        raise KeyboardInterrupt

    store = GraphStore(tmp_path / "world.json")
    store.apply_nowait(FAMILY)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("os.fsync", broken_off)
        store.save_nowait()
    assert not list(tmp_path.iterdir())
    store.close_nowait()
    assert [file.name for file in tmp_path.iterdir()] == ["world.json"]


_KILLED = """
import os, sys
from pathlib import Path
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.model.operations import AddAlias
store = GraphStore(Path(sys.argv[1]), create=False)
store.apply_nowait([AddAlias("Ada", "Enchantress")])
os.fsync = lambda _: os._exit(9)
store.save_nowait()
"""


@pytest.mark.skipif(os.name == "nt", reason="links need a right")
def test_an_erasure_tells_of_what_a_killed_save_left(tmp_path: Path) -> None:
    """It has all facts; where nobody can tell whether its process still runs, it is told.

    What a process of this machine has left is removed.
    """
    path, link = tmp_path / "world.json", tmp_path / "link.json"
    with_facts = GraphStore(path)
    with_facts.apply_nowait(FAMILY)
    with_facts.close_nowait()
    link.symlink_to(path)
    done = subprocess.run([sys.executable, "-c", _KILLED, str(link)], cwd=ROOT, timeout=HANG_S)
    assert done.returncode == 9
    (left,) = tmp_path.glob(".world.json.*")
    of_another_machine = tmp_path / ".world.json.00000000-1-abcdef.part"
    of_another_machine.write_bytes(left.read_bytes())
    store = GraphStore(link)
    receipt = store.erase_nowait("Byron")
    assert receipt.pending[-1].endswith(of_another_machine.name) and not receipt.verified
    is_told = any(left.name in place for place in receipt.pending)
    assert left.exists() == is_told == (not Path("/proc/self/ns/pid").exists())
    of_another_machine.unlink()
    left.unlink(missing_ok=True)
    assert not any(".part" in place for place in store.erase_nowait("Ada").pending)
    store.close_nowait()


def test_a_file_is_that_of_the_folder_where_the_store_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    store = GraphStore(Path("world.json"))
    store.apply_nowait(FAMILY)
    store.save_nowait(Path("world.json"))
    monkeypatch.chdir(there)
    store.apply_nowait([Retract("Ada", "child")])
    store.close_nowait()
    assert not list(there.iterdir())
    assert not list(GraphStore(here / "world.json").scan_nowait("Ada", "child"))


def test_what_was_merged_is_erased_with_what_keeps_it() -> None:
    """No name, value or key of it can be reached from the store."""
    store = GraphStore()
    store.apply_nowait(
        [
            Assert(Fact(entity="Zyx King", relation="work", value="w4lue")),
            Assert(Fact(entity="Zyx", relation="work", value="qux")),
            Assert(Fact(entity="Z. K.", relation="work", value="quy")),
            Assert(Fact(entity="Bystander", relation="work", value="qua")),
        ]
    )
    store.apply_nowait([MergeEntities("Zyx King", "Z. K.")])
    store.apply_nowait([MergeEntities("Zyx", "Zyx King")])
    store.erase_nowait("zyx")
    kept = {text.casefold() for text in texts_in(store)}
    assert {"bystander", "qua"} <= kept
    for gone in ("w4lue", "zyx", "z. k.", "qux", "quy"):
        assert not [text for text in kept if gone in text]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": "lamlam memory"}', "\x00", "[" * 100_000, '{"format": 1}'],
)
def test_a_file_that_is_none_of_ours_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "world.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadStore, match=r"world\.json"):
        GraphStore(path)
    assert path.read_text(encoding="utf-8") == text


def _damages() -> list[tuple[str, Any]]:
    return [
        ("secret", "no hexadecimal"), ("revision", "x"), ("graph", {"nodes": [], "edges": [{}]}),
        ("past", {"ada": {"name": "Ada", "versions": [[["too", "few"], 1]]}}), ("aliases", 7),
        ("merges", [["too", "few"]]), ("rules", [{"name": ""}]), ("commits", [{}]),
        ("idempotency", {"k": 1}),
    ]  # fmt: skip


@pytest.mark.parametrize(("part", "damage"), _damages(), ids=[part for part, _ in _damages()])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, part: str, damage: object) -> None:
    path = tmp_path / "world.json"
    store = GraphStore(path)
    store.apply_nowait(FAMILY)
    store.close_nowait()
    held = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**held, part: damage}), encoding="utf-8")
    with pytest.raises(BadStore, match=r"world\.json is damaged"):
        GraphStore(path)


@pytest.mark.parametrize("part", ["schema", "keys"])
def test_a_newer_file_is_refused_by_name(tmp_path: Path, part: str) -> None:
    path = tmp_path / "world.json"
    GraphStore(path).close_nowait()
    held = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**held, part: 99}), encoding="utf-8")
    with pytest.raises(SchemaMismatch, match="99"):
        GraphStore(path)


def test_files_that_cannot_be_opened_or_written(tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(StoreMissing):
            GraphStore(missing, **options)
    with pytest.raises(StoreMissing, match="folder"):
        GraphStore(tmp_path / "no" / "world.json")
    with pytest.raises(BadStore):
        GraphStore(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    store = GraphStore(folder / "world.json")
    store.apply_nowait(FAMILY)
    os.rename(folder, tmp_path / "moved")
    with pytest.raises(Unavailable):
        store.save_nowait()
    assert list(store.scan_nowait("Ada")), "the facts are still there to be saved elsewhere"
    store.save_nowait(tmp_path / "elsewhere.json")


def test_a_store_for_reading_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    store = GraphStore(path)
    store.apply_nowait(FAMILY)
    store.close_nowait()
    before = path.read_bytes()
    reader = GraphStore(path, read_only=True)
    assert not {Capability.WRITE, Capability.ERASE} & reader.capabilities
    for write in (
        lambda: reader.apply_nowait(FAMILY),
        lambda: reader.erase_nowait("Ada"),
        reader.save_nowait,
    ):
        with pytest.raises(ReadOnly):
            write()
    assert reader.lookup_nowait(Lookup("Ada", "parent")).values == ("Byron",)
    reader.close_nowait()
    assert path.read_bytes() == before


def test_migrating_makes_the_file_once(tmp_path: Path) -> None:
    import anyio

    async def migrate() -> None:
        store = GraphStore(tmp_path / "world.json")
        assert (await store.migrate(dry_run=True)).steps
        assert not (tmp_path / "world.json").exists()
        made = await store.migrate()
        assert (made.before, made.after) == (0, 1)
        assert (tmp_path / "world.json").exists()
        assert not (await store.migrate()).steps
        await store.aclose()

    anyio.run(migrate)
