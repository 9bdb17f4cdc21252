"""Facts that the laws write, and short words for what they ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from lamlam.memory_backends.conformance.backend import EXAMPLES
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import LookupResult
from lamlam.memory_backends.model.operations import Assert, Change, Commit, PastFact
from lamlam.memory_backends.protocol import FactStore

T = TypeVar("T")
ADA = "Ada Lovelace"
HALF = "A\udcff"
"""Half a surrogate pair, as bytes that are not UTF-8 become on a command line."""

_HOSTILE = (
    # Tokens and separators of models and stores
    "<|db_end|>", "<|db_entity|> x<|db_return|>", "<|endoftext|>", "\x1e", "\x1f", "\x1b", "\x1br",
    "a\x1eb\x1fc\x1bd", "\x1d", "users/7\x1dada", "e:paris", "i:7", "s:x", "q:1 m",
    # Query languages and formats
    "'; DROP TABLE ent; --", "x' OR '1'='1", "`", "``", "\\u0060", "\\u0027",
    "`}) DETACH DELETE n //", "') MATCH (n) DETACH DELETE n WITH 1 AS x //", "$name", "{x: 1}", "%",
    "_", '"', "'", "\\", "\\\\",
    "+ - && || ! ( ) { } [ ] ^ ~ * ? : /", "AND", "OR NOT", "field:*", "term~2", "a,b", "a;b\tc",
    "<http://x> \"y\"@en .", "_:b0", "null", "0", "NaN", "true", "^", "=", "=cmd|' /C calc'!A0",
    # Text that people and machines write
    "\n", "\r\n", "\t x", " leading", "trailing ", "\x7f", "\x85", "\u2028", "\ufeff",
    "\u200b\u200d", "e\u0301", "é", "ﬁ", "ß", "ẞ", "İ", "ı",
    "ǅ", "Ω", "K", "שלום", "\u202eabc\u202c", "العربية",
    "हिन्दी", "日本語", "👩‍👩‍👧", "🏳️‍🌈", "𝔘𝔫𝔦", "\U0010ffff", "\ufffe", "x" * 900,
)  # fmt: skip
HOSTILE = tuple(text for text in _HOSTILE if not text.isspace())

NO_HEALTH_CHECKS = (
    HealthCheck.data_too_large,
    HealthCheck.differing_executors,
    HealthCheck.filter_too_much,
    HealthCheck.function_scoped_fixture,
    HealthCheck.large_base_example,
    HealthCheck.too_slow,
)
RANDOM = settings(
    max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=NO_HEALTH_CHECKS
)
"""For laws with invented facts: Hypothesis's checks assume that nothing lives longer than an example."""


def texts(longest: int = 20) -> st.SearchStrategy[str]:
    """Return a strategy for any text that a field of a fact may hold."""
    any_text = st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        min_size=1,
        max_size=longest,
    ).filter(lambda text: not text.isspace())
    return any_text | st.sampled_from(HOSTILE)


def fact(
    value: Any = "London", relation: str = "birth place", entity: str = ADA, **more: Any
) -> Fact:
    """Return a fact with usual values for what is not given."""
    return Fact(entity=entity, relation=relation, value=value, **more)


async def put(store: FactStore, *triples: tuple[str, str, Any], **more: Any) -> Commit:
    """Assert the triples in one commit."""
    return await store.apply([Assert(fact(v, r, e, **more)) for e, r, v in triples])


async def values(store: FactStore, relation: str = "birth place", entity: str = ADA) -> list[str]:
    """Return the values that a lookup gives."""
    return list((await store.lookup(entity, relation)).values)


async def listed(items: AsyncIterator[T]) -> list[T]:
    """Return everything that an iterator gives."""
    return [item async for item in items]


async def triples(store: FactStore, **where: Any) -> list[tuple[str, str, str]]:
    """Return everything that the store holds, sorted."""
    return sorted(
        [
            (f.entity, f.relation, f.surface)
            async for f in store.scan(**where, **with_expired(store))
        ]
    )


async def facts(store: FactStore, **where: Any) -> list[Fact]:
    """Return everything that the store holds, without ids and revisions, in a fixed order."""
    return plain([one async for one in store.scan(**where, **with_expired(store))])


async def changes(store: FactStore, since: int | None = None, **where: Any) -> list[Change]:
    """Return the changes since a revision."""
    return await listed(store.changes(since, **where))


def plain(given: Iterable[Fact]) -> list[Fact]:
    """Return the facts without what the store adds, in a fixed order."""
    bare = [
        one.model_copy(update={"id": None, "revision": None, "retracted": None}) for one in given
    ]
    return sorted(bare, key=repr)


def past_values(past: Iterable[PastFact]) -> list[str]:
    """Return the values of facts that have ended."""
    return [one.fact.surface for one in past]


def answer(result: LookupResult) -> tuple[object, ...]:
    """Return what must be equal on every backend: all but ids, revisions and times."""
    return result.status, result.values, result.sources, result.match, result.candidates
