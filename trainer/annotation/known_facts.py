"""Known facts by entity, and where a text names their entities."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lamlam.trainer.annotation.folding import folded_key
from lamlam.trainer.annotation.value_forms import value_forms
from lamlam.trainer.entity_names import bare_title

# What does not begin with a small letter of ASCII: names seldom do.
_WORD = re.compile(r"\b[^\W_a-z][^\W_]*")
_FIRST_WORD = re.compile(r"[^\W_]+")
_BEHIND = 4
"""Characters behind a name's first word that its key has."""
_MANY = 48
"""Values of one entity from which on they are looked for by their first words."""
_MOST_KEPT = 1000
# Names that are words of every text; a film of that name is not meant.
_COMMON = frozenset(
    "a after all an and as at back because before big but by during each each every first five for"
    " four from go good he her here his home how however i if in is it its just last later life"
    " like love man many may me most mother my new nine no none not now off on once one only or"
    " other our out over second seven she since six so some such ten that the their them then"
    " there these they third this those three to today together two under until up us war was we"
    " what when where which while who why with woman world you your yes".split()
)


@dataclass(frozen=True, slots=True)
class KnownFact:
    """One fact of an entity, as its store or file has it."""

    relation: str
    value: str


@dataclass(frozen=True, slots=True)
class NameMention:
    """A place of a text where an entity is named."""

    start: int
    end: int
    entity: str


class KnownFacts:
    """Facts by entity; entities by the names that texts call them.

    A name without qualifier that several entities have ("Juice", an album and a film) names none
    of them, unless it is the title of the text.
    """

    def __init__(
        self,
        facts: Iterable[tuple[str, str, str]],
        aliases: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Take facts in.

        Args:
            facts: entity, relation and value.
            aliases: entity and another name of it.
        """
        self._facts: dict[str, list[KnownFact]] = defaultdict(list)
        relations: dict[str, str] = {}
        for entity, relation, value in facts:
            if value.strip() and entity.strip():
                relation = relations.setdefault(relation, relation)
                self._facts[entity].append(KnownFact(relation, value))
        self._entities_of: dict[str, list[str]] = defaultdict(list)
        for entity in self._facts:
            for name in {folded_key(entity), folded_key(bare_title(entity))}:
                self._entities_of[name].append(entity)
        for entity, alias in aliases:
            if entity in self._facts and entity not in self._entities_of[folded_key(alias)]:
                self._entities_of[folded_key(alias)].append(entity)
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._by_word: dict[str, dict[str, list[tuple[KnownFact, str]]]] = {}
        self._index_names()

    def _index_names(self) -> None:
        lengths: dict[str, set[int]] = defaultdict(set)
        for name, entities in self._entities_of.items():
            first = _FIRST_WORD.match(name)
            is_one = len(entities) == 1
            if first is None or not is_one or len(name) < 3 or name in _COMMON or name.isdecimal():
                continue
            if first.end() < len(name):
                lengths[name[: first.end() + _BEHIND]].add(len(name))
            else:
                lengths[name].add(len(name))
        self._lengths = {key: tuple(sorted(found, reverse=True)) for key, found in lengths.items()}

    def __len__(self) -> int:
        return sum(map(len, self._facts.values()))

    @property
    def entities(self) -> Sequence[str]:
        """All entities."""
        return list(self._facts)

    def of(self, entity: str) -> Sequence[KnownFact]:
        """Return the facts of an entity, by its name as stored."""
        return self._facts.get(entity, ())

    def entity_titled(self, title: str) -> str | None:
        """Return the entity that a document's title names: as it stands, or the only one."""
        if title in self._facts:
            return title
        found = self._entities_of.get(folded_key(title)) or ()
        if len(found) != 1:
            found = [one for one in found if folded_key(one) == folded_key(title)]
        if not found and bare_title(title) == title:
            return None
        return found[0] if len(found) == 1 else None

    def mentions(self, text: str, folded_text: str) -> Iterator[NameMention]:
        """Yield where the text names entities: the longest name at each place, none in another."""
        lengths, entities_of = self._lengths, self._entities_of
        end = 0
        for match in _WORD.finditer(text):
            start = match.start()
            if start < end:
                continue
            word_end = match.end()
            found = lengths.get(folded_text[start : word_end + _BEHIND])
            for length in found or ():
                name = folded_text[start : start + length]
                entities = entities_of.get(name)
                if entities is not None and not _goes_on(text, start + length):
                    end = start + length
                    yield NameMention(start, end, entities[0])
                    break
            else:
                word = folded_text[start:word_end]
                if word in lengths and not _goes_on(text, word_end):
                    end = word_end
                    yield NameMention(start, end, entities_of[word][0])

    def values_in(self, entity: str, folded_text: str) -> Iterator[tuple[KnownFact, str]]:
        """Yield the facts of an entity of which a form of the value may be in the text.

        The form is folded; whether it is there as whole words is for the caller to see.
        """
        facts = self._facts.get(entity, ())
        if len(facts) > _MANY:
            yield from self._values_of_many(entity, facts, folded_text)
            return
        for fact in facts:
            for form in value_forms(fact.value):
                if form in folded_text:
                    yield fact, form

    def _values_of_many(
        self, entity: str, facts: Sequence[KnownFact], folded_text: str
    ) -> Iterator[tuple[KnownFact, str]]:
        by_word = self._by_word.get(entity)
        if by_word is None:
            by_word = defaultdict(list)
            for fact in facts:
                for form in value_forms(fact.value):
                    word = _FIRST_WORD.search(form)
                    by_word[word.group() if word else form].append((fact, form))
            if len(self._by_word) >= _MOST_KEPT:
                self._by_word.clear()
            self._by_word[entity] = by_word
        for word in dict.fromkeys(_FIRST_WORD.findall(folded_text)):
            for fact, form in by_word.get(word, ()):
                if form in folded_text:
                    yield fact, form


def _goes_on(text: str, end: int) -> bool:
    return text[end : end + 1].isalnum()
