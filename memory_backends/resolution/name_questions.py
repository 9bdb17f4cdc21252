"""`NameQuestions`: what is asked at once about names, for stores that have an `EntityReader`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

from lamlam.memory_backends.model.entity_reader import EntityReader
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.facts_about import FactsAbout, TextQuestion
from lamlam.memory_backends.model.lookups import EntityView, Identify
from lamlam.memory_backends.model.meanings import Meanings
from lamlam.memory_backends.resolution.descriptions import describe, homonyms, meanings
from lamlam.memory_backends.resolution.facts_about import facts_about
from lamlam.memory_backends.resolution.known_names import known_names, possible_names


class NameQuestions:
    """`describe_nowait` and its like, and `facts_about`; stands before `LocalStore`."""

    @abstractmethod
    def reader_of(
        self, namespace: Namespace, as_of: int | None
    ) -> AbstractContextManager[EntityReader]:
        """Yield one state of a namespace, now or at a revision, under the lock of the store."""

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous."""
        with self.reader_of(namespace, as_of) as reader:
            return describe(reader, entity, fuzzy=fuzzy)

    def known_names_nowait(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that the store knows, all from one state."""
        with self.reader_of(namespace, as_of) as reader:
            return known_names(reader, names, loosely=loosely)

    def possible_names_nowait(
        self, names: Sequence[str], *, namespace: Namespace = (), as_of: int | None = None
    ) -> frozenset[str]:
        """Return those of the names by which anything may be found, all from one state."""
        with self.reader_of(namespace, as_of) as reader:
            return possible_names(reader, names)

    def state_nowait(self) -> object:
        """Return the revision that questions are answered from."""
        with self.reader_of((), None) as reader:
            return reader.revision

    @property
    def identify(self) -> Identify | None:
        """What gives facts their ids; without it those that `facts_about` returns have none."""
        return None

    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        """Return the answer to `facts_about_nowait`, all from one state."""
        with self.reader_of((), question.as_of) as reader:
            return facts_about(reader, question, self.identify)

    def homonyms_nowait(
        self,
        name: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> tuple[EntityView, ...]:
        """Return the entities that an ambiguous name may mean, the most alike first; at most 32."""
        with self.reader_of(namespace, as_of) as reader:
            return homonyms(reader, name, fuzzy=fuzzy)

    def meanings_nowait(
        self,
        name: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> Meanings:
        """Return the entity that a name means, or those that it may mean."""
        with self.reader_of(namespace, as_of) as reader:
            return meanings(reader, name, fuzzy=fuzzy)
