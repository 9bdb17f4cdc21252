"""Stores for tests, and what tests ask of them; importable by every file of this folder."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import LookupResult
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore

T = TypeVar("T")
BACKENDS = ("memory", "sqlite")

HOSTILE = (
    "<|db_end|>", "<|db_entity|> x<|db_return|>", "<|endoftext|>", "\x1e", "\x1f", "\x1b", "\x1br",
    "a\x1eb\x1fc\x1bd", "'; DROP TABLE ent; --", '"', "\\", "%", "_", "\n", "\t x", "\x7f", "\x85",
    "\u2028", "\ufeff", "e\u0301", "é", "ﬁ", "ß", "İ", "ǅ", "Ω", "שלום", "العربية", "हिन्दी", "日本語",
    "👩‍👩‍👧", "𝔘𝔫𝔦", "\U0010ffff", "\ufffe", "null", "0", "^", "=", "a,b", "x" * 900,
)  # fmt: skip


def fact_text() -> st.SearchStrategy[str]:
    """Any text that a fact may hold."""
    any_text = st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
    )
    return (any_text | st.sampled_from(HOSTILE)).filter(lambda text: not text.isspace())


def answered(call: Coroutine[Any, Any, T]) -> T:
    """Return what an asynchronous method of a store in memory gives: it waits for nothing."""
    try:
        call.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    call.close()
    raise AssertionError("the store waits for something")


def url_of(backend: str, folder: Path) -> str:
    """The URL of a fresh store."""
    return "memory:" if backend == "memory" else f"sqlite:///{folder / 'facts.db'}"


def put(store: SyncFactStore, *triples: tuple[str, str, str], source: str | None = None) -> None:
    """The triples are asserted in one commit."""
    store.apply([Assert(Fact(entity=e, relation=r, value=v, source=source)) for e, r, v in triples])


def triples(store: SyncFactStore) -> set[tuple[str, str, str]]:
    """Everything that the store holds."""
    return {(fact.entity, fact.relation, fact.surface) for fact in store.scan()}


def answer(result: LookupResult) -> tuple[object, ...]:
    """What must be equal on every backend: all but ids, revisions and times."""
    return result.status, result.values, result.sources, result.match, result.candidates
