"""Terms of a search index: letter groups by the field that has them, and what a search asks of them.

An index holds no text: only numbers of terms, hashes that are the same in every store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.namespaces import written
from lamlam.memory_backends.model.search_text import all_grams, grams_to_find

INDEX_VERSION = 1
"""Changes with `search_form`, `grams_of` and what terms there are: an older index is made anew."""
NAME, VALUE, SOURCE, SPACE = "nvsx"
"""Fields: of names and aliases, of values, of sources, and the namespace itself."""
_MOST_GRAMS = 6
"""Of a long text so many groups are asked for: they leave few others."""
Term = tuple[str, str]
"""A field and a letter group."""
OTHER_SPACE: Term = (SPACE, "\0")
"""Of what is not in the usual namespace."""


class AskedTerms(NamedTuple):
    """What an entity, or a neighbour of it in the index, must have: one group of terms of each list."""

    all_of: tuple[tuple[tuple[Term, ...], ...], ...]


def term_number(term: Term) -> int:
    """Return the number of a term, 32 bits."""
    digest = blake2b("".join(term).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def terms_of(
    namespace: Namespace,
    names: Iterable[str],
    facts: Sequence[StoredFact],
    *,
    sources: bool,
) -> set[Term]:
    """Return the terms of an entity.

    Args:
        namespace: of the entity.
        names: its own and its aliases.
        facts: that hold.
        sources: index them, too.
    """
    found = {(NAME, gram) for gram in all_grams(names)}
    found |= {(VALUE, gram) for gram in all_grams(fact.value for fact in facts)}
    if sources:
        texts = dict.fromkeys(source for fact in facts for source in fact.sources)
        found |= {(SOURCE, gram) for gram in all_grams(texts)}
    found.add(space_term(namespace))
    return found


def space_term(namespace: Namespace) -> Term:
    """Return the term that all entities of a namespace have."""
    return SPACE, written(namespace)


def asked_in(namespace: Namespace | None, *lists: Sequence[Sequence[Term]]) -> AskedTerms:
    """Return what must be had: in a namespace (``None``: any), of each list one group."""
    spaces = [] if namespace is None else [((space_term(namespace),),)]
    return AskedTerms((*spaces, *(tuple(map(tuple, groups)) for groups in lists)))


def terms_to_find(field: str, needed: str) -> list[tuple[Term, ...]]:
    """Return lists of terms: every text of a field that holds what is needed has all of one list."""
    return [tuple((field, gram) for gram in _few(grams)) for grams in grams_to_find(needed)]


def _few(grams: Sequence[str]) -> Sequence[str]:
    if len(grams) <= _MOST_GRAMS:
        return grams
    step = (len(grams) - 1) / (_MOST_GRAMS - 1)
    return [grams[round(n * step)] for n in range(_MOST_GRAMS)]
