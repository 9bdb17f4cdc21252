"""A complete backend: facts in one file of JSON lines, read whole, written whole.

``docs/writing-a-backend.md`` explains it step by step. Run by itself it keeps two facts and shows
what they look like in its file:

    Ada Lovelace was born in London
    {"key": "ada lovelace", "name": "Ada Lovelace", "fact": ["birth place", "birth place", "London",
    {"key": "ada lovelace", "name": "Ada Lovelace", "fact": ["birth date", "birth date", "1815",
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lamlam.memory_backends.authoring import (
    Assert,
    BadStore,
    Capability,
    CodeIndex,
    Commit,
    EntityHistory,
    EntityReader,
    EntityView,
    ErasureReceipt,
    ErasureRequest,
    Fact,
    FactIds,
    LocalStore,
    Lookup,
    LookupResult,
    Mentions,
    MigrationReport,
    Namespace,
    NamespaceView,
    Op,
    RequestedErasures,
    SchemaMismatch,
    StoredEntity,
    StoredFact,
    StoreInfo,
    StoreMissing,
    canonical_key,
    check_commit,
    check_expected,
    check_namespace,
    check_scan,
    declared_operations,
    describe,
    facts_of,
    hiding_from,
    keys_meant,
    look_up,
    owners_among,
    plan_commit,
    plan_erasure,
    relation_key,
    scoped,
    split,
    unsupported,
)

SCHEMA = 1
READING = frozenset(
    {
        Capability.FAST_LOOKUP,
        Capability.FUZZY,
        Capability.NAMESPACES,
        Capability.VALID_TIME,
        Capability.EXPIRY,
    }
)
WRITING = frozenset({Capability.WRITE, Capability.TRANSACTIONS, Capability.CAS, Capability.ERASE})


def open_jsonl(url: str, *, create: bool, read_only: bool) -> JsonlStore:
    """Return the open store behind ``jsonl:///facts.jsonl``; the entry point names this."""
    return JsonlStore(Path(url.removeprefix("jsonl:///")), create=create, read_only=read_only)


class Facts(EntityReader):
    """What the file holds, as `look_up` and `plan_commit` ask for it.

    All keys are scoped: namespace and canonical key in one text.
    """

    def __init__(self, held: Iterable[StoredEntity] = ()) -> None:
        self.held = {one.key: one for one in held if one.facts}
        self._near = CodeIndex()
        for key in self.held:
            self._near.add(key)

    def record(self, key: str) -> StoredEntity | None:
        """Return the entity with exactly this key."""
        return self.held.get(key)

    def candidates(self, codes: Collection[int]) -> Sequence[str]:
        """Return the keys of the entities indexed under any of these codes, each once."""
        return self._near.of(codes)

    def with_(self, *changed: StoredEntity) -> Facts:
        """Return the same with other facts of some entities."""
        return Facts({**self.held, **{one.key: one for one in changed}}.values())


class JsonlStore(RequestedErasures, LocalStore):
    """Facts in one file, for one process: no aliases, no rules of relations, no history."""

    def __init__(self, path: Path, *, create: bool = True, read_only: bool = False) -> None:
        """Read the file, or make it."""
        self.path = path
        self.read_only = read_only
        self.capabilities = READING if read_only else READING | WRITING
        self._lock = threading.RLock()
        self._facts = Facts()
        self._head: dict[str, Any] = {  # Any: JSON
            "format": "lamlam-jsonl",
            "schema": SCHEMA,
            "revision": 0,
            "secret": secrets.token_hex(32),
        }
        if path.exists():
            self._read()
        elif read_only or not create:
            raise StoreMissing(f"there is no {path}", hint="create=True makes it")
        else:
            self._write(self._facts, revision=0)
        self._identify = FactIds(bytes.fromhex(self._head["secret"]))

    # Reading --------------------------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity."""
        with self._lock:
            self.check_open()
            if query.as_of is not None:
                raise unsupported(self, "as_of", Capability.HISTORY)
            return look_up(self._facts, query, self._head["revision"], self._identify)

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, all from one state: a worker thread may be writing."""
        with self._lock:
            return await super().lookup_many(queries)

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous."""
        with self._lock:
            self.check_open()
            if as_of is not None:
                raise unsupported(self, "as_of", Capability.HISTORY)
            return describe(NamespaceView(self._facts, namespace), entity, fuzzy=fuzzy)

    def scan_nowait(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> Iterator[Fact]:
        """Give every fact, or those of one entity, of one relation, or of both."""
        check_scan(entity, relation, as_of, batch)
        namespace = None if namespace is None else check_namespace(namespace)
        with self._lock:
            self.check_open()
            if as_of is not None:
                raise unsupported(self, "as_of", Capability.HISTORY)
            key = None if entity is None else scoped(namespace or (), canonical_key(entity))
            held = [one for one in self._facts.held.values() if key in (None, one.key)]
        wanted = None if relation is None else relation_key(relation)
        hidden = hiding_from(include_expired)
        for one in held:
            if namespace in (None, split(one.key)[0]):
                yield from facts_of(one, wanted, self._identify, hidden)

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        with self._lock:
            self.check_open()
            return StoreInfo(
                backend="jsonl",
                location=str(self.path),
                schema=self._head["schema"],
                revision=self._head["revision"],
                facts=sum(len(one.facts) for one in self._facts.held.values()),
                entities=len(self._facts.held),
                read_only=self.read_only,
                bytes=self.path.stat().st_size,
            )

    # Writing --------------------------------------------------------------------------------------

    def apply_nowait(
        self,
        ops: Iterable[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Do every operation, in order, or none."""
        with self._lock:
            self.check_writable()
            if idempotency_key is not None:
                raise unsupported(self, "idempotency_key", Capability.IDEMPOTENCY)
            check_commit(expected, idempotency_key, actor)
            given = list(declared_operations(self, ops))
            revision = self._head["revision"]
            check_expected(expected, revision)
            plan = plan_commit(given, self._facts, revision + 1, self._identify)
            if not plan.changed:
                return Commit(revision, 0)
            changed = [
                StoredEntity(edit.name or key, key, tuple(edit.after))
                for key, edit in plan.edits.items()
            ]
            self._write(self._facts.with_(*changed), plan.revision)
            return Commit(plan.revision, plan.changed, tuple(plan.ended))

    def erase_requested(self, request: ErasureRequest) -> ErasureReceipt:
        """Remove what is asked for from the file, all together."""
        with self._lock:
            self.check_writable()
            revision = self._head["revision"] + 1
            held = {
                key: EntityHistory(one.name, one.facts) for key, one in self._facts.held.items()
            }
            keys = keys_meant(request, self._facts, held)
            if not keys:
                return request.receipt(0, revision - 1, covered=(str(self.path),))
            plan = plan_erasure(
                self._facts,
                keys,
                request.relation,
                self._identify,
                value=request.value,
                owners=owners_among(held, keys, request),
                placeholder=request.placeholder,
            )
            left = [
                StoredEntity(held[key].name or key, key, plan.after(key, held[key].now, revision))
                for key in plan.gone
            ]
            if left:
                self._write(self._facts.with_(*left), revision)
            is_named = plan.is_empty and request.relation is None  # what mentions it is told
            mentions = Mentions(keys if is_named else plan.forgotten, self._identify)
            for key, one in self._facts.held.items():
                mentions.add_entity(key, EntityHistory(one.name, one.facts))
            return request.receipt(
                len(plan.lost()),
                self._head["revision"],
                covered=(str(self.path),),
                pending=("blocks of the disk that the file had before",) if left else (),
                mentions=mentions,
                as_value=plan.n_of_owners(),
            )

    def migrate_nowait(self, *, dry_run: bool = False) -> MigrationReport:
        """Do nothing: there is one schema so far."""
        with self._lock:
            self.check_writable()
            return MigrationReport(SCHEMA, SCHEMA, (), dry_run)

    # The file -------------------------------------------------------------------------------------

    def _read(self) -> None:
        held: dict[str, StoredEntity] = {}
        try:
            head, *lines = map(json.loads, self.path.read_text(encoding="utf-8").splitlines())
            schema = int(head["schema"])
            for line in lines if schema <= SCHEMA else ():
                relation, relation_key, value, sources, *rest = line["fact"]
                fact = StoredFact(relation, relation_key, value, tuple(sources), *rest)
                before = held[line["key"]].facts if line["key"] in held else ()
                held[line["key"]] = StoredEntity(line["name"], line["key"], (*before, fact))
        except (ValueError, KeyError, TypeError) as error:
            raise BadStore(f"{self.path} is not a file of facts: {error}") from None
        if schema > SCHEMA:
            raise SchemaMismatch(f"a newer version wrote {self.path}", hint="update the backend")
        self._head, self._facts = head, Facts(held.values())

    def _write(self, facts: Facts, revision: int) -> None:
        """Write the facts beside the file and rename: all or nothing."""
        head = {**self._head, "revision": revision}
        beside = self.path.with_name(f"{self.path.name}.part")
        with beside.open("w", encoding="utf-8") as file:
            print(json.dumps(head), file=file)
            for one in facts.held.values():
                for fact in one.facts:
                    line = {"key": one.key, "name": one.name, "fact": fact}
                    print(json.dumps(line), file=file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self._head, self._facts = head, facts


async def main() -> None:
    """Keep two facts and show the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facts.jsonl"
        async with JsonlStore(path) as store:
            ada = "Ada Lovelace"
            born = Fact(entity=ada, relation="birth place", value="London")
            await store.apply(
                [Assert(born), Assert(Fact(entity=ada, relation="birth date", value="1815"))]
            )
            print(ada, "was born in", (await store.lookup("Lovelace, Ada", "born in")).value)
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            print(line[:95])


if __name__ == "__main__":
    asyncio.run(main())
