"""Put together what memory holds about the names in a text: one subject a name, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.facts_about import (
    MOST_MEANT,
    FactsAbout,
    LeftOut,
    NameInText,
    TextQuestion,
)
from lamlam.memory_backends.model.keys import written_qualifier
from lamlam.memory_backends.resolution.named_relations import WordsOfText
from lamlam.memory_backends.resolution.names_in_text import AskedName
from lamlam.memory_backends.resolution.relation_matching import is_hidden

Held = TypeVar("Held")


class SubjectFact(NamedTuple, Generic[Held]):
    """A fact of a subject, and the relation that tells whether it is taken."""

    relation_key: str
    fact: Held


class Holding(NamedTuple, Generic[Held]):
    """What one namespace holds of a subject now."""

    facts: Sequence[SubjectFact[Held]]
    is_more: bool = False
    """There are more than these."""


@dataclass(frozen=True, slots=True)
class NamedSubject(Generic[Held]):
    """An entity that a text names."""

    key: Hashable
    """Equal for the same entity."""
    name: str
    """As memory has it in the first namespace that knows it."""
    namespace: Namespace
    holdings: tuple[Holding[Held], ...]
    """One for each namespace that knows it, in the order in which these are asked."""

    def facts(self) -> list[SubjectFact[Held]]:
        """Return its facts; of a relation that one namespace holds, the next ones add none."""
        keys: dict[str, None] = {}
        taken: list[SubjectFact[Held]] = []
        for holding in self.holdings:
            hidden = {
                key for key in {one.relation_key for one in holding.facts} if is_hidden(key, keys)
            }
            seen = [one for one in holding.facts if one.relation_key not in hidden]
            taken += seen
            keys.update(dict.fromkeys(one.relation_key for one in seen))
        return taken


@dataclass(slots=True)
class _Queue(Generic[Held]):
    """The facts of a subject that are still to be taken, the best last."""

    subject: NamedSubject[Held]
    waiting: list[tuple[float, SubjectFact[Held]]]
    n_left_out: int = 0


@dataclass(slots=True)
class SubjectsOfText(Generic[Held]):
    """The names of a text with what they mean, as they are found."""

    names: list[NameInText] = field(default_factory=list)
    subjects: dict[Hashable, NamedSubject[Held]] = field(default_factory=dict)

    def add(self, one: AskedName, meant: Iterable[NamedSubject[Held]]) -> None:
        """Note what a name means; nothing where memory does not know it after all."""
        name = one.name
        for subject in meant:
            if one.is_plain_word and not subject.name.islower():
                continue
            self.subjects.setdefault(subject.key, subject)
            self.names.append(
                NameInText(name.name, name.start, name.end, subject.name, subject.namespace)
            )

    def answer(
        self,
        question: TextQuestion,
        line: Callable[[Held], str],
        finish: Callable[[Held], Fact],
    ) -> FactsAbout:
        """Return the facts that the budget lets in.

        Args:
            question: the text and the budget.
            line: writes a fact as the prompt of a model has it, to see whether it fits.
            finish: makes the fact that a caller reads.
        """
        names = tuple(sorted(self.names, key=lambda one: (one.start, one.end)))
        order = dict.fromkeys((one.entity, one.namespace) for one in names)
        places = {key: n for n, key in enumerate(order)}
        subjects = sorted(self.subjects.values(), key=lambda one: places[one.name, one.namespace])
        words = WordsOfText(_between(question.text, names))
        queues = [_queue(subject, words) for subject in subjects]
        taken = _within_budget(queues, line, question.max_facts, question.max_characters)
        # What the text asks for stands first; the others as they were taken, in turns.
        taken.sort(key=lambda pair: -pair[0])
        left = [
            LeftOut(
                one.subject.name,
                one.subject.namespace,
                one.n_left_out + len(one.waiting),
                any(holding.is_more for holding in one.subject.holdings),
            )
            for one in queues
        ]
        return FactsAbout(
            names,
            tuple([finish(held.fact) for _, held in taken]),
            tuple([one for one in left if one.n_facts or one.is_more]),
        )


def told_apart(entities: Sequence[str], text: str) -> list[str]:
    """Return what an ambiguous name may mean: those whose qualifier the text has, if any.

    >>> told_apart(["Orb (film)", "Orb (planet)"], "Is the planet Orb cold?")
    ['Orb (planet)']
    """
    lower = text.casefold()
    told = [
        one
        for one in entities
        if (qualifier := written_qualifier(one).casefold()) and qualifier in lower
    ]
    return list(told or entities)[:MOST_MEANT]


def _between(text: str, names: Sequence[NameInText]) -> Iterable[str]:
    begin = 0
    for one in names:
        if one.start >= begin:
            yield text[begin : one.start]
            begin = one.end
    yield text[begin:]


def _queue(subject: NamedSubject[Held], words: WordsOfText) -> _Queue[Held]:
    scored = [(words.score(one.relation_key), one) for one in subject.facts()]
    scored.sort(key=lambda pair: -pair[0])  # stable: as memory orders them
    scored.reverse()
    return _Queue(subject, scored)


def _within_budget(
    queues: Sequence[_Queue[Held]],
    line: Callable[[Held], str],
    max_facts: int,
    max_characters: int,
) -> list[tuple[float, SubjectFact[Held]]]:
    """Take facts in turns, one of each subject; a line that does not fit is left out."""
    taken: list[tuple[float, SubjectFact[Held]]] = []
    room = max_characters
    while any(one.waiting for one in queues):
        for one in queues:
            while one.waiting and len(taken) < max_facts:
                score, held = one.waiting.pop()
                length = len(line(held.fact))
                if length > room:
                    one.n_left_out += 1
                    continue
                room -= length + 1
                taken.append((score, held))
                break
        if len(taken) >= max_facts:
            break
    return taken
