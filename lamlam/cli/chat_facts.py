"""The commands of a chat that read and change facts."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from lamlam.cli.chat_why import fact_line
from lamlam.cli.output import printable_line
from lamlam.errors import UsageError

if TYPE_CHECKING:
    from lamlam.cli.chat_memory import ChatMemory
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.model.operations import ErasureReceipt
    from lamlam.memory_backends.sync import SyncFactStore

_MOST_FACTS = 40


class Reply(NamedTuple):
    """What a command of a chat did."""

    lines: list[str]
    data: dict[str, Any]
    is_found: bool = True


class Changed(NamedTuple):
    """A change, with the revision by which it can be taken back."""

    reply: Reply
    revision: int | None


def facts_of(memory: ChatMemory, name: str) -> Reply:
    """Return what the model can read of an entity: the user's own facts, then the shared ones."""
    from lamlam.cli.facts_output import fact_as_json
    from lamlam.cli.facts_stores import meant_name

    with memory.reading() as store:
        if not name:
            info = store.info()
            counted = "1 fact" if info.facts == 1 else f"{info.facts:,} facts"
            entities = "1 entity" if info.entities == 1 else f"{info.entities:,} entities"
            said = printable_line(f"{counted} of {entities} in {memory.said()}")
            return Reply([said], {"facts": info.facts, "entities": info.entities})
        lines: list[str] = []
        found: list[Fact] = []
        for space in memory.spaces:
            facts, shown = _facts_in(store, name, space, meant_name(store, name, space))
            found += facts
            lines += shown
    if not found:
        near = _near(memory, name)
        also = f"; near: {'; '.join(near)}" if near else ""
        lines = [f"memory has nothing of {name!r}{also}"]
    return Reply(lines, {"facts": [fact_as_json(one) for one in found]}, bool(found))


def _facts_in(
    store: SyncFactStore, name: str, space: Namespace, meant: tuple[str, str] | None
) -> tuple[list[Fact], list[str]]:
    matched = name if meant is None else meant[0]
    facts = list(islice(store.scan(matched, namespace=space), _MOST_FACTS + 1))
    if not facts:
        return [], []
    of = f" (of {'/'.join(space)})" if space else ""
    lines = [printable_line(f"{facts[0].entity}{of}")]
    lines += [f"  {fact_line(fact)}" for fact in facts[:_MOST_FACTS]]
    if len(facts) > _MOST_FACTS:
        lines.append(f"  … the first {_MOST_FACTS}; lamlam facts graph shows more")
    return facts[:_MOST_FACTS], lines


def _near(memory: ChatMemory, name: str) -> list[str]:
    with memory.reading() as store:
        result, _ = memory.looked_up(store, name, "name")
    return list(dict.fromkeys(one.entity for one in result.candidates))


def set_fact(memory: ChatMemory, entity: str, relation: str, value: str) -> Changed:
    """Set the value of a relation; what held before ends.

    Raises:
        FactStoreError: the fact is not valid, or the store is read-only; see its subclasses.
    """
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.operations import Replace

    fact = Fact(entity=entity, relation=relation, value=value, namespace=memory.namespace)
    with memory.writing(create=True) as store:
        before = int(store.info().revision)
        commit = store.apply([Replace(fact)])
        where = memory.kept_where(store.info().location)
    has_changed = int(commit.revision) > before
    said = _triple(entity, relation, value)
    lines = [f"{'set' if has_changed else 'unchanged'}: {said}"]
    ended = [one for one in commit.ended if one.surface != value or one.relation != relation]
    lines += [f"ended: {_triple(one.entity, one.relation, one.surface)}" for one in ended]
    if where:
        lines.append(f"({where})")
    data = {
        "revision": int(commit.revision),
        "changed": commit.facts,
        "ended": [
            {"entity": one.entity, "relation": one.relation, "value": one.surface} for one in ended
        ],
    }
    return Changed(Reply(lines, data), int(commit.revision) if has_changed else None)


def to_erase(
    memory: ChatMemory, entity: str, relation: str | None, value: str | None
) -> tuple[list[Fact], int]:
    """Return the facts that an erasure would take, and of how many ended ones it would."""
    with memory.writing() as store:
        facts = list(store.scan(entity, relation, namespace=memory.namespace, include_expired=True))
        past = 0
        if "history" in store.capabilities:
            ended = store.history(entity, relation, namespace=memory.namespace)
            past = sum(value in (None, one.fact.surface) for one in ended)
    return [one for one in facts if value in (None, one.surface)], past


def erase(
    memory: ChatMemory, entity: str, relation: str | None, value: str | None
) -> ErasureReceipt:
    """Erase facts, their history included, and return the receipt.

    Raises:
        FactStoreError: the store cannot erase; see its subclasses.
    """
    with memory.writing() as store:
        return store.erase(entity, relation, value, namespace=memory.namespace)


def receipt_lines(receipt: ErasureReceipt) -> list[str]:
    """Return the receipt in a line or two."""
    facts = "1 fact" if receipt.facts == 1 else f"{receipt.facts} facts"
    where = ", ".join(receipt.covered) or "nowhere"
    line = f"{facts} erased from {where} ({receipt.confirmation}) at revision {receipt.revision}"
    lines = [printable_line(line)]
    lines += [printable_line(f"pending: {place}") for place in receipt.pending]
    if receipt.n_mentions:
        shown = "; ".join(map(str, receipt.mentions[:3]))
        more = f" and {receipt.n_mentions - 3} more" if receipt.n_mentions > 3 else ""
        lines.append(printable_line(f"still mentioned: {shown}{more}"))
    return lines


def not_held(memory: ChatMemory, entity: str) -> str:
    """Return that there is nothing to erase by this name, and which name may be meant."""
    from lamlam.memory_backends.model.keys import canonical_key

    with memory.writing() as store:
        result = store.lookup(entity, "name", namespace=memory.namespace)
    found = [result.match.entity.matched, *(one.entity for one in result.candidates)]
    near = dict.fromkeys(
        repr(one) for one in found if one and canonical_key(one) != canonical_key(entity)
    )
    said = f"there is nothing to erase of {entity!r}"
    return f"{said} by exactly this name; near: {', '.join(near)}" if near else said


def undo(memory: ChatMemory, revision: int) -> Reply:
    """Take back what a commit of this chat did.

    Raises:
        CannotUndo: later commits changed the same.
    """
    from lamlam.cli.facts_undo import said_of

    with memory.writing() as store:
        report = store.undo(revision)
    ops = [printable_line(said_of(one)) for one in report.ops]
    return Reply(
        [f"undone: {one}" for one in ops] or ["all is as it was before already"],
        {"undone": revision, "operations": ops},
    )


def parts_of(text: str, usage: str, least: int) -> list[str]:
    """Return the parts of a command between ``|``, at most three.

    Raises:
        UsageError: there are too few, or one is empty.
    """
    parts = [part.strip() for part in text.split("|", 2)]
    if len(parts) < least or not all(parts):
        raise UsageError(f"{usage.split()[0]} takes its parts with | between", hint=usage)
    return parts


def _triple(entity: str, relation: str, value: str) -> str:
    return printable_line(f"{entity} | {relation} | {value}")
