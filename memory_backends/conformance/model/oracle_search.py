"""What a search finds, as the `Oracle` has it: by looking at every fact, in no order."""

from __future__ import annotations

from lamlam.memory_backends.conformance.model.oracle_commit import Name, OracleRow, OracleState
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.search_rules import search_query
from lamlam.memory_backends.model.search_text import search_form
from lamlam.memory_backends.model.words import root, stem

SEARCHED_TEXTS = (
    "a", "ADA", "bob", "Ferris'", "ód", "sa", "The Salt", "one", "e", "7", "three four", "s", "xxx",
    "Who was Bob Ferris's parent?", "countess", "<|db_end|>", '"ada" OR o*', "Łódź", "nobody",
)  # fmt: skip
Hit = tuple[Name, OracleRow]


def found_by_oracle(
    state: OracleState, text: str, namespace: Namespace | None, *, sources: bool, ended_by: int
) -> set[Hit]:
    """Return the facts that a text finds, but for those that ended by a moment.

    The text is no misspelling of a name.
    """
    # How a text is cut into words is what a text means, as a canonical key is.
    query = search_query(text, namespace, sources=sources)
    part = search_form(text)
    by_part: set[Hit] = set()
    by_source: set[Hit] = set()
    by_all: set[Hit] = set()
    by_some: dict[Hit, int] = {}
    for name, rows in state.facts.items():
        if namespace is not None and name[0] != namespace:
            continue
        names = [search_form(state.spelt[name])] if rows else []
        names += [
            search_form(alias[1]) for alias, entity in state.aliases.items() if entity == name
        ]
        is_meant = state.meant((namespace or (), canonical_key(text))) == name
        for row in rows:
            if row.end <= ended_by:
                continue
            hit = name, row
            texts = [*names, search_form(row.surface)]
            if is_meant or (part and any(part in one for one in texts)):
                by_part.add(hit)
            elif part and (n_words := _words(query.words, texts)):
                if n_words == len(query.words):
                    by_all.add(hit)
                by_some[hit] = n_words + _beside(query.all_words, query.roots, names, row)
            elif sources and part and any(part in search_form(one) for one in row.sources):
                by_source.add(hit)
    if not by_part:
        most = max(by_some.values(), default=0)
        by_all |= {hit for hit, n_words in by_some.items() if 2 * n_words >= most}
    return by_part | by_all | by_source


def _words(words: tuple[tuple[str, ...], ...], texts: list[str]) -> int:
    return sum(any(set(forms) & set(text.split()) for text in texts) for forms in words)


def _beside(said: frozenset[str], roots: frozenset[str], names: list[str], row: OracleRow) -> int:
    """Return how many words of the relation are asked for; one more if the text has a whole name."""
    of_relation = {root(stem(word)) for word in search_form(row.relation).split()} & roots
    return len(of_relation) + any(set(one.split()) <= said for one in names if one)
