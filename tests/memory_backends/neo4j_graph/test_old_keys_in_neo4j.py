"""A store in Neo4j whose names have the keys of version 1 is upgraded when it is opened for writing."""

from __future__ import annotations

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.old_keys import REKEYED
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, Value
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.neo4j_stores import fresh_url
from tests.memory_backends.neo4j_graph.places import cypher
from tests.memory_backends.test_old_keys import check_upgraded, check_writing, seen_of

NAMES = {
    "102": "10²", "H2O": "H₂O", "O2": "O₂", "x2": "x²", "x3": "x³", "h": "½", "Gone 1": "Gone ①",
    "area km2": "area km²",
}  # fmt: skip
"""As the old version read them, and as they were written."""


def _fact(entity: str, relation: str, value: Value, **more: object) -> Assert:
    return Assert(
        Fact.model_validate({"entity": entity, "relation": relation, "value": value, **more})
    )


def _write_with_old_keys(server: Neo4jServer, url: str) -> None:
    """Write what the files of `test_old_keys` hold: plain names had the keys of the others."""
    with SyncFactStore(url) as store:
        store.apply([_fact("Ada Lovelace", "birth place", "London", source="a register")])
        store.apply(
            [
                _fact("102", "meaning", "a hundred", source="a book"),
                _fact("102", "meaning", "a room"),
                _fact("102", "floor", "first"),
            ]
        )
        store.apply(
            [
                _fact("H2O", "kind", "water"),
                _fact("H2O", "part", EntityRef("O2")),
                _fact("O2", "kind", "gas"),
            ]
        )
        store.apply([Replace(Fact(entity="H2O", relation="kind", value="liquid"))])
        store.apply(
            [
                _fact("Mill", "area m2", "50", source="a map"),
                _fact("Mill", "area m2", "51"),
                _fact("Mill", "near", EntityRef("102")),
            ]
        )
        store.apply([_fact("Lilo & Stitch", "year", "2002"), AddAlias("H2O", "Aqua")])
        store.apply(
            [
                _fact("x2", "kind", "square"),
                _fact("Square", "kind", "form"),
                MergeEntities("Square", "x2"),
            ]
        )
        store.apply(
            [
                _fact("x3", "kind", "cube"),
                _fact("Cube", "kind", "body"),
                MergeEntities("x3", "Cube"),
            ]
        )
        store.apply(
            [_fact("1⁄2", "kind", "half", namespace=("a",)), _fact("Gone 1", "kind", "once")]
        )
        store.apply([Retract("Gone 1", "kind")])
        store.apply([DefineRelation(RelationRule("area km2", "one"))])
    names = [{"old": old, "new": new} for old, new in {**NAMES, "1⁄2": "½"}.items()]
    for text, field in (
        ("Entity", "name"), ("Fact", "value"), ("Past", "value"), ("Event", "name"),
        ("Merge", "merged_name"), ("Rule", "name"),
    ):  # fmt: skip
        cypher(
            server,
            f"UNWIND $names AS one MATCH (n:{_label(url)}{text} {{{field}: one.old}})"
            f" SET n.{field} = one.new",
            names=names,
        )
    cypher(server, f"MATCH (f:{_label(url)}Fact {{value: '50'}}) SET f.relation = 'area m²'")
    cypher(server, f"MATCH (e:{_label(url)}Entity {{name: 'Lilo & Stitch'}}) SET e.codes = 'c0'")
    cypher(server, f"MATCH (s:{_label(url)}Store) SET s.keys = 1")


def _label(url: str) -> str:
    return url.partition("prefix=")[2].partition("&")[0] or "Lamlam"


def test_a_store_of_version_1_is_upgraded(lamlam_neo4j: Neo4jServer) -> None:
    """Opened for writing it is upgraded, once; all that was stored is there, edges too."""
    with fresh_url(lamlam_neo4j) as url:
        joint = "&" if "?" in url else "?"
        _write_with_old_keys(lamlam_neo4j, f"{url}{joint}edges=on")
        with SyncFactStore(url, read_only=True) as store:
            announced = store.migrate(dry_run=True)
            assert announced.steps == (REKEYED,)
            assert store.lookup("Ada Lovelace", "birth place").value == "London"
        with SyncFactStore(url) as store:
            assert store.migrate().steps == ()
            check_upgraded(store)
            before = seen_of(store)
        with SyncFactStore(f"{url}{joint}cache=off") as store:
            assert seen_of(store) == before
            ids = {fact.id for fact in store.scan("Mill", "near")}
            edges = cypher(
                lamlam_neo4j,
                f"MATCH (a:{_label(url)}Entity {{name: 'Mill'}})-[r:NEAR]->(b) RETURN r.fact_id, b.name",
            )
            assert edges == [[ids.pop(), "10²"]]
            check_writing(store)
