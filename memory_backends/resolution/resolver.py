"""From names as people write them to what a store holds: the entity first, then its relation.

Both steps have thresholds of their own and are shared by every backend, so that the same
facts give the same answers everywhere. What is near but not good enough is a candidate,
never an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, Protocol

from lamlam.errors import BadFact
from lamlam.memory_backends.model.keys import canonical_key, fold, qualifiers_agree, relation_key
from lamlam.memory_backends.model.lookups import (
    NO_MATCH,
    Candidate,
    EntityView,
    Identify,
    LazyFacts,
    Lookup,
    LookupResult,
    LookupStatus,
    Match,
    MatchKind,
    MatchPart,
    Owned,
    StoredFact,
    check_lookup,
)
from lamlam.memory_backends.model.namespaces import only
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.model.timestamps import as_moment, holds_at, to_us
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.resolution.blocking_codes import letters_code, typo_probes
from lamlam.memory_backends.resolution.person_names import person_key, person_score, reads_as_name
from lamlam.memory_backends.resolution.relation_matching import match_relation, near_relations
from lamlam.memory_backends.resolution.typos import likeness, misspelling_score

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
    """What resolution needs of a backend; every call is answered at once.

    All keys are scoped, and so are the codes (`namespaces`).
    """

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

    @property
    def rules(self) -> RelationRules:
        """What the store knows about relations."""
        ...

    def referring(self, key: str, relation: str) -> Sequence[Owned]:
        """Facts whose value is the entity with this (scoped) key, of a relation or a synonym of it.

        A value may name it by any of its other names: what was merged into it is one of them.
        Ordered by the scoped key of the entity that they are about, then as stored. Asked only
        where a relation has an inverse.
        """
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
    """Return what the shelf holds of one relation of one entity.

    Where the relation has an inverse, the entities that name this one by it are values too,
    after the entity's own.

    Raises:
        BadFact: a field of the question is not what it should be.
    """
    check_lookup(query)
    if not (is_text(query.entity) and is_text(query.relation)):
        # Half a surrogate pair: nothing has such a name.
        return LookupResult(
            LookupStatus.MISS, Match(NO_MATCH, NO_MATCH), revision, entity=query.entity
        )
    if query.namespace != ():
        from lamlam.memory_backends.resolution.views import NamespaceShelf

        shelf = NamespaceShelf(shelf, query.namespace)
    wanted = relation_key(query.relation)
    # Most questions name both halves as stored: this way builds nothing but the answer.
    holding = shelf.holding(canonical_key(query.entity))
    if (
        holding is not None
        and (stored := holding.of(wanted))
        and (type(stored) is LazyFacts or is_timeless(stored))
        and not shelf.rules
    ):
        return LookupResult(
            LookupStatus.HIT,
            None,
            revision,
            entity=holding.name,
            key=holding.key,
            namespace=query.namespace,
            stored=stored,
            identify=identify,
        )
    found = find_entity(shelf, query.entity)
    holding = found.holding
    if holding is None:
        status = LookupStatus.AMBIGUOUS if found.is_ambiguous else LookupStatus.MISS
        candidates = tuple([Candidate(name, query.relation, score) for name, score in found.near])
        return LookupResult(
            status,
            Match(found.part, NO_MATCH),
            revision,
            entity=query.entity,
            namespace=query.namespace,
            candidates=candidates,
        )
    part, own, turned = _of_relation(shelf, holding, wanted)
    result = partial(
        LookupResult,
        match=Match(found.part, part),
        revision=revision,
        entity=holding.name,
        key=holding.key,
        namespace=query.namespace,
        identify=identify,
    )
    if not own and not turned:
        near = near_relations(wanted, holding.relation_keys())
        candidates = tuple([Candidate(holding.name, near_key, score) for near_key, score in near])
        return result(LookupStatus.MISS, candidates=candidates)
    valid = _valid_at(own, query.valid_at)
    told = {canonical_key(one.value) for one in valid}
    for one in _valid_at(turned, query.valid_at):
        if (name := canonical_key(one.value)) not in told:
            told.add(name)
            valid.append(one)
    return result(LookupStatus.HIT if valid else LookupStatus.NOT_VALID_AT, owned=valid)


def _of_relation(
    shelf: Shelf, holding: Holding, wanted: str
) -> tuple[MatchPart, list[Owned], list[Owned]]:
    """Return how the relation was understood, its facts, and those that answer for it turned around.

    Whenever they hold.
    """
    stored = holding.of(wanted)
    part = MatchPart("exact", 1.0, stored[0].relation) if stored else NO_MATCH
    if not stored:
        kind, score, key = match_relation(wanted, holding.relation_keys())
        if key is not None:
            stored = holding.of(key)
            part = MatchPart(kind, score, stored[0].relation)
    own = [Owned(holding.name, holding.key, fact, fact.value) for fact in stored]
    turned = [
        one._replace(value=one.name)
        for inverse in (shelf.rules.inverses_of(wanted) if shelf.rules else ())
        for one in shelf.referring(holding.key, inverse)
    ]
    if part is NO_MATCH and turned:
        part = MatchPart("inverse", 1.0, turned[0].fact.relation)
    return part, own, turned


def _valid_at(facts: Sequence[Owned], moment: datetime | None) -> list[Owned]:
    """Return the facts that hold at a moment of world time, each content once."""
    if all(one.fact.valid_from is None and one.fact.valid_to is None for one in facts):
        return list(facts)
    wanted = _microseconds(moment)
    once: dict[tuple[str, ...], Owned] = {}
    for one in facts:
        if holds_at(one.fact.valid_from, one.fact.valid_to, wanted):
            once.setdefault((one.key, one.value, *one.fact.content), one)
    return list(once.values())


def _microseconds(moment: datetime | None) -> int:
    exact = to_us(as_moment(moment if moment is not None else datetime.now(UTC)))
    assert exact is not None  # a moment was given
    return exact


def is_timeless(stored: Sequence[StoredFact]) -> bool:
    """True where none of the facts is bound to a period of world time."""
    return all(fact.valid_from is None and fact.valid_to is None for fact in stored)


def describe(shelf: Shelf, entity: str, *, fuzzy: bool) -> EntityView | None:
    """Return what the shelf holds of an entity now; ``None`` if unknown or ambiguous.

    Raises:
        BadFact: the name is no text.
    """
    if not isinstance(entity, str):
        raise BadFact(f"no lookup: entity: {type(entity).__name__} is no text")
    found = find_entity(shelf, entity, fuzzy=fuzzy) if is_text(entity) else _ABSENT
    if found.holding is None:
        return None
    stored = found.holding.stored()
    if not is_timeless(stored):
        now = _microseconds(None)
        stored = [fact for fact in stored if holds_at(fact.valid_from, fact.valid_to, now)]
    return EntityView(found.holding.name, found.holding.key, found.part, stored)


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
    near = _near(shelf, codes)
    if near or folded.key != key:
        spelt_alike = _spelt_alike(shelf, key, near)
        if spelt_alike:
            return _one_of(shelf, spelt_alike, "alias")
    if person is not None and (near or person not in (key, folded.key)):
        same_person = _same_person(shelf, key, person, near)
        if same_person:
            return _one_of(shelf, same_person, "fuzzy")
    return _misspelt(shelf, key) if fuzzy else _ABSENT


def _near(shelf: Shelf, codes: Collection[int]) -> Sequence[str]:
    """Keys of the shelf's own namespace: codes are checksums, so others may have the same."""
    keys = shelf.near(codes)
    return only((), keys) if keys else keys


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
    keys = set(_near(shelf, typo_probes(folded.key)))
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
