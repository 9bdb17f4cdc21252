"""`SqliteBulkLoading`: the part of a fact file's store that takes a file in parts."""

from __future__ import annotations

import errno
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lamlam.errors import Unavailable
from lamlam.memory_backends.commits.plain_rows import ItemBatches
from lamlam.memory_backends.commits.validation import facts_to_load
from lamlam.memory_backends.model.bulk_rows import BulkParts
from lamlam.memory_backends.model.fact_tuples import Loadable
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.operations import Commit, Op
from lamlam.memory_backends.sqlite.bulk.load_place import LoadPlace

if TYPE_CHECKING:
    from lamlam.memory_backends.sqlite.writer import SqliteWriter

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class SqliteBulkLoading:
    """Takes files of very many facts."""

    path: Path

    @abstractmethod
    def _writing(self) -> AbstractContextManager[SqliteWriter]: ...

    def load_nowait(self, facts: Iterable[Loadable]) -> Commit:
        """Assert all facts, however many, or none; take them as they come.

        Args:
            facts: facts, or tuples of entity, relation, value and, as wanted, source.

        Raises:
            BadFact: one is not a fact.
        """
        return self.load_ops_nowait(facts_to_load(facts))

    def load_ops_nowait(
        self, ops: Iterable[Op | Loadable], *, beside: Path | None = None
    ) -> Commit:
        """Do every operation, in order, or none; facts at the begin by all processors.

        Args:
            ops: operations, facts and tuples.
            beside: the file beside which is kept what was read; by default the store's.

        Raises:
            FactStoreError: one cannot be done.
        """
        batches = ItemBatches(ops)
        # Taken inside the transaction: an iterable that writes to this store is refused.
        with self._loading(beside or self.path), self._writing() as writer:
            commit = None
            if not batches.are_few():
                commit = self._in_parts(writer, batches, LoadPlace(self.path, beside or self.path))
            return writer.apply(batches.rest()) if commit is None else commit

    def load_parts_nowait(
        self,
        parts: BulkParts,
        *,
        namespace: Namespace = (),
        beside: Path | None = None,
        processes: int | None = None,
        actor: str | None = None,
    ) -> Commit | None:
        """Assert the facts of a file, or none, by as many processes as there are processors.

        Args:
            parts: of the file.
            namespace: of facts that name none.
            beside: the file beside which is kept what was read; by default the store's. After a
                kill the next load of the same file goes on there.
            processes: how many; by default as many as there are processors.
            actor: who does it.

        Returns:
            ``None``, and nothing is written, where facts have to be taken one after the other.

        Raises:
            BadFact: a line is not a fact, or the store refuses one.
            Unavailable: the disk is full, or a process of the load was ended from outside.
        """
        place = LoadPlace(self.path, beside or self.path, namespace, processes)
        with self._loading(place.beside), self._writing() as writer:
            return self._in_parts(writer, parts, place, actor)

    def _in_parts(
        self, writer: SqliteWriter, parts: BulkParts, place: LoadPlace, actor: str | None = None
    ) -> Commit | None:
        from lamlam.memory_backends.sqlite.bulk.load import load_parts

        return load_parts(writer, parts, place, actor)

    @contextmanager
    def _loading(self, beside: Path) -> Iterator[None]:
        """Say by name that a disk is full."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise Unavailable(
                    f"the disk of {beside.parent} is full: nothing was imported",
                    hint="make room for about three times the file, and try again",
                ) from error
            raise
