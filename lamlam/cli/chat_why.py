"""What was asked of memory for an answer, what answered it, and why something was not found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lamlam.cli.chat_view import SourceNumbers, origin_of
from lamlam.cli.facts_output import period, said_of_miss
from lamlam.cli.output import printable_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamlam.cli.chat_memory import ChatMemory
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.spans import LookupRecord

_EXHAUSTED = "exhausted"


def explained(
    records: Sequence[LookupRecord], memory: ChatMemory, sources: SourceNumbers
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return a line or two for each question, and the questions for machines."""
    lines: list[str] = []
    data: list[dict[str, Any]] = []
    with memory.reading() as store:
        for record, times in _each_once(records):
            asked = printable_line(f"{record.entity} · {record.relation} →")
            repeated = f" (asked {times} times)" if times > 1 else ""
            if record.fact_id is not None:
                number = sources.number(record.fact_id)
                said = origin_of(record)
                lines.append(f"[{number}] {asked} {printable_line(record.value or '')}{repeated}")
            else:
                said = reason(record, memory, store)
                lines.append(f"[–] {asked} no answer ({record.status}){repeated}")
            lines.append(f"    {printable_line(said)}")
            as_json = asdict(record) | {"status": str(record.status)}
            data.append({**as_json, "times": times, "why": said})
    return lines, data


def reason(record: LookupRecord, memory: ChatMemory, store: SyncFactStore) -> str:
    """Return why a question had no answer, as memory is now: it may have changed since."""
    if record.status == _EXHAUSTED:
        return "the text has had every value that memory holds of it"
    result, space = memory.looked_up(store, record.entity, record.relation)
    if result.values:
        return f"memory has an answer now: {'; '.join(result.values)}"
    said = said_of_miss(result, record.entity, record.relation)
    known = result.match.entity.matched
    if result.status == "ambiguous" or known is None:
        return said
    return f"{said}{_ended(store, known, record.relation, space)}"


def _ended(store: SyncFactStore, entity: str, relation: str, space: Namespace) -> str:
    """Return what memory held of it before, if it held anything."""
    if "history" not in store.capabilities:
        return ""
    past = store.history(entity, relation, namespace=space)
    if not past:
        return ""
    last = past[-1]
    return f"; it held {last.fact.surface!r}, which ended at revision {int(last.retracted)}"


def _each_once(records: Sequence[LookupRecord]) -> Iterator[tuple[LookupRecord, int]]:
    """Yield each question with its answer, and how often it was asked."""
    grouped: dict[tuple[str, ...], list[LookupRecord]] = {}
    for record in records:
        key = (record.entity, record.relation, str(record.status), record.fact_id or "")
        grouped.setdefault(key, []).append(record)
    for same in grouped.values():
        yield same[0], len(same)


def fact_line(fact: Fact) -> str:
    """Return a fact on one line: what it says, when it holds, and where it is from."""
    parts = [f"{fact.relation}: {fact.surface}", period(fact)]
    if fact.sources:
        parts.append(f"[{'; '.join(fact.sources)}]")
    return printable_line("  ".join(filter(None, parts)))
