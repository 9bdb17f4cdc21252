"""URLs of Neo4j databases, and the types of projected edges: nothing here needs a server."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import MissingExtra, UnknownBackend, UnknownOption
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.neo4j_graph.address import parse_address
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection
from lamlam.memory_backends.neo4j_graph.edges import edge_type
from lamlam.memory_backends.neo4j_graph.foreign_entities import relation_of


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_USERNAME", raising=False)
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)


def test_parts_are_decoded() -> None:
    address = parse_address("neo4j+s://ada%40x:p%40ss%2Fw@db.example:7000/my%20facts?cache=off")
    assert (address.uri, address.user) == ("neo4j+s://db.example:7000", "ada@x")
    assert address.password.get_secret_value() == "p@ss/w"
    assert (address.database, address.has_cache, address.edges) == ("my facts", False, None)


def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_USERNAME", "ada")
    monkeypatch.setenv("NEO4J_PASSWORD", "hidden-word")
    address = parse_address("bolt://localhost")
    assert (address.uri, address.user) == ("bolt://localhost:7687", "ada")
    assert address.password.get_secret_value() == "hidden-word"
    assert parse_address("bolt://eve:x@localhost").user == "eve"


def test_the_password_is_in_no_text() -> None:
    address = parse_address("neo4j://ada:hidden-word@localhost/facts")
    assert "hidden-word" not in f"{address} {address!r}"


@pytest.mark.parametrize(
    "url", ["http://x", "neo4j:", "neo4j://", "neo4j://h:port", "neo4j://h/a/b", "neo4j://[::1"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(UnknownBackend):
        parse_address(url)


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "prefix=a%60b",
        "edges=maybe",
        "view=own",
        "label=a%20b",
        "timeout=-1",
        "cache=",
    ],
)
def test_options_that_do_not_exist_are_refused_by_name(query: str) -> None:
    with pytest.raises(UnknownOption, match=query.partition("=")[0]):
        parse_address(f"neo4j://ada:hidden-word@localhost?{query}")


@given(st.lists(st.text(min_size=1).map(canonical_key), min_size=2, max_size=2, unique=True))
def test_two_relations_never_share_a_type(keys: list[str]) -> None:
    assert edge_type(keys[0]) != edge_type(keys[1])


@given(st.text(min_size=1).map(canonical_key))
def test_a_type_is_a_plain_word(key: str) -> None:
    kind = edge_type(key)
    assert kind.isascii() and kind.replace("_", "").isalnum()
    assert kind not in ("ABOUT", "VALUE", "NAMES", "INTO")


@pytest.mark.parametrize(
    ("type_name", "relation"),
    [("BORN_IN", "born in"), ("birthDate", "birth date"), ("HAS__PART", "has part"), ("_", "_")],
)
def test_relations_of_foreign_types(type_name: str, relation: str) -> None:
    assert relation_of(type_name) == relation


def test_what_another_package_left_is_not_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """``neo4j-rust-ext`` puts a file into the driver's folder, which outlasts the driver."""
    monkeypatch.setitem(sys.modules, "neo4j", ModuleType("neo4j"))
    with pytest.raises(MissingExtra, match=r"lamlam\[neo4j\]"):
        Neo4jConnection(parse_address("neo4j://localhost"))
