"""From names as people write them to what a store holds: the entity first, then its relation.

Both steps have thresholds of their own and are shared by every backend, so that the same
facts give the same answers everywhere. What is near but not good enough is a candidate,
never an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from lamlam.memory_backends.facts import is_text
from lamlam.memory_backends.keys import canonical_key, fold, qualifiers_agree, relation_key
from lamlam.memory_backends.lookups import (
    NO_MATCH,
    Candidate,
    EntityView,
    Lookup,
    LookupResult,
    LookupStatus,
    Match,
    MatchKind,
    MatchPart,
    StoredFact,
)
from lamlam.memory_backends.misspellings import likeness, misspelling_score
from lamlam.memory_backends.name_index import letters_code, typo_probes
from lamlam.memory_backends.person_names import person_key, person_score, reads_as_name
from lamlam.memory_backends.relations import match_relation, near_relations

_NEAR_NAME = 0.60  # below it a name is not even worth a mention
_MOST_CANDIDATES = 5


class Holding(Protocol):
    """All that a store holds of one entity."""

    @property
    def name(self) -> str:
        """As stored."""
        ...

    @property
    def key(self) -> str:
        """Canonical key."""
        ...

    def relation_keys(self) -> Sequence[str]:
        """Keys of its relations in stored order, each once."""
        ...

    def of(self, relation_key: str) -> Sequence[StoredFact]:
        """The facts of one relation, in stored order."""
        ...

    def stored(self) -> Sequence[StoredFact]:
        """Every fact, in stored order."""
        ...


class Shelf(Protocol):
    """What resolution needs of a backend; every call is answered at once."""

    def holding(self, key: str) -> Holding | None:
        """The entity with exactly this canonical key."""
        ...

    def alias(self, key: str) -> Holding | None:
        """The entity that has this canonical key as an alias."""
        ...

    def near(self, codes: Collection[int]) -> Sequence[str]:
        """Canonical keys of the entities indexed under any of these codes, each once."""
        ...

    @property
    def has_aliases(self) -> bool:
        """True unless `alias` finds nothing anyway."""
        ...


class Found(NamedTuple):
    """Which entity was meant, if any."""

    holding: Holding | None
    part: MatchPart
    near: tuple[tuple[str, float], ...] = ()
    """Names of other entities that were nearly meant, and how alike they are."""
    is_ambiguous: bool = False


_ABSENT = Found(None, NO_MATCH)


def look_up(
    shelf: Shelf, query: Lookup, revision: int, identify: Identify | None = None
) -> LookupResult:
    """Return what the shelf holds of one relation of one entity."""
    if not (is_text(query.entity) and is_text(query.relation)):
        # Half a surrogate pair: nothing has such a name.
        return LookupResult(
            LookupStatus.MISS, Match(NO_MATCH, NO_MATCH), revision, entity=query.entity
        )
    relation = query.relation
    # Most questions name both halves as stored: this way builds nothing but the answer.
    holding = shelf.holding(canonical_key(query.entity))
    if holding is not None and (stored := holding.of(relation_key(relation))):
        return LookupResult(
            LookupStatus.HIT,
            None,
            revision,
            entity=holding.name,
            stored=stored,
            identify=identify,
        )
    found = find_entity(shelf, query.entity)
    holding = found.holding
    if holding is None:
        status = LookupStatus.AMBIGUOUS if found.is_ambiguous else LookupStatus.MISS
        candidates = tuple([Candidate(name, relation, score) for name, score in found.near])
        return LookupResult(
            status,
            Match(found.part, NO_MATCH),
            revision,
            entity=query.entity,
            candidates=candidates,
        )
    wanted = relation_key(relation)
    stored = holding.of(wanted)
    part = MatchPart("exact", 1.0, stored[0].relation) if stored else NO_MATCH
    if not stored:
        keys = holding.relation_keys()
        kind, score, key = match_relation(wanted, keys)
        if key is None:
            near = near_relations(wanted, keys)
            return LookupResult(
                LookupStatus.MISS,
                Match(found.part, NO_MATCH),
                revision,
                entity=holding.name,
                candidates=tuple([Candidate(holding.name, near_key, s) for near_key, s in near]),
            )
        stored = holding.of(key)
        part = MatchPart(kind, score, stored[0].relation)
    return LookupResult(
        LookupStatus.HIT,
        Match(found.part, part),
        revision,
        entity=holding.name,
        stored=stored,
        identify=identify,
    )


class Identify(Protocol):
    """Gives a fact's id."""

    def __call__(self, entity: str, relation_key: str, value: str, /) -> str:
        """Return the id."""
        ...


def describe(shelf: Shelf, entity: str, *, fuzzy: bool) -> EntityView | None:
    """Return what the shelf holds of an entity; ``None`` if unknown or ambiguous."""
    found = find_entity(shelf, entity, fuzzy=fuzzy) if is_text(entity) else _ABSENT
    if found.holding is None:
        return None
    return EntityView(found.holding.name, found.holding.key, found.part, found.holding.stored())


def find_entity(shelf: Shelf, name: str, *, fuzzy: bool = True) -> Found:
    """Return the entity that a name means.

    In order: its very name; an alias; the same letters without accents, punctuation,
    article and qualifier; the same person with more or fewer middle names or titles; and
    if ``fuzzy`` a misspelling. The first step that finds anything decides: one entity is
    the answer, several are an ambiguity.
    """
    key = canonical_key(name)
    holding = shelf.holding(key)
    if holding is not None:
        return Found(holding, MatchPart("exact", 1.0, holding.name))
    if shelf.has_aliases:
        holding = shelf.alias(key)
        if holding is not None:
            return Found(holding, MatchPart("alias", 1.0, holding.name))
    folded = fold(key)
    codes = [letters_code(folded.key)]
    # Of a plain two-word name the words are the person's, and the code is the same.
    person = person_key(folded.key) if folded.key.count(" ") != 1 else folded.key
    if person is not None and not reads_as_name(key):
        person = None
    if person is not None and person != folded.key:
        codes.append(letters_code(person))
    near = shelf.near(codes)
    if near or folded.key != key:
        spelt_alike = _spelt_alike(shelf, key, near)
        if spelt_alike:
            return _one_of(shelf, spelt_alike, "alias")
    if person is not None and (near or person not in (key, folded.key)):
        same_person = _same_person(shelf, key, person, near)
        if same_person:
            return _one_of(shelf, same_person, "fuzzy")
    return _misspelt(shelf, key) if fuzzy else _ABSENT


def _spelt_alike(shelf: Shelf, key: str, near: Sequence[str]) -> list[tuple[str, float]]:
    """Return entities whose folded names are equal and whose qualifiers do not disagree.

    Where one has the very qualifier that was asked for (or none, like the question), the
    others are not meant.
    """
    folded = fold(key)
    keys = {k for k in near if fold(k).key == folded.key}
    if folded.key != key and shelf.holding(folded.key) is not None:
        keys.add(folded.key)
    agreeing = [k for k in keys if qualifiers_agree(folded.qualifier, fold(k).qualifier)]
    same = [k for k in agreeing if fold(k).qualifier == folded.qualifier]
    return [(k, 1.0) for k in (same or agreeing)]


def _same_person(
    shelf: Shelf, key: str, person: str, near: Sequence[str]
) -> list[tuple[str, float]]:
    folded = fold(key)
    keys = set(near)
    if person not in (key, folded.key) and shelf.holding(person) is not None:
        keys.add(person)
    scored = [(k, person_score(folded.key, fold(k).key)) for k in keys if reads_as_name(k)]
    return [
        (k, score)
        for k, score in scored
        if score and qualifiers_agree(folded.qualifier, fold(k).qualifier)
    ]


def _misspelt(shelf: Shelf, key: str) -> Found:
    folded = fold(key)
    keys = set(shelf.near(typo_probes(folded.key)))
    agreeing = [k for k in keys if qualifiers_agree(folded.qualifier, fold(k).qualifier)]
    accepted = [
        (k, score) for k in agreeing if (score := misspelling_score(folded.key, fold(k).key))
    ]
    if accepted:
        best = max(score for _, score in accepted)
        return _one_of(shelf, [(k, score) for k, score in accepted if score == best], "fuzzy")
    alike = [(k, likeness(folded.key, fold(k).key)) for k in keys]
    return Found(None, NO_MATCH, _named(shelf, [pair for pair in alike if pair[1] >= _NEAR_NAME]))


def _one_of(shelf: Shelf, scored: list[tuple[str, float]], kind: MatchKind) -> Found:
    if len(scored) > 1:
        return Found(None, NO_MATCH, _named(shelf, scored), is_ambiguous=True)
    key, score = scored[0]
    holding = shelf.holding(key)
    if holding is None:
        return _ABSENT
    return Found(holding, MatchPart(kind, score, holding.name))


def _named(shelf: Shelf, scored: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    best = sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:_MOST_CANDIDATES]
    named = [(holding.name, s) for key, s in best if (holding := shelf.holding(key)) is not None]
    return tuple(named)
