"""What is asked of a memory and what it answers: slotted, because it runs per written fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lamlam.errors import BadFact
from lamlam.memory_backends.model.candidates import Candidate
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookup_status import LookupStatus as LookupStatus
from lamlam.memory_backends.model.stored_facts import Answer as Answer
from lamlam.memory_backends.model.stored_facts import EntityFact as EntityFact
from lamlam.memory_backends.model.stored_facts import Identify as Identify
from lamlam.memory_backends.model.stored_facts import PastVersion as PastVersion
from lamlam.memory_backends.model.stored_facts import StoredFact as StoredFact
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.model.timestamps import as_moment, from_us
from lamlam.memory_backends.model.values import value_of

MatchKind = Literal["exact", "alias", "synonym", "inverse", "fuzzy", "vector", "none"]


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question: the value of a relation of an entity, both as text wrote them."""

    entity: str
    relation: str
    namespace: Namespace = ()
    valid_at: Instant | None = None
    """The moment of world time that is asked about (with a zone); ``None`` is the present."""
    as_of: int | None = None
    """Answer as the store stood at this revision (`Capability.HISTORY`)."""


def checked_lookup(
    entity: str,
    relation: str,
    namespace: Namespace = (),
    valid_at: Instant | None = None,
    as_of: int | None = None,
) -> Lookup:
    """Return a question whose fields are what they should be.

    `Lookup` itself checks nothing, since one is made per written fact.

    Raises:
        BadFact: a name is not a string, the namespace is not valid, the moment has no zone, or the
            revision is not a whole number of a store's size.
    """
    query = Lookup(
        entity,
        relation,
        check_namespace(namespace),
        None if valid_at is None else as_moment(valid_at),
        as_of,
    )
    check_lookup(query)
    return query


def checked_lookups(queries: Iterable[Lookup]) -> list[Lookup]:
    """Return the questions, whose fields are what they should be.

    Raises:
        BadFact: it is not a list of questions, or a field of one is wrong.
    """
    if isinstance(queries, str | bytes) or not hasattr(queries, "__iter__"):
        raise BadFact(
            f"lookups must be a list, got {type(queries).__name__}",
            hint="give a list: lookup_many([Lookup(entity, relation)])",
        )
    given = list(queries)
    for query in given:
        check_lookup(query)
        check_namespace(query.namespace)
    return given


def check_lookup(query: Lookup) -> None:
    """Check the fields of the question, but for its namespace, which is checked where it is used.

    Raises:
        BadFact: it is not a question, a name is not a string, the moment has no zone, or the
            revision is not a whole number of a store's size.
    """
    if not isinstance(query, Lookup):
        raise BadFact(
            f"a lookup must be a lamlam.Lookup, got {type(query).__name__}",
            hint="make it by lamlam.Lookup(entity, relation)",
        )
    for what, name in (("entity", query.entity), ("relation", query.relation)):
        if not isinstance(name, str):
            raise BadFact(f"invalid lookup: {what} must be a string, got {type(name).__name__}")
    if query.valid_at is not None:
        as_moment(query.valid_at)  # refused without its zone, whether or not it matters
    if query.as_of is not None:
        check_as_of(query.as_of)


def check_as_of(as_of: int) -> None:
    """Check that the revision that is asked about is a whole number of a store's size.

    Raises:
        BadFact: it is not.
    """
    if isinstance(as_of, bool) or not isinstance(as_of, int):
        raise BadFact(f"invalid lookup: as_of must be a revision, got {as_of!r}")
    if not 0 <= as_of < 2**63:
        raise BadFact(f"invalid lookup: as_of must be from 0 to 2**63 - 1, got {as_of}")


@dataclass(frozen=True, slots=True)
class MatchPart:
    """How one half of the question was understood."""

    kind: MatchKind
    score: float
    """From 0 to 1; 1 unless the kind is ``fuzzy`` or ``vector``."""
    matched: str | None
    """The stored name that was taken."""


@dataclass(frozen=True, slots=True)
class Match:
    """How the question was understood: the entity first, then the relation among its own."""

    entity: MatchPart
    relation: MatchPart


NO_MATCH = MatchPart("none", 0.0, None)


class LookupResult:
    """What memory knows; `Fact` objects are built when first asked for.

    Of very many values only those are read that are asked for: `value`, and `answer` one by one.
    """

    __slots__ = (
        "_entity",
        "_fact_ids",
        "_facts",
        "_identify",
        "_key",
        "_match",
        "_owned",
        "_stored",
        "_values",
        "candidates",
        "elapsed_ns",
        "namespace",
        "revision",
        "status",
    )

    def __init__(
        self,
        status: LookupStatus,
        match: Match | None,
        revision: int,
        elapsed_ns: int = 0,
        entity: str = "",
        key: str = "",
        namespace: Namespace = (),
        stored: Sequence[StoredFact] = (),
        owned: Sequence[EntityFact] | None = None,
        identify: Identify | None = None,
        candidates: tuple[Candidate, ...] = (),
    ) -> None:
        """Hold an answer.

        Args:
            match: how the question was understood; ``None``: both halves exactly.
            entity: the entity as stored.
            key: its scoped canonical key.
            stored: the facts found, in stored order.
            owned: the same, each with its entity: where an inverse relation was asked for, facts
                of other entities are among them.
            identify: gives a fact's id.
        """
        self.status = status
        self._match = match
        self.revision = revision
        self.elapsed_ns = elapsed_ns
        self.candidates = candidates
        self.namespace = namespace
        self._values: tuple[str, ...] | None = None
        if owned is not None:
            self._values = tuple([one.value for one in owned])
        self._entity = entity
        self._key = key
        self._stored = stored
        self._owned = owned
        self._identify = identify
        self._facts: tuple[Fact, ...] | None = None
        self._fact_ids: tuple[str, ...] | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """Every value, in stored order."""
        if self._values is None:
            stored = self._stored
            known: tuple[str, ...] | None = getattr(stored, "values", None)
            self._values = tuple([fact[2] for fact in stored]) if known is None else known
        return self._values

    @property
    def value(self) -> str | None:
        """The first value, or ``None``."""
        if self._values is None and not hasattr(self._stored, "values"):
            return self._stored[0].value if self._stored else None
        return self.values[0] if self.values else None

    def owner(self, number: int) -> EntityFact | None:
        """Return one of the values with the stored fact and its entity, as `answer` counts."""
        try:
            if self._owned is not None:
                return self._owned[number]
            fact = self._stored[number]
            return EntityFact(self._entity, self._key, fact, fact.value)
        except IndexError:
            return None

    def answer(self, number: int) -> Answer | None:
        """Return one of the values, the first is number 0; ``None`` behind the last one."""
        one = self.owner(number)
        if one is None:
            return None
        identify = self._identify
        return Answer(one.value, identify(one.key, one.fact) if identify else None, one.fact.source)

    def stated(self, number: int) -> tuple[EntityFact, str | None] | None:
        """Return the same as `owner`, and the id of the fact."""
        one = self.owner(number)
        if one is None:
            return None
        return one, self._identify(one.key, one.fact) if self._identify else None

    @property
    def names(self) -> tuple[str | None, str | None]:
        """The stored names of entity and relation that were taken, as `match` has them."""
        if self._match is not None:
            return self._match.entity.matched, self._match.relation.matched
        if self._owned is not None:
            return self._entity, self._owned[0].fact.relation if self._owned else None
        return self._entity, self._stored[0].relation if self._stored else None

    @property
    def match(self) -> Match:
        """How the question was understood."""
        if self._match is None:
            entity, relation = self.names
            self._match = Match(MatchPart("exact", 1.0, entity), MatchPart("exact", 1.0, relation))
        return self._match

    @property
    def sources(self) -> tuple[str | None, ...]:
        """Where each value came from: the first source of each fact."""
        return tuple([one.fact.source for one in self._owners()])

    @property
    def fact_ids(self) -> tuple[str, ...]:
        """The id of the fact behind each value."""
        if self._fact_ids is None:
            identify = self._identify
            self._fact_ids = (
                tuple([identify(one.key, one.fact) for one in self._owners()]) if identify else ()
            )
        return self._fact_ids

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts behind the values, as stored: of an inverse relation, the other entity's."""
        if self._facts is None:
            ids = self.fact_ids or (None,) * len(self.values)
            self._facts = tuple(
                [
                    as_fact(one.name, one.fact, fact_id, self.namespace)
                    for one, fact_id in zip(self._owners(), ids, strict=True)
                ]
            )
        return self._facts

    def _owners(self) -> Sequence[EntityFact]:
        if self._owned is None:
            self._owned = [
                EntityFact(self._entity, self._key, fact, fact.value) for fact in self._stored
            ]
        return self._owned

    def __repr__(self) -> str:
        return f"LookupResult({self.status.value}, values={self.values!r}, match={self.match!r})"


class EntityView:
    """What a store holds of one entity."""

    __slots__ = ("_values", "key", "match", "name", "namespace", "relations")

    def __init__(
        self,
        name: str,
        key: str,
        match: MatchPart,
        stored: Sequence[StoredFact],
        namespace: Namespace = (),
        turned: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Hold the facts of an entity.

        Args:
            name: as stored.
            key: its canonical key, without the namespace.
            match: how the asked name was understood.
            turned: what facts of other entities answer about it: relation keys and values.
        """
        values: dict[str, list[str]] = {}
        for fact in stored:
            values.setdefault(fact.key, []).append(fact.value)
        for relation, value in turned:
            _add_turned(values, relation, value)
        self.name = name
        self.key = key
        self.namespace = namespace
        self.match = match
        self._values = values
        self.relations: tuple[str, ...] = tuple(values)
        """Canonical keys of the relations that the entity holds, in stored order."""

    @classmethod
    def of_values(
        cls,
        name: str,
        key: str,
        match: MatchPart,
        values: Mapping[str, Sequence[str]],
        namespace: Namespace = (),
    ) -> EntityView:
        """Return a view of values by the keys of their relations."""
        view = cls(name, key, match, (), namespace)
        view._values = {relation: list(known) for relation, known in values.items()}
        view.relations = tuple(view._values)
        return view

    def values(self, relation_key: str) -> tuple[str, ...]:
        """Return the values of one of its relations, in stored order; empty for any other."""
        return tuple(self._values.get(relation_key, ()))

    def __repr__(self) -> str:
        return f"EntityView({self.name!r}, relations={self.relations!r})"


def _add_turned(values: dict[str, list[str]], relation: str, value: str) -> None:
    """Add a value of an inverse relation, unless the entity itself has it, under its own name."""
    own = next((one for one in values if same_relation(one, relation)), relation)
    given = values.setdefault(own, [])
    if all(canonical_key(one) != canonical_key(value) for one in given):
        given.append(value)


def as_fact(
    entity: str,
    stored: StoredFact,
    fact_id: str | None,
    namespace: Namespace = (),
    retracted: int | None = None,
) -> Fact:
    """Return a fact of a store as users read it; it was checked when it was written."""
    return Fact.model_construct(
        entity=entity,
        relation=stored.relation,
        value=value_of(stored.code, stored.value) if stored.code else stored.value,
        surface=stored.value,
        sources=stored.sources,
        confidence=stored.confidence,
        valid_from=from_us(stored.valid_from),
        valid_to=from_us(stored.valid_to),
        namespace=namespace,
        id=fact_id,
        revision=stored.revision,
        retracted=retracted,
    )
