"""What still mentions an erased name: values, sources and names of others, actors, rules.

An erasure removes what a store knows of an entity. What it knows of others stays, and the receipt
lists where that says the name: whether it may is for people to decide.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from lamlam.memory_backends.model.entity_reader import EntityHistory
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import Identify, StoredFact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.operations import MOST_MENTIONS, Mention, MentionPlace
from lamlam.memory_backends.model.relation_rules import RelationRule

_MOST_SHOWN = 200
"""Characters of a value in a receipt."""
_PLAIN_RUN = re.compile(r"[0-9a-z]+")
_SHORTEST_RUN = 3
_MOST_RUNS = 8
_MOST_NAMES = 64


class Mentions:
    """Finds erased names in what is left, as whole words, whatever their case and spacing."""

    def __init__(self, keys: Iterable[str], identify: Identify) -> None:
        """Begin with nothing found.

        Args:
            keys: scoped keys of what was erased: the names alone are looked for, since what is
                in another namespace may mean the same person.
            identify: gives the ids of facts.
        """
        parts = [split(key) for key in keys]
        self.names: Collection[str] = {name for _, name in parts} - {""}
        self._own = {space for space, _ in parts}
        self._lengths = sorted({len(name) for name in self.names})
        self.total = 0
        self._identify = identify
        self._own_found: list[tuple[int, Mention]] = []
        self._others_found: list[tuple[int, Mention]] = []
        self._counts: Counter[Namespace] = Counter()
        self._seen: set[tuple[str, str]] = set()

    @property
    def found(self) -> tuple[Mention, ...]:
        """The first of them; where there are many, first those of the namespace of the erasure."""
        listed = [*self._own_found, *self._others_found][:MOST_MENTIONS]
        return tuple([mention for _, mention in sorted(listed, key=lambda pair: pair[0])])

    @property
    def unlisted(self) -> tuple[tuple[Namespace, int], ...]:
        """How many each namespace has beside those in `found`; who made commits is in none."""
        listed = Counter(one.namespace for one in self.found if one.where != "actor")
        left = {space: n - listed[space] for space, n in self._counts.items()}
        return tuple(sorted((space, n) for space, n in left.items() if n))

    @property
    def runs(self) -> list[list[str]] | None:
        """For each name, letters and digits that every text which mentions it has, in some case.

        ``None``: of some name there are none to speak of, or there are very many names, so every
        text has to be looked at.
        """
        if len(self.names) > _MOST_NAMES:  # to look for each in every text takes longer
            return None
        runs = [_PLAIN_RUN.findall(name)[:_MOST_RUNS] for name in self.names]
        is_enough = all(max(map(len, some), default=0) >= _SHORTEST_RUN for some in runs)
        return runs if is_enough else None

    @property
    def words(self) -> frozenset[str] | None:
        """One word of each name, such that every plain text which mentions a name has one of them.

        A plain text is of visible ASCII characters, its words are runs of letters and digits, in
        lower case. ``None``: a name has no such word, so every text has to be looked at.
        """
        runs = [_PLAIN_RUN.findall(name) for name in self.names if name.isascii()]
        if not all(runs):
            return None
        # The word that the fewest names have tells most.
        counts = Counter(run for some in runs for run in set(some))
        return frozenset(min(some, key=lambda run: (counts[run], -len(run))) for some in runs)

    def is_name(self, text: str) -> bool:
        """Return whether a text is one of the names, and no more."""
        return canonical_key(text) in self.names

    def are_in(self, text: str) -> bool:
        """Return whether a text mentions one of the names."""
        key = canonical_key(text)
        if len(self.names) <= len(self._lengths):
            return any(_stands_in(name, key) for name in self.names)
        return _any_stands_in(self.names, self._lengths, key)

    def add_entity(self, key: str, history: EntityHistory) -> None:
        """Check the name of an entity and at every version of its facts."""
        if not self.names:
            return
        namespace, plain = split(key)
        name = history.name or plain
        if ("entity", key) not in self._seen and self.are_in(name):
            self._seen.add(("entity", key))
            self._add(Mention("entity", name, namespace=namespace))
        for fact in history.now:
            self._add_fact(key, name, fact, None, namespace)
        for fact, retracted in history.past:
            self._add_fact(key, name, fact, retracted, namespace)

    def add_alias(self, alias: str, holder: str, namespace: Namespace) -> None:
        """Check an alias (a canonical key) of an entity."""
        if self.are_in(alias):
            self._add(Mention("alias", holder, value=alias, namespace=namespace))

    def add_actor(self, actor: str, revision: int) -> None:
        """Check who made a commit; each of them counts once, with the first that is added."""
        if ("actor", actor) not in self._seen and self.are_in(actor):
            self._seen.add(("actor", actor))
            self._add(Mention("actor", value=actor[:_MOST_SHOWN], revision=revision))

    def add_rules(self, rules: Iterable[RelationRule]) -> None:
        """Check the names of relations that have rules."""
        for rule in rules:
            if any(self.are_in(name) for name in (rule.name, rule.inverse or "")):
                self._add(Mention("rule", relation=rule.name))

    def _add_fact(
        self, key: str, name: str, fact: StoredFact, retracted: int | None, namespace: Namespace
    ) -> None:
        where = next((place for place, text in _texts(fact) if self.are_in(text)), None)
        if where is None:
            return
        ident = self._identify(key, fact)
        if (ident, where) in self._seen:  # an earlier version of it
            return
        self._seen.add((ident, where))
        value = fact.value if len(fact.value) <= _MOST_SHOWN else f"{fact.value[:_MOST_SHOWN]}…"
        self._add(Mention(where, name, fact.relation, value, ident, namespace, retracted=retracted))

    def _add(self, mention: Mention) -> None:
        self.total += 1
        if mention.where != "actor":
            self._counts[mention.namespace] += 1
        found = self._own_found if mention.namespace in self._own else self._others_found
        if len(found) < MOST_MENTIONS:
            found.append((self.total, mention))


def _texts(fact: StoredFact) -> Iterator[tuple[MentionPlace, str]]:
    yield "value", fact.value
    if fact.code:
        yield "value", fact.code[2:]
    yield "relation", fact.relation
    for source in fact.sources:
        yield "source", source


def _stands_in(name: str, key: str) -> bool:
    """Return whether a canonical key has the name in it, as whole words."""
    at = key.find(name)
    while at >= 0:
        end = at + len(name)
        if not (_goes_on(key[at - 1 : at], name[0]) or _goes_on(key[end : end + 1], name[-1])):
            return True
        at = key.find(name, at + 1)
    return False


def _any_stands_in(names: Collection[str], lengths: Sequence[int], key: str) -> bool:
    """Return whether any of many names stands in a canonical key, as whole words.

    Args:
        lengths: of the names, in order; the time grows with their number, not with that of names.
    """
    for at in range(len(key)):
        if _goes_on(key[at - 1 : at], key[at]):
            continue
        for length in lengths:
            end = at + length
            if end > len(key):
                break
            if key[at:end] in names and not _goes_on(key[end : end + 1], key[end - 1]):
                return True
    return False


def _goes_on(beside: str, edge: str) -> bool:
    """Return whether two characters belong to one word; scripts without case have no spaces."""
    return (
        edge.isalnum()
        and beside.isalnum()
        and (beside.isdigit() or beside.upper() != beside.lower())
    )
