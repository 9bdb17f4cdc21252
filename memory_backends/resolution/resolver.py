"""Resolve names as people write them to stored entities and relations (record linkage).

The entity first, then its relation: exact match, alias, blocking and candidate generation, scoring
by edit distance. Each step has its own threshold, and every backend shares them, so that the same
facts give the same answers everywhere. What is near but not good enough is a candidate, never an
answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from lamlam.memory_backends.model.candidates import Candidate
from lamlam.memory_backends.model.entity_reader import (
    MOST_OF_A_CODE,
    EntityReader,
    EntityRecord,
)
from lamlam.memory_backends.model.keys import (
    FoldedName,
    canonical_key,
    fold,
    names_agree,
    relation_key,
    with_other_marks,
)
from lamlam.memory_backends.model.known_names import MAX_HOMONYMS
from lamlam.memory_backends.model.lazy_facts import LazyFacts
from lamlam.memory_backends.model.lookups import (
    NO_MATCH,
    EntityFact,
    Identify,
    Lookup,
    LookupResult,
    LookupStatus,
    Match,
    MatchKind,
    MatchPart,
    StoredFact,
    check_lookup,
)
from lamlam.memory_backends.model.namespaces import only, split
from lamlam.memory_backends.model.plain_forms import plain_text
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.resolution.blocking_codes import letters_code, typo_probes
from lamlam.memory_backends.resolution.homonyms import told_apart
from lamlam.memory_backends.resolution.other_spaces import other_spacings
from lamlam.memory_backends.resolution.person_names import (
    SURE_SCORE,
    person_key,
    person_score,
    reads_as_name,
)
from lamlam.memory_backends.resolution.relation_matching import (
    compared_relations,
    matching_facts,
    near_relations,
)
from lamlam.memory_backends.resolution.typos import ACCEPTED_SCORE, count_slips, likeness
from lamlam.memory_backends.resolution.valid_time import (
    at_other_times,
    facts_holding,
    holds,
    is_timeless,
    valid_at,
)
from lamlam.memory_backends.resolution.value_entities import (
    joined_values,
    turned_around,
    value_alone,
)
from lamlam.memory_backends.resolution.views import NamespaceView

_NEAR_NAME = 0.70  # below it a name is not even worth a mention: it is another one
_BELOW_ACCEPTED = ACCEPTED_SCORE - 0.01  # of what is as near as an answer, and still is none
_MOST_CANDIDATES = 5


class EntityMatch(NamedTuple):
    """The entity that a name refers to, if any."""

    record: EntityRecord | None
    part: MatchPart
    near: tuple[tuple[str, float], ...] = ()
    """Near names of other entities, and how alike they are."""
    is_ambiguous: bool = False
    meant: tuple[tuple[str, float], ...] = ()
    """Keys of the entities that an ambiguous name may mean, the most alike first; at most 32."""


ABSENT = EntityMatch(None, NO_MATCH)


def look_up(
    reader: EntityReader, query: Lookup, revision: int, identify: Identify | None = None
) -> LookupResult:
    """Return what the reader holds of one relation of one entity.

    Where the relation has an inverse, the entities that name this one by it are values too,
    after the entity's own.

    Raises:
        BadFact: a field of the lookup is not valid.
    """
    check_lookup(query)
    if not (is_text(query.entity) and is_text(query.relation)):
        # Half a surrogate pair: nothing has such a name.
        return LookupResult(
            LookupStatus.MISS, Match(NO_MATCH, NO_MATCH), revision, entity=query.entity
        )
    if query.namespace != ():
        reader = NamespaceView(reader, query.namespace)
    wanted = relation_key(query.relation)
    # Most questions name both halves as stored: this way builds nothing but the answer.
    record = reader.record(canonical_key(query.entity))
    if (
        record is not None
        and (stored := record.of(wanted))
        and (type(stored) is LazyFacts or is_timeless(stored))
        and not reader.rules
    ):
        return LookupResult(
            LookupStatus.HIT,
            None,
            revision,
            entity=record.name,
            key=record.key,
            namespace=query.namespace,
            stored=stored,
            identify=identify,
        )
    if record is not None:
        found = EntityMatch(record, MatchPart("exact", 1.0, record.name))
    else:
        found = find_entity(reader, query.entity)
        record = found.record
    if reader.rules and found.part.kind != "exact":
        found = or_a_value(reader, query.entity, found, wanted)
        record = found.record
    if record is None:
        relation = plain_text(query.relation)
        if found.is_ambiguous:
            status, is_told = LookupStatus.AMBIGUOUS, partial(holds, query.valid_at)
            candidates = told_apart(reader, found.near, relation, is_told)
        else:
            status = LookupStatus.MISS
            candidates = tuple([Candidate(name, relation, s) for name, s in found.near])
        return LookupResult(
            status,
            Match(found.part, NO_MATCH),
            revision,
            entity=query.entity,
            namespace=query.namespace,
            candidates=candidates,
        )
    part, stored, turned = _of_relation(reader, record, wanted)
    result = partial(
        LookupResult,
        match=Match(found.part, part),
        revision=revision,
        entity=record.name,
        key=record.key,
        namespace=query.namespace,
        identify=identify,
    )
    if not stored and not turned:
        near = near_relations(wanted, compared_relations(record))
        candidates = tuple([Candidate(record.name, near_key, score) for near_key, score in near])
        return result(LookupStatus.MISS, candidates=candidates)
    if not turned:
        holding = facts_holding(stored, query.valid_at)
        if holding:
            return result(LookupStatus.HIT, stored=holding)
        held = (EntityFact(record.name, record.key, fact, fact.value) for fact in stored)
        others = at_other_times(held, query.valid_at, identify)
        return result(LookupStatus.NOT_VALID_AT, candidates=others)
    own = [EntityFact(record.name, record.key, fact, fact.value) for fact in stored]
    valid = joined_values(valid_at(own, query.valid_at), valid_at(turned, query.valid_at))
    if valid:
        return result(LookupStatus.HIT, owned=valid)
    others = at_other_times([*own, *turned], query.valid_at, identify)
    return result(LookupStatus.NOT_VALID_AT, candidates=others)


def _of_relation(
    reader: EntityReader, record: EntityRecord, wanted: str
) -> tuple[MatchPart, Sequence[StoredFact], list[EntityFact]]:
    """Return how the relation was understood, its facts, and those that answer for it turned around.

    Facts of every period are returned; the caller selects those that are valid.
    """
    stored = record.of(wanted)
    part = MatchPart("exact", 1.0, stored[0].relation) if stored else NO_MATCH
    if not stored:
        part, stored = matching_facts(record, wanted)
    held = stored[0].key if stored and part.kind != "exact" else None
    turned = turned_around(reader, record.key, wanted, held) if reader.rules else []
    if part is NO_MATCH and turned:
        part = MatchPart("inverse", 1.0, turned[0].fact.relation)
    return part, stored, turned


def or_a_value(
    reader: EntityReader, name: str, found: EntityMatch, wanted: str | None = None
) -> EntityMatch:
    """Return what was found, or an entity without facts that values call by the name.

    Where another is spelt nearly so, the very name comes first; an alias stays what it is.
    """
    key = canonical_key(name)
    other = value_alone(reader, key, wanted, exactly=found.part.kind == "alias")
    if other is None:
        return found
    kind: MatchKind = "exact" if split(other.key)[1] == key else "alias"
    return EntityMatch(other, MatchPart(kind, 1.0, other.name))


def find_entity(reader: EntityReader, name: str, *, fuzzy: bool = True) -> EntityMatch:
    """Return the entity that a name means.

    In order: its very name; an alias; the same letters without accents, punctuation,
    article and qualifier; the same person with other titles, an initial for a name, or
    no middle names; and if ``fuzzy`` a misspelling. The first step that finds anything
    decides: one entity is the answer, several are an ambiguity, and one that somebody else
    may be meant by is a candidate.
    """
    key = canonical_key(name)
    record = reader.record(key)
    if record is not None:
        return EntityMatch(record, MatchPart("exact", 1.0, record.name))
    if reader.has_aliases:
        holder = reader.alias(key)
        record = reader.record(holder) if holder is not None else None
        if record is not None:
            return EntityMatch(record, MatchPart("alias", 1.0, record.name))
    folded = fold(key)
    # Marks are folded, but for the "ʻ" of Hawaiian, which counts as a letter.
    if folded.key != key or not key.isascii():
        written = [other for other in with_other_marks(key) if reader.record(other) is not None]
        if written:
            return _one_of(reader, [(other, 1.0) for other in written], "alias")
    codes = [letters_code(folded.key)]
    # Of a plain two-word name the words are the person's, and the code is the same.
    person = person_key(folded.key) if folded.key.count(" ") != 1 else folded.key
    if person is not None and not reads_as_name(key):
        person = None
    if person is not None and person != folded.key:
        codes.append(letters_code(person))
    near = _near(reader, codes)
    if near or folded.key != key:
        spelt_alike = _spelt_alike(reader, key, near)
        if len(spelt_alike) == 1 and len(near) >= MOST_OF_A_CODE:  # others may be meant as well
            return EntityMatch(None, NO_MATCH, _named(reader, spelt_alike))
        if spelt_alike:
            return _one_of(reader, spelt_alike, "alias")
    if person is not None and (near or person not in (key, folded.key)):
        same_person = _same_person(reader, key, person, near)
        is_cut = len(near) >= MOST_OF_A_CODE
        if len(same_person) == 1 and (is_cut or same_person[0][1] < SURE_SCORE):
            return EntityMatch(None, NO_MATCH, _named(reader, same_person))
        if same_person:
            return _one_of(reader, same_person, "fuzzy")
    found = _spaced_otherwise(reader, key, _misspelt(reader, key)) if fuzzy else ABSENT
    return _with_other_signs(reader, key, near, found) if near or folded.signs else found


def _near(reader: EntityReader, codes: Collection[int]) -> Sequence[str]:
    """Return candidates of the reader's own namespace: keys of others may have the same checksums."""
    keys = reader.candidates(codes)
    return only((), keys) if keys else keys


def _spelt_alike(reader: EntityReader, key: str, near: Sequence[str]) -> list[tuple[str, float]]:
    """Return entities whose folded names are equal and whose qualifiers and signs do not disagree.

    Where one has the very qualifier that was asked for (or none, like the question), the
    others are left out.
    """
    folded = fold(key)
    keys = {k for k in near if fold(k).key == folded.key}
    if folded.key != key and reader.record(folded.key) is not None:
        keys.add(folded.key)
    agreeing = [k for k in keys if names_agree(folded, fold(k))]
    same = [k for k in agreeing if fold(k).qualifier == folded.qualifier]
    return [(k, 1.0) for k in (same or agreeing)]


def _same_person(
    reader: EntityReader, key: str, person: str, near: Sequence[str]
) -> list[tuple[str, float]]:
    folded = fold(key)
    keys = set(near)
    if person not in (key, folded.key) and reader.record(person) is not None:
        keys.add(person)
    scored = [
        (k, person_score(folded.key, fold(k).key, is_compound="-" in key or "-" in k))
        for k in keys
        if reads_as_name(k)
    ]
    return [(k, score) for k, score in scored if score and names_agree(folded, fold(k))]


def _with_other_signs(
    reader: EntityReader, key: str, near: Sequence[str], found: EntityMatch
) -> EntityMatch:
    """Return what was found; if nothing, with the names of the same letters and other signs.

    "C#" is never answered by what memory holds of "C++" or "C", also where it holds nothing else.
    """
    if found.record is not None or found.is_ambiguous:
        return found
    folded = fold(key)
    keys = {k for k in near if fold(k).key == folded.key and fold(k).signs != folded.signs}
    if folded.signs and reader.record(folded.key) is not None:
        keys.add(folded.key)
    if not keys:
        return found
    others = _named(reader, [(k, likeness(key, k)) for k in keys])
    known = {name for name, _ in others}
    further = [pair for pair in found.near if pair[0] not in known]
    return found._replace(near=(*others, *further)[:_MOST_CANDIDATES])


def _spaced_otherwise(reader: EntityReader, key: str, found: EntityMatch) -> EntityMatch:
    """Return what was found; if nothing, with the names that differ in their spaces alone."""
    asked = fold(key)
    forms = other_spacings(asked.key)
    if not forms or found.record is not None or found.is_ambiguous:
        return found
    known = reader.known(forms)
    holders = ((reader.alias(form) if reader.record(form) is None else form) for form in known)
    keys = {holder for holder in holders if holder is not None}
    near = _near(reader, [letters_code(form) for form in forms])
    keys.update(k for k in near if (name := fold(k)).key in forms and names_agree(asked, name))
    if not keys:
        return found
    others = _named(reader, [(k, _BELOW_ACCEPTED) for k in keys])
    names = {name for name, _ in others}
    further = [pair for pair in found.near if pair[0] not in names]
    return found._replace(near=(*others, *further)[:_MOST_CANDIDATES])


def _misspelt(reader: EntityReader, key: str) -> EntityMatch:
    asked = fold(key)
    typed = asked.key
    is_qualified = asked.qualifier != ""
    near = [(k, fold(k)) for k in set(_near(reader, typo_probes(typed)))]
    accepted = [
        (slips, k, name.key)
        for k, name in near
        if (slips := count_slips(typed, name.key, is_qualified)) and _may_be_misspelt(asked, name)
    ]
    if len(accepted) == len(near) == 1:
        slips, k, name = accepted[0]
        return _one_of(reader, [(k, 1 - slips / max(len(typed), len(name)))], "fuzzy")
    if accepted:
        fewest = min(accepted)[0]
        meant = [(k, likeness(typed, name)) for slips, k, name in accepted if slips == fewest]
        # Of very many, others may be as near.
        is_unsure = len(meant) == 1 and len(near) >= MOST_OF_A_CODE
        if not is_unsure and not _is_word_here(typed, min(accepted)[2], near):
            return _one_of(reader, meant, "fuzzy")
    alike = [(k, likeness(typed, name.key)) for k, name in near]
    named = _named(reader, [pair for pair in alike if pair[1] >= _NEAR_NAME])
    return EntityMatch(
        None, NO_MATCH, tuple([(name, min(score, _BELOW_ACCEPTED)) for name, score in named])
    )


def _may_be_misspelt(asked: FoldedName, name: FoldedName) -> bool:
    """Return whether a misspelt name may be a stored one's by what tells names of it apart.

    "Turvey, Bedfordshire" is not Turkey. A name of several words may be without its qualifier.
    """
    if asked.signs != name.signs:
        return False
    return asked.qualifier == name.qualifier or (not asked.qualifier and " " in asked.key)


def _is_word_here(typed: str, stored: str, near: Sequence[tuple[str, FoldedName]]) -> bool:
    """Return whether a word that would be a slip is a word of another name in memory.

    Beside "George Wood" and "Gary Woods" the name "George Woods" is not a slip.
    """
    slips = {
        word for word, other in zip(typed.split(), stored.split(), strict=True) if word != other
    }
    return any(not slips.isdisjoint(name.key.split()) for _, name in near)


def _one_of(reader: EntityReader, scored: list[tuple[str, float]], kind: MatchKind) -> EntityMatch:
    if len(scored) > 1:
        best = sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:MAX_HOMONYMS]
        return EntityMatch(
            None, NO_MATCH, _named(reader, best), is_ambiguous=True, meant=tuple(best)
        )
    key, score = scored[0]
    record = reader.record(key)
    if record is None:
        return ABSENT
    return EntityMatch(record, MatchPart(kind, score, record.name))


def _named(
    reader: EntityReader, scored: Iterable[tuple[str, float]]
) -> tuple[tuple[str, float], ...]:
    best = sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:_MOST_CANDIDATES]
    named = [(record.name, s) for key, s in best if (record := reader.record(key)) is not None]
    return tuple(named)
