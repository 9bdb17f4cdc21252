"""Neo4j and files: exported scripts run as they are, copies lose nothing, the command works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import neo4j
import pytest

from lamlam.cli.app import run
from lamlam.memory_backends.fact_formats.fact_files import FactFile, write_facts
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.transfer import contents, copy_facts, put
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.neo4j_stores import fresh_url
from tests.memory_backends.stores import HOSTILE

ESCAPES = (
    "\\u0022 }) DETACH DELETE e; //", "\\\\u0022", "\\\x1bu0041", "a\\", '"', "`\\u0060`", "'",
    "x\ny\r\n;z", "// no comment", "a\u2028\x85b", "$param {x}",
)  # fmt: skip


@pytest.fixture
def url(lamlam_neo4j: Neo4jServer) -> Iterator[str]:
    """The URL of an empty store."""
    with fresh_url(lamlam_neo4j) as url:
        yield url


def _fill(store: SyncFactStore) -> None:
    texts = [text for text in (*HOSTILE, *ESCAPES) if not text.isspace()]
    facts = [Assert(Fact(entity="hostile", relation=text[:900], value=text)) for text in texts]
    store.apply(
        [
            *facts,
            *[Assert(Fact(entity=text[:900], relation="is", value=text)) for text in ESCAPES],
            Assert(Fact(entity="Ada", relation="born", value=PartialDate(1815), source="a")),
            Assert(Fact(entity="Ada", relation="friend", value=EntityRef("Bob"), valid_to="1850")),
            Assert(Fact(entity="Ada", relation="job", value="spy", namespace=("me",))),
            AddAlias("Ada", "the miller"),
            DefineRelation(RelationRule("friend", inverse="friend")),
        ]
    )


def _held(store: SyncFactStore) -> list[str]:
    stripped = [
        Assert(item.fact.model_copy(update={"id": None, "revision": None}))
        if isinstance(item, Assert)
        else item
        for item in contents(store)
    ]
    return sorted(map(repr, stripped))


def test_copies_to_and_from_neo4j(url: str, tmp_path: Path) -> None:
    """From memory to Neo4j, through a file to SQLite: the same all along."""
    with SyncFactStore("memory:") as first, SyncFactStore(url) as middle:
        _fill(first)
        copy_facts(first, middle)
        assert _held(middle) == _held(first)
        path = str(tmp_path / "facts.jsonl")
        assert write_facts(contents(middle), path).lost == ""
        with SyncFactStore(tmp_path / "facts.db") as last:
            put(last, FactFile(path))
            assert _held(last) == _held(first)


def test_rdf_files_one_after_the_other(url: str, tmp_path: Path) -> None:
    """An IRI that has the name of a stored entity gets a qualifier; doing it again adds nothing."""
    path = tmp_path / "facts.nt"
    with SyncFactStore(url) as store:
        for kind in ("planet", "element", "planet", "element"):
            path.write_text(f'<http://x.org/{kind}/Mercury> <http://x.org/p> "{kind}" .\n')
            put(store, FactFile(str(path)))
        assert {fact.entity: fact.value for fact in store.scan()} == {
            "Mercury": "planet",
            "Mercury (element)": "element",
        }


def test_an_exported_script_runs_as_it_is(lamlam_neo4j: Neo4jServer, tmp_path: Path) -> None:
    """Statement by statement, twice: the graph holds each text as it was, and each once."""
    path = tmp_path / "facts.cypher"
    with SyncFactStore("memory:") as store:
        _fill(store)
        facts = [fact for fact in store.scan(include_expired=True) if not fact.namespace]
        write_facts(contents(store), str(path))
    server = lamlam_neo4j
    auth = (server.user, server.password)
    with (
        neo4j.GraphDatabase.driver(server.address, auth=auth) as driver,
        driver.session(database=server.database) as session,
    ):
        try:
            for _ in range(2):
                for line in path.read_text(encoding="utf-8").split("\n"):
                    if line:
                        # As a person pastes it: no parameters.
                        statement: Any = line.removesuffix(";")  # Any: no literal
                        session.run(statement).consume()
            rows = session.run(
                "MATCH (e:ExportedEntity {namespace: ''})-[f:FACT]->(o)"
                " RETURN e.name, f.relation, f.surface, coalesce(o.text, o.name)"
            ).values()
            assert sorted(row[:3] for row in rows) == sorted(
                [fact.entity, fact.relation, fact.surface] for fact in facts
            )
            assert all(row[2] == row[3] for row in rows)
            (names,) = session.run(
                "MATCH (a:ExportedAlias)-[:NAMES]->(e) RETURN a.alias, e.name"
            ).values()
            assert names == ["the miller", "Ada"]
            joint = "&" if "?" in server.url else "?"
            view = f"{server.url}{joint}view=foreign&label=ExportedEntity"
            assert run(["facts", "search", "Ada", "--memory", view]) == 0
            assert run(["facts", "export", str(tmp_path / "view.jsonl"), "--memory", view]) == 0
            assert "Ada" in (tmp_path / "view.jsonl").read_text(encoding="utf-8")
        finally:
            session.run(
                "MATCH (n) WHERE any(l IN labels(n) WHERE l STARTS WITH 'Exported') DETACH DELETE n"
            ).consume()
            for name in ("exported_entity", "exported_alias"):
                session.run(f"DROP INDEX {name} IF EXISTS").consume()


def test_the_command_on_neo4j(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every verb, one after the other, as on a file."""
    monkeypatch.chdir(tmp_path)
    lines: list[dict[str, Any]] = [
        {"entity": "Ada", "relation": "job", "value": "miller", "source": "x"},
        {"entity": "Ada", "relation": "spouse", "value": {"entity": "Bob"}},
        {"entity": "Bob", "relation": "job", "value": "baker"},
    ]
    Path("f.jsonl").write_text("\n".join(map(json.dumps, lines)))
    Path("bad.jsonl").write_text(f"{json.dumps({**lines[0], 'entity': 'new'})}\nbad\n")

    def facts(*arguments: str, status: int = 0, memory: bool = True) -> str:
        where = ["--memory", url] if memory else []
        assert run(["facts", *arguments, *where]) == status, capsys.readouterr().err
        shown = capsys.readouterr()
        assert "secret" not in shown.out + shown.err
        return shown.out

    assert json.loads(facts("import", "f.jsonl", "--json"))["facts"] == 3
    facts("import", "bad.jsonl", status=2)
    facts("get", "new", "job", status=1)
    assert json.loads(facts("get", "ada", "occupation", "--json"))["values"] == ["miller"]
    facts("set", "Ada", "job", "spy", "--from", "1850")
    ended = json.loads(facts("history", "Ada", "--json"))["facts"]
    assert [one["surface"] for one in ended] == ["miller"]
    assert json.loads(facts("get", "Ada", "job", "--at", "1849", "--json"))["values"] == ["miller"]
    assert json.loads(facts("get", "Ada", "job", "--as-of", "1", "--json"))["values"] == ["miller"]
    facts("alias", "Ada", "the miller")
    assert len(json.loads(facts("search", "the miller", "--json"))["facts"]) == 2
    assert len(json.loads(facts("search", "the miller", "--expired", "--json"))["facts"]) == 3
    facts("relations", "spouse", "--inverse", "spouse")
    assert json.loads(facts("get", "Bob", "spouse", "--json"))["values"] == ["Ada"]
    assert "baker" in facts("graph", "Ada", "--depth", "2")
    facts("merge", "Ada", "Bob")
    facts("split", "Ada", "Bob")
    assert json.loads(facts("stats", "--json"))["facts"] == 4
    facts("migrate")
    facts("retract", "Bob", "job")
    facts("export", "all.cypher")
    facts("copy", url, "sqlite:///copy.db", memory=False)
    assert run(["facts", "get", "The Miller", "job", "--memory", "sqlite:///copy.db"]) == 0
    capsys.readouterr()
    assert "erased" in facts("forget", "Ada", "--authority", "registrar")
    facts("history", "Ada", status=1)


def test_benchmarks_on_neo4j(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both end with figures, and leave the database as it was."""
    for what, key in (("lookup", "exact_us"), ("load", "facts_per_s")):
        assert run(["bench", what, "--facts", "200", "--memory", url, "--json"]) == 0
        shown = capsys.readouterr()
        assert json.loads(shown.out)[key]
    with SyncFactStore(url) as store:
        assert store.info().facts == 0
