"""Facts as rows of a bulk load, one by one or in batches: what is given as objects and as tuples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import cast

from lamlam.memory_backends.commits.entity_edit import stored_form
from lamlam.memory_backends.commits.validation import check_op
from lamlam.memory_backends.model.bulk_rows import BulkRow, LoadStep, PartReader, ReadPart
from lamlam.memory_backends.model.fact_tuples import Loadable, fact_of
from lamlam.memory_backends.model.facts import MAX_SOURCE_CHARACTERS, Fact
from lamlam.memory_backends.model.operations import Assert, Op
from lamlam.memory_backends.model.values import MAX_VALUE_CHARACTERS, name_fault, text_fault

_STATE = (Assert, Fact, tuple)
_CONTROL = re.compile("[\x00-\x1f]")
_A_BATCH = 20_000
"""Facts that go to a process together; with fewer in all, no process is worth its start."""
_UNKNOWN_SIZE = 1 << 30


def plain_row(entity: object, relation: object, value: object, source: object) -> BulkRow | None:
    """Return the row of a fact of texts alone; None for any other, and for what is not a fact."""
    if not (type(entity) is str and type(relation) is str and type(value) is str):
        return None
    if source is None:
        source = ""
    elif type(source) is not str or text_fault(source, MAX_SOURCE_CHARACTERS):
        return None
    if _CONTROL.search(f"{entity}{relation}{value}") or name_fault(entity) or name_fault(relation):
        return None
    if text_fault(value, MAX_VALUE_CHARACTERS):
        return None
    return entity, relation, value, source, ""


def row_of_fact(fact: Fact) -> BulkRow:
    """Return the row of a fact.

    Raises:
        BadFact: a field of it cannot be stored.
    """
    try:
        if not fact.namespace and type(fact.value) is str and fact.value == fact.surface:
            if len(fact.sources) < 2 and fact.confidence == 1.0:
                if fact.valid_from is None and fact.valid_to is None:
                    row = plain_row(fact.entity, fact.relation, fact.value, fact.source)
                    if row is not None:
                        return row
    except AttributeError:  # an unchecked fact lacks a field
        pass
    check_op(Assert(fact))
    return fact.entity, "", "", "", (fact.namespace, stored_form(fact, None))


def _as_op(given: Op | Loadable) -> Op:
    if type(given) is tuple or isinstance(given, Fact):
        return Assert(fact_of(given))
    return cast("Op", given)


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Facts that are read already."""

    rows: list[BulkRow]

    def __call__(self) -> ReadPart:
        """Return them."""
        return ReadPart(rows=self.rows, last_fact=len(self.rows), n_lines=len(self.rows))


class ItemBatches:
    """Operations of which the first ones state facts, in batches for a bulk load; then the rest."""

    identity = None
    n_parts = None

    def __init__(self, ops: Iterable[Op | Loadable]) -> None:
        """Take note of them; each is taken once. A fact, or what `fact_of` takes, is stated."""
        self._ops = iter(ops)
        self._begun: list[Op | Loadable] = []
        self.size = _UNKNOWN_SIZE
        self.n_facts = 0

    def are_few(self) -> bool:
        """Return whether a bulk load is not worth while: the first are few, or not all facts."""
        self._begun = list(islice(self._ops, _A_BATCH))
        return len(self._begun) < _A_BATCH or not all(type(op) in _STATE for op in self._begun)

    def rest(self) -> Iterator[Op]:
        """Return what was not taken: all before `readers` was gone through."""
        return map(_as_op, self._taken())

    def sample(self) -> list[str]:
        """Return the relations of the first facts."""
        found = []
        for op in self._begun:
            fact = op.fact if isinstance(op, Assert) else op
            relation = fact[1] if isinstance(fact, tuple) else getattr(fact, "relation", None)
            if isinstance(relation, str):
                found.append(relation)
        return found

    def readers(self) -> Iterator[PartReader]:
        """Yield the facts, up to the first operation that states none.

        Raises:
            BadFact: one cannot be stored.
        """
        rows: list[BulkRow] = []
        rest = self._taken()
        for op in rest:
            fact = op.fact if type(op) is Assert else op
            if type(fact) is tuple:
                row = plain_row(*fact, None) if len(fact) == 3 else None
                rows.append(row or row_of_fact(fact_of(fact)))
            elif isinstance(fact, Fact):
                rows.append(row_of_fact(fact))
            else:
                self._begun = [op]
                break
            if len(rows) == _A_BATCH:
                yield RowBatch(rows)
                rows = []
        self._ops = rest
        if rows:
            yield RowBatch(rows)

    def _taken(self) -> Iterator[Op | Loadable]:
        begun, self._begun = self._begun, []
        return chain(begun, self._ops)

    def instead_of(self, part: ReadPart) -> None:
        """Return nothing: no batch reaches into another."""

    def took(self, part: ReadPart) -> None:
        """Count the facts of a batch."""
        self.n_facts += part.n_facts

    def show(self, what: LoadStep, n: int, total: int | None) -> None:
        """Do nothing: who gives the operations shows how many were taken."""

    def note_resumed(self, n_parts: int) -> None:
        """Do nothing: there is no file to go on with."""

    def forget(self) -> None:
        """Do nothing: what was taken is gone."""

    def at(self, lines: Sequence[int]) -> None:
        """Do nothing: there are no lines."""

    def ended(self) -> None:
        """Do nothing: nothing can have changed."""
