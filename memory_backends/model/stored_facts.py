"""Facts inside a store: slotted, without what all facts of an entity share."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class StoredFact(NamedTuple):
    """One version of a fact inside a store: without its entity, the same for all of a row."""

    relation: str
    """As its author wrote it."""
    key: str
    """The relation's canonical key."""
    value: str
    """The surface: the text that a model writes."""
    sources: tuple[str, ...]
    revision: int
    """The revision at which this version was asserted."""
    confidence: float
    code: str = ""
    """Type and value (`values.code_of`); empty for a text."""
    valid_from: int | None = None
    """In microseconds since 1970, as ``valid_to``."""
    valid_to: int | None = None
    seq: int = 0
    """The place among the facts of its entity, which all versions of it share: lists of facts
    are in this order. Not filled in where only the values of one relation are read."""

    @property
    def source(self) -> str | None:
        """The first source, or ``None``."""
        return self.sources[0] if self.sources else None

    @property
    def content(self) -> tuple[str, str]:
        """What is said, whatever it is called: equal for equal values."""
        if self.code.startswith("s:"):  # a text that is written as another one
            return "", self.code[2:]
        return self.code, "" if self.code else self.value

    @property
    def identity(self) -> tuple[str, str, str, int | None]:
        """What makes two facts of one entity the same fact."""
        return self.key, *self.content, self.valid_from

    def placed(self, revision: int, seq: int) -> StoredFact:
        """Return the version that begins at a revision, in a place: `_replace`, but faster."""
        return StoredFact(*self[:4], revision, *self[5:9], seq)


class PastVersion(NamedTuple):
    """A version of a fact that has ended."""

    fact: StoredFact
    retracted: int
    """The revision at which it ended."""


class Identify(Protocol):
    """Gives a fact's id."""

    def __call__(self, entity_key: str, fact: StoredFact, /) -> str:
        """Return the id of a fact of the entity with this (scoped) canonical key."""
        ...


class EntityFact(NamedTuple):
    """A fact with the entity that it is about."""

    name: str
    key: str
    """Scoped canonical key of the entity."""
    fact: StoredFact
    value: str
    """The text that it answers with: its value, or its entity where it answers the inverse."""


class Answer(NamedTuple):
    """One value of a lookup, and the fact behind it."""

    value: str
    fact_id: str | None
    source: str | None
