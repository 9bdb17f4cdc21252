"""What is particular to facts in Neo4j; the laws of all memories are in the conformance kit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from lamlam.errors import (
    AccessDenied,
    BadFact,
    NotSupported,
    ReadOnly,
    SchemaMismatch,
    StoreClosed,
    StoreMissing,
    TooManyValues,
    Unavailable,
)
from lamlam.memory_backends.conformance.proxy import Fault, proxied
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Replace,
    Retract,
    Revision,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.neo4j_graph.bulk_load import PART
from lamlam.memory_backends.neo4j_graph.connect import connect_neo4j
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.store import Neo4jStore
from lamlam.memory_backends.protocol import Capability
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.neo4j_stores import fresh_url
from tests.memory_backends.neo4j_graph.places import cypher, opened
from tests.programs import run_python

_timeout = asyncio.timeout
pytestmark = pytest.mark.anyio
HOSTILE = (
    "'}) DETACH DELETE n //",
    "`]-() DELETE r //",
    "\\u0060 \\' \\\" $value {x}",
    'a" OR *:* AND (name~2 +b -c !d ^4) [x TO y] /re/',
    "born`in",
    "𝒳 \u202e ن \u0301é\r\n\t end",
)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both event loops."""
    name: str = request.param
    return name


@pytest.fixture(params=["lamlam_neo4j", "newest_neo4j"])
def server(request: pytest.FixtureRequest) -> Neo4jServer:
    """Both releases."""
    found: Neo4jServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def url(server: Neo4jServer) -> Iterator[str]:
    """Of an empty store."""
    with fresh_url(server) as url:
        yield url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Neo4jStore]:
    """An empty open store."""
    async with await opened(url) as store:
        yield store


def _fact(value: str, relation: str = "birth place", entity: str = "Ada Lovelace") -> Fact:
    return Fact(entity=entity, relation=relation, value=value)


async def _facts(store: Neo4jStore) -> set[tuple[str, str, str]]:
    return {(one.entity, one.relation, one.surface) async for one in store.scan()}


async def test_hostile_text_stays_text(store: Neo4jStore) -> None:
    """Nothing in any field is taken for Cypher or for a search; all of it comes back."""
    for n, text in enumerate(HOSTILE):
        name = f"{text}{n}"
        fact = Fact(entity=name, relation=text, value=text, source=text, namespace=("a`b",))
        referring = Fact(entity="x", relation=text, value=EntityRef(name), namespace=("a`b",))
        await store.apply(
            [Assert(fact), Assert(referring), AddAlias(name, f"alias {name}", ("a`b",))],
            actor=text,
            idempotency_key=text,
        )
        (found,) = (await store.lookup(f"alias {name}", text, namespace=("a`b",))).facts
        assert (found.entity, found.relation, found.value) == (name, text, text)
        assert found.sources == (text,)
        await store.lookup(f"{name}x", text)  # by near spellings
    assert (await store.info()).facts == 2 * len(HOSTILE)
    with pytest.raises(BadFact):
        _fact("a\0b")


async def test_every_call_names_database_and_mode(store: Neo4jStore) -> None:
    """No session is left to defaults: the database is named, and reads say that they are reads."""
    driver: Any = store._connection._driver
    asked: list[tuple[str, str]] = []
    session = driver.session

    def watched(**options: Any) -> Any:
        asked.append((options["database"], options["default_access_mode"]))
        return session(**options)

    driver.session = watched
    await store.lookup("Ada Lovelace", "birth place")
    assert await _facts(store) == set()
    await store.info()
    assert [one async for one in store.changes()] == []
    assert not await store.history("Ada Lovelace")
    assert not await store.rules()
    assert set(asked) == {("neo4j", "READ")}
    asked.clear()
    await store.apply([Assert(_fact("London"))])
    await store.erase("Ada Lovelace")
    assert set(asked) == {("neo4j", "WRITE")}


async def test_another_driver_reads_what_a_revision_names(store: Neo4jStore, url: str) -> None:
    """A revision, carried as text to a second driver, makes it see that commit."""
    async with await opened(url) as other:
        for n in range(3):
            commit = await store.apply([Replace(_fact(str(n)))])
            assert isinstance(commit.revision, Revision) and commit.revision.bookmarks
            token = Revision.parse(commit.revision.token())
            seen = await other.lookup("Ada Lovelace", "birth place", as_of=token)
            assert seen.values == (str(n),)


async def test_the_copy_follows_its_own_and_others_commits(store: Neo4jStore, url: str) -> None:
    """After a write here and after a refresh the copy in this process has what was committed."""
    query = Lookup("Ada Lovelace", "birth place")
    assert store.lookup_nowait(query).values == ()
    await store.apply([Assert(_fact("London"))])
    assert store.lookup_nowait(query).values == ("London",)
    async with await opened(url) as other:
        await other.apply([Replace(_fact("Paris"))])
        store.refresh_nowait()
        assert store.lookup_nowait(query).values == ("Paris",)
        await other.erase("Ada Lovelace")
        store.refresh_nowait()
        assert store.lookup_nowait(query).values == ()
        assert store.describe_nowait("Ada Lovelace") is None


async def test_names_are_known_in_one_round_trip(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many names are asked about; loosely in a few. The copy gives the same answers."""
    stored = ("Ada Lovelace", "Orb (planet)", "Orb (element)", "Café Noir")
    await store.apply([Assert(_fact("x", entity=name)) for name in stored])
    await store.apply([AddAlias("Ada Lovelace", "Countess")])
    n_sent = 0
    send = Transaction.rows

    async def counted(self: Transaction, query: str, **parameters: Any) -> list[Any]:
        nonlocal n_sent
        n_sent += 1
        return await send(self, query, **parameters)

    monkeypatch.setattr(Transaction, "rows", counted)
    names = ["ADA lovelace", "countess", *HOSTILE, *(f"Nobody {n}" for n in range(250))]
    assert await store.known_names(names) == {"ADA lovelace", "countess"}
    assert n_sent == 1
    loose = ["orb", "cafe noir"]
    expected = {"ADA lovelace", "countess", *loose}
    assert await store.known_names([*names, *loose], loosely=True) == expected
    assert n_sent <= 8
    assert store.known_names_nowait([*names, *loose], loosely=True) == expected
    assert [view.name for view in store.homonyms_nowait("orb")] == ["Orb (element)", "Orb (planet)"]
    with pytest.raises(NotSupported):
        store.known_names_nowait(names, as_of=1)


async def test_without_a_copy_fast_lookups_are_not_declared(url: str) -> None:
    """``cache=off`` takes the capability away, and the calls say so."""
    joint = "&" if "?" in url else "?"
    async with await opened(f"{url}{joint}cache=off") as store:
        assert Capability.FAST_LOOKUP not in store.capabilities
        with pytest.raises(NotSupported):
            store.lookup_nowait(Lookup("a", "b"))


async def test_loading_joins_across_its_parts(store: Neo4jStore) -> None:
    """A statement that comes again in a later part is one fact, with the sources of both."""
    n_facts = PART + 10
    facts = [
        Fact(entity=f"Name {n % 700}", relation="work", value=f"w{n}", source="a")
        for n in range(n_facts)
    ]
    again = [fact.model_copy(update={"sources": ("b",)}) for fact in facts[:5]]
    commit = await store.load([*facts, *again])
    assert commit.revision == 1
    assert (await store.info()).facts == n_facts
    (found,) = (one for one in (await store.lookup("Name 0", "work")).facts if one.value == "w0")
    assert found.sources == ("a", "b")
    assert len((await store.lookup("Name 0", "work")).values) == len(range(0, n_facts, 700))
    seqs = await store.lookup_many([Lookup("Name 1", "work")])
    assert list(seqs[0].values) == [f"w{n}" for n in range(1, n_facts, 700)]


async def test_loading_is_all_or_nothing(store: Neo4jStore) -> None:
    """What a later part may not hold undoes the earlier ones."""
    await store.apply([DefineRelation(RelationRule("spouse", "one", None))])
    facts = [_fact(f"w{n}", "work", f"Name {n}") for n in range(PART)]
    with pytest.raises(TooManyValues):
        await store.load([*facts, _fact("x", "spouse"), _fact("y", "spouse")])
    assert await _facts(store) == set()
    assert (await store.info()).revision == 1


async def test_edges_follow_the_facts(server: Neo4jServer, url: str) -> None:
    """With ``edges=on`` every fact between entities is a relationship, and no other is."""
    prefix = url.partition("prefix=")[2] or "Lamlam"
    drawn = (
        f"MATCH (a:{prefix}Entity)-[r]->(b:{prefix}Entity)"
        " RETURN a.name, type(r), b.name ORDER BY a.name, type(r), b.name"
    )
    async with await opened(url) as plain:
        await plain.apply(
            [Assert(Fact(entity="Ada", relation="born in", value=EntityRef("London")))]
        )
        assert cypher(server, drawn) == []
        joint = "&" if "?" in url else "?"
        async with await opened(f"{url}{joint}edges=on") as store:
            assert cypher(server, drawn) == [["Ada", "BORN_IN", "London"]]
            await store.apply([Assert(Fact(entity="Eve", relation="born in", value="London"))])
        # A writer keeps them: it is the store that has edges, not the client.
        await plain.apply(
            [Replace(Fact(entity="Ada", relation="born in", value=EntityRef("Paris")))]
        )
        assert cypher(server, drawn) == [["Ada", "BORN_IN", "Paris"]]
        await plain.apply([Assert(Fact(entity="Ada", relation="né à", value=EntityRef("Bob")))])
        assert [row[1][:2] for row in cypher(server, drawn)] == ["BO", "R_"]
        await plain.apply([Retract("Ada", "né à")])
        cypher(server, f"MATCH (:{prefix}Entity)-[r:BORN_IN]->() DELETE r")
        await plain.rebuild_edges()
        assert cypher(server, drawn) == [["Ada", "BORN_IN", "Paris"]]
        await plain.erase("Ada")
        assert cypher(server, drawn) == []


async def test_an_erased_name_is_in_no_node(server: Neo4jServer, store: Neo4jStore) -> None:
    """After an erasure no property of any node holds the name, the value or an alias."""
    await store.apply(
        [
            Assert(_fact("Canary value", entity="Canary Name")),
            Assert(_fact("Canary other", entity="Canary Merged")),
        ],
    )
    await store.apply(
        [AddAlias("Canary Name", "Canary Alias"), MergeEntities("Canary Name", "Canary Merged")]
    )
    await store.apply([Replace(_fact("Canary new", entity="Canary Name"))])
    receipt = await store.erase("Canary Name")
    assert receipt.facts == 4 and not receipt.verified
    assert any("transaction logs" in place for place in receipt.pending)
    left = (
        "MATCH (n) UNWIND keys(n) AS k WITH n[k] AS v"
        " UNWIND CASE WHEN valueType(v) STARTS WITH 'LIST' THEN v ELSE [v] END AS one"
        " WITH toLower(toStringOrNull(one)) AS text WHERE text CONTAINS 'canary' RETURN text"
    )
    assert cypher(server, left) == []


async def test_a_commit_without_an_answer_is_unknown(
    server: Neo4jServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says that the commit may have been done, and how to find out."""
    limits: list[asyncio.Timeout] = []
    watching: list[asyncio.Task[None]] = []

    def limit(seconds: float | None) -> asyncio.Timeout:
        limits.append(_timeout(seconds))
        return limits[-1]

    monkeypatch.setattr("asyncio.timeout", limit)
    direct = urlsplit(url)
    with proxied(direct.hostname or "", direct.port or 0) as proxy:
        through = direct._replace(
            scheme="bolt", netloc=f"{server.user}:{server.password}@127.0.0.1:{proxy.port}"
        ).geturl()
        async with await opened(through) as store:
            finish = store._writer.finish

            async def finish_and_fall_silent(*arguments: Any) -> None:
                await finish(*arguments)
                proxy.set(Fault.STALL)
                watching.append(asyncio.create_task(expire_when_sent(limits[-1])))

            async def expire_when_sent(limit: asyncio.Timeout) -> None:
                while not proxy.is_hit:  # noqa: ASYNC110 (the proxy runs in another thread)
                    await asyncio.sleep(0.01)
                limit.reschedule(asyncio.get_running_loop().time())

            monkeypatch.setattr(store._writer, "finish", finish_and_fall_silent)
            with pytest.raises(Unavailable, match="while it committed") as unknown:
                await store.apply([Assert(_fact("second"))])
            assert "unknown" in (unknown.value.hint or "")
            monkeypatch.undo()
            proxy.set(Fault.NONE)
    async with await opened(url) as store:
        values = {value for _, _, value in await _facts(store)}
        assert values in (set(), {"second"})


async def test_wrong_credentials_and_databases_have_names(server: Neo4jServer) -> None:
    """A wrong password, a wrong database and a wrong port have different errors, which show no password."""
    host = server.address.partition("://")[2]
    url = f"neo4j://{server.user}:hidden-word@{host}"
    with pytest.raises(AccessDenied) as denied:
        await opened(url)
    assert "hidden-word" not in f"{denied.value} {denied.value.hint}"
    right = f"neo4j://{server.user}:{server.password}@{host}"
    with pytest.raises(StoreMissing, match="nosuchdatabase"):
        await opened(f"{right}/nosuchdatabase")
    with pytest.raises(Unavailable):
        await opened(f"neo4j://{server.user}:{server.password}@127.0.0.1:1")


async def test_what_is_missing_or_newer_is_refused(server: Neo4jServer, url: str) -> None:
    """Reading makes nothing, says what to do, and a newer schema is left alone."""
    joint = "&" if "?" in url else "?"
    with pytest.raises(StoreMissing, match="no facts"):
        await opened(f"{url}{joint}prefix=Nothing", read_only=True)
    with pytest.raises(StoreMissing, match="no facts"):
        await opened(f"{url}{joint}prefix=Nothing", create=False)
    async with await opened(url) as store:
        async with await opened(url, read_only=True) as reader:
            with pytest.raises(ReadOnly):
                await reader.apply([Assert(_fact("x"))])
        prefix = store.address.prefix
        cypher(server, f"MATCH (s:{prefix}Store) SET s.schema = 99")
        with pytest.raises(SchemaMismatch):
            await store.apply([Assert(_fact("x"))])
        with pytest.raises(SchemaMismatch):
            await opened(url)
    cypher(server, f"MATCH (s:{prefix}Store) DELETE s")


def test_the_blocking_twin(url: str) -> None:
    """Without any event loop the same store answers, and so do its methods themselves."""
    with SyncFactStore(url) as store:
        store.apply([Assert(_fact("London"))])
        assert store.lookup("ada lovelace", "born in").value == "London"
        assert [fact.value for fact in store.scan()] == ["London"]
    closed = connect_neo4j(url)
    assert isinstance(closed, Neo4jStore)
    closed.close_nowait()
    with pytest.raises(StoreClosed):
        closed.lookup_nowait(Lookup("a", "b"))


def test_a_program_that_closes_nothing_ends(url: str) -> None:
    program = (
        "import sys; from lamlam.memory_backends.sync import SyncFactStore; "
        "store = SyncFactStore(sys.argv[1]).__enter__(); "
        "print(store.lookup('Ada', 'award').status)"
    )
    done = run_python("-c", program, url)
    assert (done.returncode, done.stdout) == (0, "miss\n"), done.stderr
