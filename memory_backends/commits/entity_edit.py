"""Edit the facts of one entity by operations: pure, and the same for every backend."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lamlam.errors import BadFact, Conflict, TooManyValues
from lamlam.memory_backends.model.facts import MAX_SOURCES, Fact
from lamlam.memory_backends.model.keys import relation_key
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.operations import Retract
from lamlam.memory_backends.model.relation_rules import RelationRule, RelationRules
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.model.timestamps import overlap, to_us
from lamlam.memory_backends.model.values import (
    MAX_NAME_CHARACTERS,
    Value,
    ValueType,
    code_of,
    parse_value,
    text_fault,
)

Identity = tuple[str, str, str, int | None]
_FOREVER = 2**63
"""Later than any moment that a period can end at."""


class EntityEdit:
    """The facts of one entity while operations are done to them, and what that changed."""

    __slots__ = (
        "_displaced", "_next_seq", "before", "changed", "ended", "facts", "key", "name", "revision",
    )  # fmt: skip

    def __init__(
        self, key: str, name: str | None, before: Collection[StoredFact], revision: int
    ) -> None:
        """Begin with what the store holds.

        Args:
            key: scoped canonical key of the entity.
            name: as stored; ``None`` where the store does not know it.
            before: its facts, in the order of their ``seq``.
            revision: the one that the changes will have.
        """
        self.key = key
        self.name = name
        self.before = tuple(before)
        self.revision = revision
        self.facts: dict[Identity, StoredFact] = {fact.identity: fact for fact in before}
        """What holds afterwards, in the order of ``seq``."""
        self.ended: list[StoredFact] = []
        """Versions that held before and no longer do."""
        self.changed = 0
        self._displaced: dict[Identity, None] = {}
        self._next_seq = max((fact.seq for fact in before), default=-1) + 1

    @property
    def after(self) -> list[StoredFact]:
        """What holds afterwards, in stored order."""
        return list(self.facts.values())

    @property
    def displaced(self) -> list[StoredFact]:
        """Facts from before that an operation ended or cut short, as they were."""
        if not self._displaced:
            return []
        return [
            fact
            for fact in self.before
            if fact.identity in self._displaced
            and ((now := self.facts.get(fact.identity)) is None or now.valid_to != fact.valid_to)
        ]

    @property
    def started(self) -> list[StoredFact]:
        """Versions that hold afterwards and did not before."""
        return [fact for fact in self.facts.values() if fact.revision == self.revision]

    def assert_(self, fact: StoredFact, rule: RelationRule | None) -> None:
        """Add a fact beside the others.

        Raises:
            TooManyValues: the relation takes one value at a time and would have two.
            BadFact: the fact would have more sources than are kept.
        """
        if rule is not None and rule.cardinality == "one":
            self._check_single(fact)
        identity = fact.identity
        old = self.facts.get(identity)
        if old is not None or len(fact.sources) > 1:
            held = old.sources if old is not None else ()
            joined = tuple(dict.fromkeys((*held, *fact.sources)))
            if len(joined) > MAX_SOURCES:
                raise BadFact(
                    f"the fact would have {len(joined)} sources, at most {MAX_SOURCES} are kept"
                )
            fact = fact._replace(sources=joined)
        self._put(fact, identity)

    def replace(self, fact: StoredFact, expected: Collection[str] | None) -> None:
        """Make a fact the only value of its relation in its period.

        Raises:
            Conflict: the relation has other values than expected.
        """
        covered = covered_keys(self.facts.values(), fact.relation)
        held = [old for old in self.facts.values() if old.key in covered]
        values = sorted(old.value for old in held)
        if expected is not None and values != sorted(expected):
            raise Conflict(
                f"{fact.relation!r} has {len(values)} other value(s) than expected",
                hint="read again and repeat the change",
            )
        # The same statement stays one fact, under the name that it already has.
        same = [
            old for old in held if old.content == fact.content and old.valid_from == fact.valid_from
        ]
        kept = next((old for old in same if old.key == fact.key), same[0] if same else None)
        for old in held:
            if old is not kept and overlap(
                old.valid_from, old.valid_to, fact.valid_from, fact.valid_to
            ):
                self._cut(old, fact.valid_from, fact.valid_to)
        if kept is not None:
            fact = fact._replace(
                relation=kept.relation,
                key=kept.key,
                valid_to=_later(kept.valid_to, fact.valid_to),
                sources=fact.sources or kept.sources,
            )
        self._put(fact)

    def retract(self, op: Retract) -> None:
        """End the facts that the operation names."""
        if op.exact:
            key, begin = relation_key(op.relation), to_us(op.valid_from)
            ending = [
                old for old in self.facts.values() if old.key == key and old.valid_from == begin
            ]
        else:
            covered = covered_keys(self.facts.values(), op.relation)
            ending = [old for old in self.facts.values() if old.key in covered]
        ended_by = to_us(op.expired_at)
        for old in ending:
            if ended_by is not None and (old.valid_to is None or old.valid_to > ended_by):
                continue
            if op.value is None or is_value(old, op.value):
                self._displaced[old.identity] = None
                self.end(old)

    def end(self, fact: StoredFact) -> None:
        """End a fact."""
        del self.facts[fact.identity]
        self._remember(fact)
        self.changed += 1

    def end_all(self) -> list[tuple[Identity, StoredFact]]:
        """End every fact; return them with what makes each the same fact."""
        ended = list(self.facts.items())
        for _, fact in ended:
            self._remember(fact)
        self.changed += len(ended)
        self.facts.clear()
        return ended

    def take(self, fact: StoredFact, identity: Identity | None = None) -> None:
        """Add a fact of another entity, unless this one has it already.

        Args:
            identity: of the fact, where it is at hand.
        """
        if identity is None:
            identity = fact.identity
        if identity not in self.facts:
            self._put(fact, identity)

    # ----------------------------------------------------------------------------------------------

    def _put(self, fact: StoredFact, identity: Identity | None = None) -> None:
        """Put a fact in this form; end the version of it that held before."""
        if identity is None:
            identity = fact.identity
        old = self.facts.get(identity)
        if old is None:
            self.facts[identity] = fact.placed(self.revision, self._next_seq)
            self._next_seq += 1
        else:
            new = fact._replace(relation=old.relation, revision=old.revision, seq=old.seq)
            if new == old:
                return
            self.facts[identity] = new.placed(self.revision, old.seq)
            self._remember(old)
        self.changed += 1

    def _remember(self, version: StoredFact) -> None:
        # What began and ended in one commit was never to be seen.
        if version.revision != self.revision:
            self.ended.append(version)

    def _cut(self, old: StoredFact, begin: int | None, end: int | None) -> None:
        """End a fact from begin to end; leave what it says of before and after."""
        self._displaced[old.identity] = None
        is_longer = end is not None and (old.valid_to is None or end < old.valid_to)
        if begin is not None and (old.valid_from is None or old.valid_from < begin):
            self._put(old._replace(valid_to=begin))
        else:
            self.end(old)
        if is_longer:
            rest = old._replace(valid_from=end)
            other = self.facts.get(rest.identity)
            if other is not None:  # it says so itself, and now for longer
                sources = tuple(dict.fromkeys((*other.sources, *rest.sources)))[:MAX_SOURCES]
                until = _later(other.valid_to, rest.valid_to)
                rest = other._replace(valid_to=until, sources=sources)
            self._put(rest)

    def _check_single(self, fact: StoredFact) -> None:
        held = self.facts.get(fact.identity)
        if held is not None and held.valid_to == fact.valid_to:
            return  # it says again what holds, beside what a merge or an older rule left there
        for old in self.facts.values():
            if (
                old.content != fact.content
                and same_relation(old.key, fact.key)
                and overlap(old.valid_from, old.valid_to, fact.valid_from, fact.valid_to)
            ):
                raise TooManyValues(
                    f"{fact.relation!r} has one value at a time, and this entity has one already",
                    hint="Replace it, or give both values a period",
                )


def stored_form(fact: Fact, rule: RelationRule | None) -> StoredFact:
    """Return a fact as stores keep it; revision and ``seq`` are given when it is put down.

    Raises:
        BadFact: the relation takes values of another type.
    """
    value: Value = fact.value
    if rule is not None and rule.value_type is not None and fact.type is not rule.value_type:
        if fact.type is not ValueType.TEXT:
            raise BadFact(
                f"{fact.relation!r} takes values of the type {rule.value_type.value},"
                f" not {fact.type.value}"
            )
        assert isinstance(value, str)  # of that type
        value = parse_value(rule.value_type, value)
    return StoredFact(
        fact.relation,
        relation_key(fact.relation),
        fact.surface,
        fact.sources,
        0,
        fact.confidence,
        code_of(value) if not isinstance(value, str) else _text_code(value, fact.surface),
        to_us(fact.valid_from),
        to_us(fact.valid_to),
    )


def ruled_form(fact: Fact, rules: RelationRules) -> StoredFact:
    """Return a fact as a store with rules keeps it: the inverse of a relation names entities too.

    Raises:
        BadFact: the relation takes values of another type.
    """
    key = relation_key(fact.relation)
    rule, value = rules.of(key), fact.value
    if isinstance(value, str) and (rule is None or rule.value_type is None):
        if rules.is_inverse(key) and text_fault(value, MAX_NAME_CHARACTERS) is None:
            rule = RelationRule(fact.relation, value_type=ValueType.ENTITY)
    return stored_form(fact, rule)


def is_value(fact: StoredFact, value: Value) -> bool:
    """Return whether the fact has this value; a text also names a typed value by its surface."""
    if isinstance(value, str):
        return fact.value == value or fact.code == _text_code(value, fact.value)
    return fact.code == code_of(value)


def covered_keys(facts: Iterable[StoredFact], relation: str | None) -> frozenset[str]:
    """Return the keys that a change of a relation covers: all that answer to its name."""
    wanted = relation_key(relation) if relation is not None else None
    return frozenset(
        fact.key for fact in facts if wanted is None or same_relation(fact.key, wanted)
    )


def _text_code(value: str, surface: str) -> str:
    """Return the code of a text: empty where its surface says it all."""
    return "" if value == surface else f"s:{value}"


def _later(a: int | None, b: int | None) -> int | None:
    later = max(_FOREVER if a is None else a, _FOREVER if b is None else b)
    return None if later == _FOREVER else later
