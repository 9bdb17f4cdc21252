"""A complete backend of one's own: facts in one file of JSON lines, read whole, written whole.

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

from lamlam.errors import BadStore, ReadOnly, SchemaMismatch, StoreMissing
from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.commits.commit_plan import plan_commit
from lamlam.memory_backends.commits.entity_edit import covered_keys
from lamlam.memory_backends.commits.erasure_request import ErasureRequest
from lamlam.memory_backends.commits.validation import (
    check_commit,
    check_expected,
    check_op,
    check_scan,
    operations,
)
from lamlam.memory_backends.model.entity_reader import EntityReader, StoredEntity
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import (
    EntityView,
    Lookup,
    LookupResult,
    StoredFact,
    as_fact,
)
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.operations import (
    Assert,
    Commit,
    DefineRelation,
    ErasureReceipt,
    MigrationReport,
    Op,
    Replace,
    Retract,
    StoreInfo,
)
from lamlam.memory_backends.protocol import Capability, store_closed, unsupported
from lamlam.memory_backends.resolution.blocking_codes import index_codes
from lamlam.memory_backends.resolution.resolver import describe, look_up
from lamlam.memory_backends.resolution.views import NamespaceView

SCHEMA = 1
READING = frozenset(
    {Capability.FAST_LOOKUP, Capability.FUZZY, Capability.NAMESPACES, Capability.VALID_TIME}
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
        self._codes: dict[int, list[str]] = {}
        for key in self.held:
            for code in index_codes(key):
                self._codes.setdefault(code, []).append(key)

    def record(self, key: str) -> StoredEntity | None:
        """Return the entity with exactly this key."""
        return self.held.get(key)

    def candidates(self, codes: Collection[int]) -> Sequence[str]:
        """Return the keys of the entities indexed under any of these codes, each once."""
        return list(dict.fromkeys(key for code in codes for key in self._codes.get(code, ())))

    def with_(self, *changed: StoredEntity) -> Facts:
        """The same with other facts of some entities."""
        return Facts({**self.held, **{one.key: one for one in changed}}.values())


class JsonlStore(LocalStore):
    """Facts in one file, for one process: no aliases, no rules of relations, no history."""

    def __init__(self, path: Path, *, create: bool = True, read_only: bool = False) -> None:
        """Read the file, or make it."""
        self.path = path
        self.read_only = read_only
        self.capabilities = READING if read_only else READING | WRITING
        self._lock = threading.RLock()
        self._is_closed = False
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
            self._check_open()
            if query.as_of is not None:
                raise unsupported(self, "as_of", Capability.HISTORY)
            return look_up(self._facts, query, self._head["revision"], self._identify)

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
            self._check_open()
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
    ) -> Iterator[Fact]:
        """Give every fact, or those of one entity, of one relation, or of both."""
        check_scan(entity, relation, as_of, batch)
        namespace = None if namespace is None else check_namespace(namespace)
        with self._lock:
            self._check_open()
            if as_of is not None:
                raise unsupported(self, "as_of", Capability.HISTORY)
            wanted = None if entity is None else scoped(namespace or (), canonical_key(entity))
            held = [one for one in self._facts.held.values() if wanted in (None, one.key)]
        for one in held:
            space = split(one.key)[0]
            if namespace in (None, space):
                covered = covered_keys(one.facts, relation)
                for fact in one.facts:
                    if fact.key in covered:
                        yield as_fact(one.name, fact, self._identify(one.key, fact), space)

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        with self._lock:
            self._check_open()
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
        """Every operation has been done, in order, or none."""
        with self._lock:
            self._check_writable()
            if idempotency_key is not None:
                raise unsupported(self, "idempotency_key", Capability.IDEMPOTENCY)
            check_commit(expected, idempotency_key, actor)
            ops = list(operations(ops))
            for op in ops:
                check_op(op)
                if isinstance(op, DefineRelation):
                    raise unsupported(self, "DefineRelation", Capability.RULES)
                if not isinstance(op, Assert | Replace | Retract):
                    raise unsupported(self, type(op).__name__, Capability.ALIASES)
            revision = self._head["revision"]
            check_expected(expected, revision)
            plan = plan_commit(ops, self._facts, revision + 1, self._identify)
            if not plan.changed:
                return Commit(revision, 0)
            changed = [
                StoredEntity(edit.name or key, key, tuple(edit.after))
                for key, edit in plan.edits.items()
            ]
            self._write(self._facts.with_(*changed), plan.revision)
            return Commit(plan.revision, plan.changed)

    def erase_nowait(
        self,
        entity: str,
        relation: str | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
    ) -> ErasureReceipt:
        """Nothing is left of the facts in the file."""
        with self._lock:
            self._check_writable()
            request = ErasureRequest(entity, relation, namespace, reason, authority)
            key = request.key
            record = self._facts.record(key) or StoredEntity(entity, key, ())
            facts = record.facts
            covered = covered_keys(facts, relation)
            kept = tuple(fact for fact in facts if fact.key not in covered)
            n_erased = len(facts) - len(kept)
            if n_erased:
                left = self._facts.with_(StoredEntity(record.name, key, kept))
                self._write(left, self._head["revision"] + 1)
            return request.receipt(
                n_erased,
                self._head["revision"],
                covered=(str(self.path),),
                pending=("blocks of the disk that the file had before",) if n_erased else (),
            )

    def migrate_nowait(self, *, dry_run: bool = False) -> MigrationReport:
        """Nothing is to do: there is one schema so far."""
        with self._lock:
            self._check_writable()
            return MigrationReport(SCHEMA, SCHEMA, (), dry_run)

    def close_nowait(self) -> None:
        """The store is closed; closing again does nothing."""
        with self._lock:
            self._is_closed = True

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
            raise BadStore(f"{self.path} is no file of facts: {error}") from None
        if schema > SCHEMA:
            raise SchemaMismatch(f"a newer version wrote {self.path}", hint="update the backend")
        self._head, self._facts = head, Facts(held.values())

    def _write(self, facts: Facts, revision: int) -> None:
        """The file holds this: it is written beside its place and renamed, all or nothing."""
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

    def _check_open(self) -> None:
        if self._is_closed:
            raise store_closed()

    def _check_writable(self) -> None:
        self._check_open()
        if self.read_only:
            raise ReadOnly("this file was opened for reading")


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
