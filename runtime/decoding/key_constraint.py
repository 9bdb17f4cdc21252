"""Constrained decoding of keys: the keys that memory can answer, as paths of tokens.

The model copies names from the text and chooses among the relations that the entity has. By
default this is a preference: a model that assigns another key a high probability writes that
key, and the lookup is a miss. A strict constraint masks all other keys.

Only for stores that answer at once (`describe_nowait`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from lamlam.memory_backends.model.name_spellings import spellings
from lamlam.memory_backends.model.text_names import KnownName
from lamlam.memory_backends.model.words import words_of
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.entity_names import EntityNames
from lamlam.runtime.decoding.lookup_answers import GivenOut
from lamlam.runtime.decoding.trie import (
    MAX_ENTITY_TOKENS,
    MAX_RELATION_TOKENS,
    KeyTrie,
    Paths,
    either,
)
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.wording.general_names import meant_by_general
from lamlam.runtime.wording.known_names import is_part_of_name
from lamlam.runtime.wording.text_meanings import Describer, TextMeanings
from lamlam.runtime.wording.value_kinds import may_stand_freely

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.model.lookups import EntityView, Lookup
    from lamlam.runtime.wording.word_guide import WordGuide

MAX_NAME_WORDS = 8
_ASKED_AT_ONCE = 2_000
"""Names in one question: a store takes 10,000, and a long prompt may hold more."""
_LAST_WORDS = 48
"""Characters of the text's end by which the kinds of values that can stand there are told."""
VAGUE = ("type", "location", "located in", "part of")
"""Relations that occur in texts of almost every kind: a model that chooses one does not know
yet what it writes about. If the entity has none of them, its other relations say more."""
_WORD = re.compile(r"\S+")


class KeyConstraint:
    """The constraint of one sequence: the known names in its text, and what follows a name."""

    def __init__(
        self,
        store: Describer,
        vocabulary: Vocabulary,
        constraint: Constraint,
        entity_names: EntityNames | None = None,
        as_of: int | None = None,
        word_guide: WordGuide | None = None,
        namespaces: Sequence[Namespace] = ((),),
    ) -> None:
        """Begin with no names.

        Args:
            word_guide: of the same text; without it an ambiguous name is that of nothing.
            entity_names: all names of the store, for strict without ``only_named``.
            as_of: the revision that is asked about; ``None``: the newest.
            namespaces: those whose names a strict constraint allows.
        """
        self._namespaces = namespaces
        self._store, self._as_of = store, as_of
        self._word_guide = word_guide
        self._meanings = word_guide.meanings if word_guide else TextMeanings(store, as_of)
        self._entity_names = (
            entity_names if as_of is None else None
        )  # they are names of the present
        self.is_strict = constraint.strict
        self._vocabulary = vocabulary
        self._constraint = constraint
        self._names: dict[str, tuple[int, ...]] = {}
        self._probed: set[str] = set()
        self._seen_until = 0
        self.holder = ""
        """Key of the entity last asked about."""

    def entities(self, text: str) -> KeyTrie | None:
        """Return paths for the names in the visible text that memory knows."""
        lookup = self._vocabulary.lookup
        if lookup is None:
            return None
        new = [name for name in dict.fromkeys(self._new_names(text)) if name not in self._probed]
        self._probed.update(new)
        for name in self._possible(new) if new else ():
            if (key := self._key(name, text)) is not None:
                tokens = self._vocabulary.tokenize(f" {key}")
                if len(tokens) <= MAX_ENTITY_TOKENS:
                    self._names[name] = tokens
        return KeyTrie.of(self._names.values(), lookup.relationship)

    def _possible(self, names: list[str]) -> list[str]:
        """Return those of the names about which a store that can tell says that it may know them."""
        possible = getattr(self._store, "possible_names_nowait", None)
        if possible is None:
            return names
        found: set[str] = set()
        for begin in range(0, len(names), _ASKED_AT_ONCE):
            found |= possible(names[begin : begin + _ASKED_AT_ONCE], as_of=self._as_of)
        return [name for name in names if name in found]

    def _key(self, name: str, text: str) -> str | None:
        """Return the name under which to ask for what a name in the text means; none if unknown."""
        found = self._meanings.of(name, fuzzy=False)
        if found.view is not None:
            return name
        if not found.homonyms or self._word_guide is None:
            return None
        view = self._word_guide.meant(name, text)
        return view.name if view is not None else None

    def relations(
        self, entity: str, text: str, given: GivenOut
    ) -> tuple[KeyTrie | None, frozenset[int]]:
        """Return paths for what memory holds of the entity and this sequence has not had.

        Also the first tokens of `VAGUE` relations that the entity lacks: not to be chosen.
        """
        lookup = self._vocabulary.lookup
        view = self._meanings.of(entity, fuzzy=True).view
        self.holder = view.key if view is not None else ""
        if lookup is None or view is None:
            return None, frozenset()
        names: dict[str, None] = {}
        asking = _names_asking_for(tuple(view.relations))
        for key in self._able(view, text, given):
            names[key] = None
            # Synonyms such as "type of film" would mislead a model that is about to write the type.
            names.update(
                dict.fromkeys(n for n in asking[key] if n in VAGUE or not n.startswith(VAGUE))
            )
        tokens = self._vocabulary.relation_tokens
        trie = KeyTrie.of(map(tokens, names), lookup.return_)
        if trie is None:
            return None, frozenset()
        vague = {tokens(name)[0] for name in VAGUE if name not in view.relations}
        return trie, frozenset(vague - trie.children.keys())

    def meant(self, lookup: Lookup, text: str, given: GivenOut) -> str | None:
        """Return the relation that a lookup means which memory could not answer, if it is clear.

        Only where the words of the text are read: they name no relation, but the model has named
        the kind of value that is due, as by "location".
        """
        if not self._constraint.by_words or self.is_strict or self._word_guide is None:
            return None
        view = self._meanings.of(lookup.entity, fuzzy=True).view
        if view is None:
            return None
        last_word = next(reversed(text[-_LAST_WORDS:].casefold().split()), "")
        return meant_by_general(lookup.relation, list(self._able(view, text, given)), last_word)

    def _able(self, view: EntityView, text: str, given: GivenOut) -> Iterator[str]:
        """Yield the relations of an entity that have a value which can be written here."""
        had = given.values.get(view.key, set())
        before = [word.norm for word in words_of(text[-_LAST_WORDS:])]
        for key in view.relations:
            values = view.values(key)
            if self._constraint.by_words and not any(may_stand_freely(v, before) for v in values):
                continue
            if all(value in had for value in values):
                continue
            if self._constraint.skip_stated and all(_occurs_in(value, text) for value in values):
                continue
            yield key

    def among(self, relations: Iterable[str]) -> KeyTrie | None:
        """Return paths for some relations of an entity, by all names that ask for each."""
        lookup = self._vocabulary.lookup
        keys = tuple(relations)
        if lookup is None:
            return None
        asking = _names_asking_for(keys)
        names = dict.fromkeys(name for key in keys for name in (key, *asking[key]))
        paths = map(self._vocabulary.relation_tokens, names)
        return KeyTrie.of((p for p in paths if len(p) <= MAX_RELATION_TOKENS), lookup.return_)

    def all_entities(self, named: KeyTrie | None) -> Paths | None:
        """Return every path that a strict constraint leaves to an entity.

        Args:
            named: the names in the text that memory knows.
        """
        if self._entity_names is None:
            return named
        paths: Paths | None = named
        for trie in self._entity_names.tries(self._vocabulary, self._namespaces):
            paths = either(paths, trie.root)
        return paths

    def all_relations(self, entity: str) -> KeyTrie | None:
        """Return every path that a strict constraint leaves to a relation of the entity."""
        lookup = self._vocabulary.lookup
        view = self._meanings.of(entity, fuzzy=False).view
        if lookup is None or view is None:
            return None
        asking = _names_asking_for(tuple(view.relations))
        names = {name for key in view.relations for name in (key, *asking[key])}
        paths = map(self._vocabulary.relation_tokens, names)
        return KeyTrie.of((p for p in paths if len(p) <= MAX_RELATION_TOKENS), lookup.return_)

    def _new_names(self, text: str) -> list[str]:
        """Return candidate names that end in text not seen before."""
        words = [(word.start(), word.end()) for word in _WORD.finditer(text)]
        # The last word may still grow, so it is looked at again.
        first_new = next((n for n, (_, end) in enumerate(words) if end >= self._seen_until), 0)
        self._seen_until = len(text)
        names: list[str] = []
        for first in range(max(0, first_new - MAX_NAME_WORDS + 1), len(words)):
            start, first_end = words[first]
            if not (first == 0 or _may_begin_name(text, start, first_end)):
                continue
            for last in range(max(first, first_new), min(first + MAX_NAME_WORDS, len(words))):
                for begin, end in spellings(text, start, first_end, words[last][1]):
                    one = KnownName(text[begin:end], begin, end)
                    if not is_part_of_name(text, one):
                        names.append(one.name)
        return names


def _may_begin_name(text: str, start: int, end: int) -> bool:
    return any(letter.isupper() or letter.isdigit() for letter in text[start:end])


def _occurs_in(value: str, text: str) -> bool:
    at = text.find(value)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(value) : at + len(value) + 1]
        if not (before.isalnum() or after.isalnum()):
            return True
        at = text.find(value, at + 1)
    return False


@lru_cache(maxsize=4096)
def _names_asking_for(held: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    from lamlam.memory_backends.model.synonyms import names_asking_for

    return names_asking_for(held)
