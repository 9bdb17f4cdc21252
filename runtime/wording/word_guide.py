"""Finds the entities that a text names in memory, and reads what its end asks about them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Protocol

from lamlam.memory_backends.model.lookups import NO_MATCH, EntityView
from lamlam.memory_backends.model.name_spellings import AFTER
from lamlam.memory_backends.model.text_names import KnownName
from lamlam.memory_backends.resolution.known_words import is_common_word
from lamlam.runtime.wording.known_names import known_names, strange_names
from lamlam.runtime.wording.prompt_form import Sentence, last_sentence
from lamlam.runtime.wording.prompt_reader import Asked, NamedEntity, read_prompt
from lamlam.runtime.wording.text_meanings import Describer, TextMeanings

_FEW_WORDS = 16
"""Of a sentence that is not running text."""
_MOST_MISSPELT = 3
"""Names of a sentence that are looked for under other spellings."""
_MOST_DESCRIBED = 12
"""Names of which the facts are read, beside the first: those that stand last."""
_MOST_HOMONYMS = 6
"""Entities of one name of which each is read against the text."""
_SHORTEST_TELLING = 3
"""Letters of a value that stand in a text by chance no more."""
_ALIKE = 1 / 3
"""Share of the relations of the smaller of two entities above which they may be of one kind."""
_WORD = re.compile(r"\w+")


class NameSource(Describer, Protocol):
    """The part of a store that the words of a text are compared with."""

    def known_names_nowait(
        self, names: Sequence[str], *, as_of: int | None = None, loosely: bool = False
    ) -> frozenset[str]:
        """Return those of the names that the store knows."""
        ...

    def homonyms_nowait(
        self, name: str, *, fuzzy: bool = True, as_of: int | None = None
    ) -> tuple[EntityView, ...]:
        """Return the entities that an ambiguous name may mean."""
        ...


class WordGuide:
    """Reads the texts of one sequence against a store that answers at once."""

    def __init__(self, store: NameSource, as_of: int | None = None) -> None:
        self._store = store
        self._as_of = as_of
        self.meanings = TextMeanings(store, as_of)
        self._loosely: dict[str, bool] = {}
        self._exactly: dict[str, bool] = {}

    def read(self, text: str) -> Asked | None:
        """Return what the end of a text asks for; ``None`` where no sentence is under way."""
        rough = last_sentence(text, ())
        if rough is None:
            return None
        is_running = rough.form == "open" and len(rough.words) > _FEW_WORDS
        named = self._named(text, rough, is_running=is_running)
        return read_prompt(text, named)

    def name_places(self, text: str) -> list[tuple[int, int]]:
        """Return where a text has names that memory knows."""
        found = known_names(text, self._probe, 0, self._probe_exactly)
        return [(one.start, one.end) for one in found]

    def knows_name(self, *texts: str) -> bool:
        """Return whether one of the texts has a name that memory knows, more than a common word."""
        return any(
            not is_common_word(text[start:end].strip(AFTER).casefold())
            for text in texts
            for start, end in self.name_places(text)
        )

    def meant(self, name: str, text: str) -> EntityView | None:
        """Return the entity that an ambiguous name means in a text; ``None`` if it is not clear."""
        return meant_by(text, self.meanings.of(name, fuzzy=False).homonyms)

    def _named(self, text: str, rough: Sentence, *, is_running: bool) -> list[NamedEntity]:
        """Return the entities of the last sentence, else of the text before it.

        Args:
            rough: the sentence, which may begin inside a name.
            is_running: it is a long one of running text, so it may speak of what was named before.
        """
        start, is_open = rough.start, rough.form == "open"
        found = self._entities(known_names(text, self._probe, start, self._probe_exactly), text)
        if found:
            return found
        strange = strange_names(text, start)
        for run in strange[-_MOST_MISSPELT:]:
            view = self._view(run.name, text, fuzzy=True)
            if view is not None:
                found.append(NamedEntity(run, view))
        if found:
            return found
        if start > 0:
            found = self._entities(known_names(text, self._probe, 0, self._probe_exactly), text)
        if strange and not is_running and not (is_open and found):
            # What memory lacks is asked by its name, rather than by another word of the text.
            return [NamedEntity(one, _unknown(one.name)) for one in strange[-_MOST_MISSPELT:]]
        return found

    def _entities(self, names: Sequence[KnownName], text: str) -> list[NamedEntity]:
        views: dict[str, EntityView | None] = {}
        found = []
        for one in [*names[:1], *names[1:][-_MOST_DESCRIBED:]]:
            if one.name not in views:
                views[one.name] = self._view(one.name, text, fuzzy=False) or self._asked(one, text)
            view = views[one.name]
            if view is not None:
                found.append(NamedEntity(one, view))
        # "American" is hardly The American (2010 film) where the text has another name.
        return [one for one in found if _is_surely_meant(one)] or found

    def _asked(self, one: KnownName, text: str) -> EntityView | None:
        """Return the only entity of a name that holds what the text asks for.

        Where the others are things of another kind: of two people the one whose birth date is not
        known may be meant all the same, but an element has the boiling point and no planet.
        """
        homonyms = self.meanings.of(one.name, fuzzy=False).homonyms
        if not 1 < len(homonyms) <= _MOST_HOMONYMS:
            return None
        able: list[tuple[int, EntityView]] = []
        for view in homonyms:
            asked = read_prompt(text, [NamedEntity(one, view)])
            if asked is not None and asked.is_clear and asked.relations:
                able.append((len(asked.relations[0].split()), view))
        # "Orbital period" says more than "period", by which an element's row is called.
        able.sort(key=lambda pair: -pair[0])
        if not able or (len(able) > 1 and able[0][0] == able[1][0]):
            return None
        meant = able[0][1]
        others = [view for view in homonyms if view is not meant]
        return None if any(_is_alike(meant, other) for other in others) else meant

    def _probe(self, names: Collection[str]) -> Collection[str]:
        return self._known(names, self._loosely, loosely=True)

    def _probe_exactly(self, names: Collection[str]) -> Collection[str]:
        return self._known(names, self._exactly, loosely=False)

    def _known(
        self, names: Collection[str], told: dict[str, bool], *, loosely: bool
    ) -> Collection[str]:
        """Return the names that memory knows; each is asked about once in a text that grows."""
        new = [name for name in names if name not in told]
        if new:
            found = self._store.known_names_nowait(new, as_of=self._as_of, loosely=loosely)
            told |= {name: name in found for name in new}
        return frozenset([name for name in names if told[name]])

    def _view(self, name: str, text: str, *, fuzzy: bool) -> EntityView | None:
        found = self.meanings.of(name, fuzzy=fuzzy)
        return found.view or meant_by(text, found.homonyms)


def _is_alike(one: EntityView, other: EntityView) -> bool:
    """Return whether two entities may be of one kind: they have much the same relations."""
    shared = len(set(one.relations) & set(other.relations))
    return shared > _ALIKE * min(len(one.relations), len(other.relations))


def _is_surely_meant(one: NamedEntity) -> bool:
    name = one.name.name
    letters = name.strip(".,;:?!*_\"'()").casefold()
    return " " in name or one.view.match.kind == "exact" or one.view.name.casefold() == letters


def _unknown(name: str) -> EntityView:
    return EntityView(name, name.casefold(), NO_MATCH, ())


def meant_by(text: str, homonyms: Sequence[EntityView]) -> EntityView | None:
    """Return the one of several entities of a name that a text speaks of.

    By how many of its words stand in the text: of its values, and of what tells its name apart.
    ``None`` where no one is ahead.
    """
    if not homonyms:
        return None
    words = set(_WORD.findall(text.casefold()))
    scored = sorted(
        ((_likeness(one, text, words), n) for n, one in enumerate(homonyms)), reverse=True
    )
    if len(scored) > 1 and scored[0][0] <= scored[1][0]:
        return None
    return homonyms[scored[0][1]] if scored[0][0] > 0 else None


def _likeness(view: EntityView, text: str, words: set[str]) -> float:
    score = 0.0
    # What it is called says nothing: the time zone "Africa/Casablanca" of Casablanca.
    words = words - set(_WORD.findall(view.name.casefold().partition(" (")[0]))
    qualifier = _WORD.findall(view.name.casefold().partition("(")[2])
    score += 2.0 * sum(word in words for word in qualifier)
    lower = text.casefold()
    for relation in view.relations:
        for value in view.values(relation):
            value_words = _WORD.findall(value.casefold())
            if len(value) >= _SHORTEST_TELLING and value.casefold() in lower:
                score += 1.0 + 0.25 * len(value_words)
            else:
                long_words = [word for word in value_words if len(word) > 3]
                score += 0.25 * sum(word in words for word in long_words)
    return score
