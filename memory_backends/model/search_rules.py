"""What a search finds and in which order: one rule for every backend, index or not.

A text finds facts in five steps, the best first:

0. of the entity that it names, by its key, an alias or a near spelling;
1. of entities that have it in a name or an alias;
2. whose value has it;
3. that have its words, as whole words, in name, alias or value, but for function words; where
   nothing else is found, those that have some of them, as of a question, and of these none that
   has less than half as many as the best;
4. whose source has it, where sources are asked for.

Texts are compared in their `search_form`. What an index finds is looked at by these rules again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappush, heappushpop
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

from lamlam.errors import BadFact
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.expiry import has_ended, hiding_from
from lamlam.memory_backends.model.facts import Fact, Namespace, check_flags, check_namespace
from lamlam.memory_backends.model.search_text import search_form
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.model.words import root, stem

MAX_TEXT_CHARACTERS = 4_000
MAX_LIMIT = 10_000
_MOST_WORDS = 32
_LONGEST_STRETCH = 6
_MARKS = ".,;:!?\"'()[]{}«»“”‘’…"
_POSSESSIVE = re.compile(r"['’`´]s?(?=\W|$)")
_NAME, _PART_OF_NAME, _PART_OF_VALUE, _WORDS, _SOURCE = range(5)
STEPS = (_PART_OF_NAME, _PART_OF_VALUE, _WORDS, _SOURCE)
"""What an index is asked in turn: who has found enough need not ask on."""

Rank = tuple[int, ...]
"""What comes first has the smaller one; the first number is the step."""
_NO_RANK: Rank = (9,)


class SearchedFact(Protocol):
    """What a search reads of a fact, stored or not."""

    @property
    def relation(self) -> str:
        """As its author wrote it."""
        ...

    @property
    def sources(self) -> Sequence[str]:
        """Where it is known from."""
        ...

    @property
    def valid_to(self) -> Instant | int | None:
        """The end of its period, as a moment or in microseconds."""
        ...


F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found."""

    facts: tuple[Fact, ...]
    """The best first."""
    is_complete: bool
    """Nothing else is found by this text: neither the limit nor the work of one search cut it."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A text that is searched for, in the forms in which it is compared."""

    text: str
    part: str
    """The form of the whole text; empty where it has neither letters nor signs."""
    words: tuple[tuple[str, ...], ...]
    """Each word that is not a function word, in the forms that count as it."""
    all_words: frozenset[str]
    roots: frozenset[str]
    """Of all words, to compare relations with."""
    namespace: Namespace | None
    limit: int
    sources: bool
    hiding_from: int | None = None
    """Facts whose period has ended by this moment, in microseconds, are not found."""

    def stretches(self) -> list[str]:
        """Return runs of words of the text that may be whole names."""
        words = [_POSSESSIVE.sub("", word).strip(_MARKS) for word in self.text.split()]
        words = words[:_MOST_WORDS]
        found: dict[str, None] = {}
        for begin in range(len(words)):
            for end in range(begin + 1, min(begin + _LONGEST_STRETCH, len(words)) + 1):
                run = words[begin:end]
                if not all(_is_function_word((search_form(word),)) for word in run):
                    found[" ".join(run)] = None
        return list(found)


def search_query(
    text: str,
    namespace: Namespace | None = (),
    limit: int = 20,
    sources: bool = False,
    include_expired: bool = False,
) -> SearchQuery:
    """Return a search whose fields are what they should be.

    Raises:
        BadFact: the text is not a string, is empty or has over 4,000 characters, the limit is not
            a whole number from 1 to 10,000, or a switch is neither True nor False.
    """
    if not isinstance(text, str):
        raise BadFact(f"text must be a string, got {type(text).__name__}")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadFact(
            f"text must have at most {MAX_TEXT_CHARACTERS:,} characters, got {len(text):,}",
            hint="search for a name, a part of one, or one question",
        )
    if not text.strip():
        raise BadFact("text must not be empty", hint="give a part of a name or of a value")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise BadFact(f"limit must be a whole number from 1 to {MAX_LIMIT:,}, got {limit!r}"[:120])
    check_flags(sources=sources)
    is_storable = is_text(text)  # halves of surrogate pairs are in no name and no value
    part = search_form(text) if is_storable else ""
    words = _words(text) if is_storable else []
    said = frozenset(word for forms in words for word in forms)
    return SearchQuery(
        text=text,
        part=part,
        words=tuple([forms for forms in words if not _is_function_word(forms)][:_MOST_WORDS]),
        all_words=said,
        roots=frozenset(root(stem(word)) for word in said if not _is_function_word((word,))),
        namespace=None if namespace is None else check_namespace(namespace),
        limit=limit,
        sources=sources,
        hiding_from=hiding_from(include_expired),
    )


def _words(text: str) -> list[tuple[str, ...]]:
    """Return each word once, in its forms: as written, and without a possessive ending."""
    found: dict[tuple[str, ...], None] = {}
    for one in text.split():
        written = search_form(one).split()
        bare = search_form(_POSSESSIVE.sub("", one)).split()
        if len(written) != len(bare):
            bare = written
        for word, other in zip(written, bare, strict=True):
            found[tuple(dict.fromkeys((other, word)))] = None
    return list(found)


def _is_function_word(forms: Iterable[str]) -> bool:
    return any(form in _function_words() for form in forms)


@lru_cache(maxsize=1)
def _function_words() -> frozenset[str]:
    lines = Path(__file__).with_name("function_words.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


class NameMatch(NamedTuple):
    """How the names of an entity fit a search."""

    rank: Rank
    """Of all its facts, where a name has the text; else a rank behind all others."""
    words: frozenset[int]
    """Words of the search that the names have, by number."""
    is_named: bool
    """All words of one of its names are in the text."""
    length: int

    @property
    def is_part(self) -> bool:
        """A name has the text."""
        return self.rank is not _NO_RANK


def match_names(query: SearchQuery, names: Iterable[str]) -> NameMatch:
    """Return how the names of an entity, its own and its aliases, fit a search."""
    best, length = _NO_RANK, 0
    words: set[int] = set()
    is_named = False
    for name in names:
        form = search_form(name)
        length = length or len(form)
        best = min(best, _place(query, form, _PART_OF_NAME))
        held = _words_in(query, f" {form} ")
        words |= held
        is_named |= bool(held) and query.all_words.issuperset(form.split())
    return NameMatch(best, frozenset(words), is_named, length)


def rank_of(
    query: SearchQuery, named: NameMatch, fact: SearchedFact, value: str, *, is_meant: bool = False
) -> Rank | None:
    """Return where a fact of an entity comes among what is found; ``None`` where it is not found.

    Args:
        named: how the entity's names fit.
        fact: one of its facts.
        value: the fact's surface.
        is_meant: the text names the entity.
    """
    if query.hiding_from is not None and has_ended(fact.valid_to, query.hiding_from):
        return None
    if is_meant:
        return (_NAME,)
    if named.rank is not _NO_RANK:
        return named.rank
    form = search_form(value)
    best = _place(query, form, _PART_OF_VALUE)
    if best is not _NO_RANK:
        return (*best, named.length)
    if query.words and (ranked := _by_words(query, named, fact, f" {form} ")) is not None:
        return ranked
    if query.sources and query.part:
        for source in fact.sources:
            best = min(best, _place(query, search_form(source), _SOURCE))
    return None if best is _NO_RANK else (*best, named.length)


def _place(query: SearchQuery, form: str, step: int) -> Rank:
    """Return how well a form has the part: all of it, at its beginning, at that of a word, inside."""
    part = query.part
    if not part or part not in form:
        return _NO_RANK
    place = 0 if form == part else 1 if form.startswith(part) else 2 if f" {part}" in form else 3
    return (step, place, len(form))


def _words_in(query: SearchQuery, padded: str) -> set[int]:
    return {
        number
        for number, forms in enumerate(query.words)
        if any(f" {form} " in padded for form in forms)
    }


def _by_words(query: SearchQuery, named: NameMatch, fact: SearchedFact, padded: str) -> Rank | None:
    """Return the rank of a fact by the words that it shares with the text."""
    held = named.words | _words_in(query, padded)
    if not held:
        return None
    asked = _relation_roots(fact.relation) & query.roots
    n_words = len(held) + len(asked) + named.is_named
    is_partial = len(held) < len(query.words)
    return (_WORDS, is_partial, -n_words, -len(named.words), named.length)


@lru_cache(maxsize=4096)
def _relation_roots(relation: str) -> frozenset[str]:
    """Return the roots of the words of a relation; the same few are asked about again and again."""
    words = search_form(relation).split()
    return frozenset(root(stem(word)) for word in words if not _is_function_word((word,)))


class BestHits(Generic[F]):
    """The best of what is found, at most so many as are asked for, in one order for all backends."""

    def __init__(self, query: SearchQuery) -> None:
        self._query = query
        self._heap: list[_Hit[F]] = []
        self._ranks: dict[tuple[str, int], Rank] = {}
        self._is_partial_cut = False
        self.is_cut = False
        """Something was found that is not among them, or was not looked at."""
        self.has_part = False
        """Something was found that has the text as a whole: what has only some words is left out."""

    def add(self, rank: Rank, key: str, number: int, fact: F) -> None:
        """Take a fact, unless it is among them.

        Args:
            rank: by `rank_of`.
            key: scoped key of the entity.
            number: place among the entity's facts.
            fact: what `best` gives back.
        """
        if (key, number) in self._ranks or (self.has_part and _is_partial(rank)):
            return
        if rank[0] < _WORDS and not self.has_part:
            self.has_part = True
            self._leave_partial()
        self._ranks[key, number] = rank
        hit = _Hit(rank, key, number, fact)
        if len(self._heap) < self._query.limit:
            heappush(self._heap, hit)
            return
        dropped = heappushpop(self._heap, hit)
        if _is_partial(dropped.rank):
            self._is_partial_cut = True
        else:
            self.is_cut = True
        del self._ranks[dropped.key, dropped.number]

    def is_enough(self) -> bool:
        """Return whether what only a later step finds would be dropped."""
        is_cut = self.is_cut or self._is_partial_cut
        return is_cut and len(self._heap) == self._query.limit

    @property
    def is_complete(self) -> bool:
        """Nothing else is found by the text."""
        return not (self.is_cut or (self._is_partial_cut and not self.has_part))

    def _leave_partial(self) -> None:
        left = [hit for hit in self._heap if not _is_partial(hit.rank)]
        if len(left) < len(self._heap):
            self._heap = left
            heapify(left)
            self._ranks = {(hit.key, hit.number): hit.rank for hit in left}

    @property
    def worst(self) -> Rank:
        """What comes behind this need not be looked at."""
        return self._heap[0].rank if len(self._heap) == self._query.limit else _NO_RANK

    def best(self) -> Iterator[F]:
        """Yield the facts, the best first; by some words none with under half of the most."""
        hits = sorted(self._heap, reverse=True)
        most = max((-hit.rank[2] for hit in hits if hit.rank[0] == _WORDS), default=0)
        for hit in hits:
            if not _is_partial(hit.rank) or -2 * hit.rank[2] >= most:
                yield hit.fact


def _is_partial(rank: Rank) -> bool:
    return rank[0] == _WORDS and bool(rank[1])


@dataclass(slots=True)
class _Hit(Generic[F]):
    rank: Rank
    key: str
    number: int
    fact: F

    def __lt__(self, other: _Hit[F]) -> bool:
        # The heap's smallest is the worst.
        return (self.rank, self.key, self.number) > (other.rank, other.key, other.number)
