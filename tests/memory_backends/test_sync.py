"""`SyncFactStore` has the methods of `FactStore`, and waits for stores that have to wait."""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack, get_type_hints

import anyio
import pytest
from pydantic import BaseModel

from lamlam.errors import BadFact, Conflict, NotSupported, StoreClosed, UnknownBackend
from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    Change,
    Commit,
    DefineRelation,
    EraseOptions,
    ErasureReceipt,
    MigrationReport,
    Op,
    PastFact,
    Replace,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import Value
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.transfer import contents
from lamlam.one_process import OneProcess
from tests.limits import HANG_S
from tests.memory_backends.stores import BACKENDS, url_of

# `close`, and the end of a `with` block; what `facts_about`, `search` and `names` ask a backend
_OTHERWISE = {"aclose", "about_text", "about_text_nowait", "search_one", "names_with"}
# What the reading of a prompt asks: `describe_nowait`, `homonyms_nowait` and
# `known_names_nowait` say the same.
_OTHERWISE |= {"meanings_nowait", "possible_names_nowait", "state_nowait"}


def _methods(kind: type) -> dict[str, Callable[..., object]]:
    return {
        name: method
        for name, method in inspect.getmembers_static(kind)
        if inspect.isfunction(method) and not name.startswith("_")
    }


@pytest.mark.parametrize("name", sorted(_methods(FactStore).keys() - _OTHERWISE))
def test_names_and_parameters_are_those_of_the_async_store(name: str) -> None:
    theirs = inspect.signature(getattr(FactStore, name))
    ours = inspect.signature(getattr(SyncFactStore, name))
    assert list(ours.parameters.values()) == list(theirs.parameters.values())
    given, back = str(theirs.return_annotation), str(ours.return_annotation)
    expected = given.replace("AsyncIterator", "Iterator").replace("AbstractAsync", "Abstract")
    assert back == expected.replace("[FactStore]", "[SyncFactStore]")


def test_there_is_nothing_more_than_loading_and_closing() -> None:
    assert _methods(SyncFactStore).keys() - _methods(FactStore).keys() == {
        "load",
        "close",
        *_methods(OneProcess),
    }
    assert isinstance(SyncFactStore.capabilities, property)


class Waiting(FactStore):
    """A store that waits before every answer, as one behind a connection does."""

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, path: Path | None = None) -> None:
        self._store = GraphStore(path)
        self.capabilities = (self._store.capabilities - {Capability.FAST_LOOKUP}) | {
            Capability.SERVER
        }
        self.threads: set[str] = set()
        self.n_open = 0

    async def _wait(self) -> None:
        self.threads.add(threading.current_thread().name)
        await anyio.sleep(0.001)

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        await self._wait()
        return await self._store.lookup_many(queries)

    async def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> AsyncIterator[Fact]:
        # A cancel scope that is left in another task than it was entered in raises.
        self.n_open += 1
        try:
            with anyio.fail_after(HANG_S):
                async for fact in self._store.scan(
                    entity,
                    relation,
                    namespace=namespace,
                    as_of=as_of,
                    batch=batch,
                    include_expired=include_expired,
                ):
                    await self._wait()
                    yield fact
        finally:
            self.n_open -= 1

    async def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        await self._wait()
        return await self._store.apply(
            ops, expected=expected, idempotency_key=idempotency_key, actor=actor
        )

    async def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        async for change in self._store.changes(since, namespace=namespace):
            await self._wait()
            yield change

    async def erase(
        self,
        entity: str,
        relation: str | None = None,
        value: Value | None = None,
        **options: Unpack[EraseOptions],
    ) -> ErasureReceipt:
        await self._wait()
        return await self._store.erase(entity, relation, value, **options)

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        await self._wait()
        return await self._store.history(entity, relation, namespace=namespace)

    async def rules(self) -> list[RelationRule]:
        await self._wait()
        return await self._store.rules()

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        await self._wait()
        return await self._store.aliases(entity, namespace=namespace)

    async def info(self) -> StoreInfo:
        await self._wait()
        return await self._store.info()

    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        await self._wait()
        return await self._store.migrate(dry_run=dry_run)

    async def aclose(self) -> None:
        await self._store.aclose()


def _local(tmp_path: Path) -> GraphStore:
    return GraphStore(tmp_path / "world.json")


@pytest.mark.parametrize("make", [_local, Waiting], ids=["local", "waiting"])
def test_every_method_answers(make: Callable[[Path], FactStore], tmp_path: Path) -> None:
    class Person(BaseModel):
        work: str

    path = tmp_path / "world.json" if make is Waiting else tmp_path
    with SyncFactStore(make(path)) as store:
        ada = Fact(entity="Ada", relation="work", value="x", namespace=("n",))
        ops: list[Op] = [
            DefineRelation(RelationRule("work")),
            Assert(ada),
            AddAlias("Ada", "A.", ("n",)),
        ]
        made = store.apply(ops, expected=0, idempotency_key="k", actor="me")
        assert store.apply(ops, idempotency_key="k") == made
        with pytest.raises(Conflict):
            store.apply(ops, expected=0)
        assert store.lookup("A.", "work", namespace=("n",)).value == "x"
        assert store.lookup_many([Lookup("Ada", "work", ("n",))])[0].value == "x"
        assert store.recall(Person, "Ada", namespace=("n",)).model.work == "x"
        assert [rule.name for rule in store.rules()] == ["work"]
        assert store.aliases("Ada", namespace=("n",)) == ["a."]
        with store.snapshot() as snapshot:
            store.apply([Replace(ada.model_copy(update={"value": "y", "surface": "y"}))])
            assert snapshot.lookup("Ada", "work", namespace=("n",)).value == "x"
            assert [fact.value for fact in snapshot.scan()] == ["x"]
        assert [past.fact.value for past in store.history("Ada", namespace=("n",))] == ["x"]
        assert [fact.value for fact in store.scan()] == ["y"]
        assert [change.kind for change in store.changes(made.revision)] == ["ended", "asserted"]
        assert store.load([Fact(entity="Bob", relation="work", value="z")]).facts == 1
        assert store.migrate(dry_run=True).dry_run
        assert store.erase("Ada", namespace=("n",), reason="asked").reason == "asked"
        assert store.info().facts == 1
        assert Capability.WRITE in store.capabilities
    with pytest.raises(StoreClosed):
        store.info()


def test_a_local_store_starts_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with SyncFactStore("memory:") as store:
        store.apply([Assert(Fact(entity="Ada", relation="work", value="x"))])
        list(store.scan())
        list(store.changes())
        store.erase("Ada")
        assert set(threading.enumerate()) <= before  # threads of other tests may end meanwhile


def test_what_waits_is_used_from_one_loop_that_ends_with_the_store() -> None:
    waiting = Waiting()
    with SyncFactStore(waiting) as store:
        store.load([Fact(entity="Ada", relation="work", value=str(n)) for n in range(600)])
        for _ in range(3):
            store.lookup("Ada", "work")
        assert [fact.value for fact in store.scan()] == [str(n) for n in range(600)]
        (name,) = waiting.threads
        assert name != threading.current_thread().name
    assert name not in {thread.name for thread in threading.enumerate()}


def test_a_scan_that_is_broken_off_leaves_nothing_open() -> None:
    waiting = Waiting()
    with SyncFactStore(waiting) as store:
        store.load([Fact(entity=f"e{n}", relation="work", value="x") for n in range(2000)])
        facts = store.scan()
        assert isinstance(facts, Iterator)
        next(facts)
        assert waiting.n_open == 1
        facts.close()  # type: ignore[attr-defined]
        store.info()
    assert waiting.n_open == 0


def _closed_in_time(store: SyncFactStore) -> bool:
    closing = threading.Thread(target=store.close, daemon=True)
    closing.start()
    closing.join(HANG_S)
    return not closing.is_alive()


@pytest.mark.parametrize("read", [SyncFactStore.scan, SyncFactStore.changes, contents])
def test_closing_ends_iterators_that_somebody_holds(
    read: Callable[[SyncFactStore], Iterator[object]],
) -> None:
    """As the traceback of an error does, or a pipe that nobody reads any more."""
    waiting = Waiting()
    store = SyncFactStore(waiting).__enter__()
    store.load([Fact(entity=f"e{n}", relation="work", value="x") for n in range(600)])
    begun, unread = read(store), store.scan()
    next(begun)
    assert _closed_in_time(store)
    assert waiting.n_open == 0
    for iterator in (begun, unread):
        with pytest.raises(StoreClosed):
            next(iterator)
    assert "lamlam-store-loop" not in {thread.name for thread in threading.enumerate()}


def test_closing_ends_a_wait_for_the_next_fact() -> None:
    """In another thread, of a server that does not answer."""
    asked = threading.Event()

    class Silent(Waiting):
        async def scan(self, *_: Any, **__: Any) -> AsyncIterator[Fact]:
            asked.set()
            await anyio.sleep_forever()
            yield Fact(entity="Ada", relation="work", value="x")

    errors: list[type[BaseException]] = []

    def read() -> None:
        try:
            next(store.scan())
        except StoreClosed as error:
            errors.append(type(error))

    store = SyncFactStore(Silent()).__enter__()
    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    assert asked.wait(HANG_S)
    assert _closed_in_time(store)
    reading.join(HANG_S)
    assert errors == [StoreClosed]


def test_closing_leaves_snapshots_that_somebody_holds() -> None:
    store = SyncFactStore(Waiting()).__enter__()
    store.load([Fact(entity="Ada", relation="work", value="x")])
    with store.snapshot() as snapshot:
        assert snapshot.lookup("Ada", "work").value == "x"
        assert _closed_in_time(store)
        with pytest.raises(StoreClosed):
            snapshot.lookup("Ada", "work")


def test_closing_a_snapshot_leaves_its_store_open() -> None:
    with SyncFactStore(Waiting()) as store:
        store.load([Fact(entity="Ada", relation="work", value="x")])
        with store.snapshot() as snapshot:
            assert _closed_in_time(snapshot)
            with pytest.raises(StoreClosed):
                snapshot.lookup("Ada", "work")
        assert store.lookup("Ada", "work").value == "x"


def test_errors_come_through() -> None:
    with SyncFactStore(Waiting()) as store:
        with pytest.raises(Conflict):
            store.lookup("Ada", "work", as_of=7)
        with pytest.raises(Conflict):
            list(store.scan(as_of=7))
        with pytest.raises(Conflict):
            list(store.changes(7))
        with pytest.raises(NotSupported):
            store.lookup_nowait(Lookup("Ada", "work"))


def test_a_wrapped_store_stays_open() -> None:
    inner = GraphStore()
    with SyncFactStore(inner) as store:
        store.apply([Assert(Fact(entity="Ada", relation="work", value="x"))])
    assert inner.lookup_nowait(Lookup("Ada", "work")).value == "x"


def test_a_local_store_that_waits_is_told_so() -> None:
    class Broken(GraphStore):
        async def info(self) -> StoreInfo:
            await _Pause()
            return await super().info()

    assert issubclass(Broken, LocalStore)
    with SyncFactStore(Broken()) as store, pytest.raises(NotSupported):
        store.info()


class _Pause:
    def __await__(self) -> Generator[None]:
        yield None


def test_types_can_be_read_at_run_time() -> None:
    assert get_type_hints(SyncFactStore.apply)["return"] is Commit


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_twin_refuses_mistakes_by_name(backend: str, tmp_path: Path) -> None:
    wrong: tuple[Any, ...] = (None, 7, Fact(entity="A", relation="r", value="v"), [None])
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        for given in wrong:
            with pytest.raises(BadFact):
                store.apply(given)
            with pytest.raises(BadFact):
                store.load(given)
            with pytest.raises(BadFact):
                store.erase(given)
        with pytest.raises(BadFact, match="batch"):
            list(store.scan(batch=0))
        assert store.info().revision == 0


@pytest.mark.parametrize("given", [5, None, True, b"memory:"])
def test_what_names_no_memory_is_refused(given: Any) -> None:
    """When it is opened, with what would do."""
    with pytest.raises(UnknownBackend, match=type(given).__name__), SyncFactStore(given):
        pytest.fail("it opened")


class Delegating:
    """A store of another package that has the methods of the protocol, and no base of ours."""

    def __init__(self) -> None:
        self._store = GraphStore()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def __aenter__(self) -> Delegating:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._store.aclose()


def test_a_store_that_derives_from_nothing_is_one_too() -> None:
    given: Any = Delegating()
    assert isinstance(given, FactStore)
    with SyncFactStore(given) as store:
        assert store.load([Fact(entity="Ada", relation="work", value="x")]).facts == 1
        assert store.lookup("Ada", "work").value == "x"
        assert [fact.surface for fact in store.scan()] == ["x"]
