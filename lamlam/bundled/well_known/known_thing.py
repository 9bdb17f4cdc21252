"""`KnownThing`: an entity with its facts, before the names of all are settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.values import Value, surface_of


@dataclass(slots=True)
class KnownThing:
    """An entity from packages: relations with values and, where it differs, what is written."""

    name: str
    source: str
    aliases: list[str] = field(default_factory=list)
    _facts: list[Fact] = field(default_factory=list)

    def say(self, relation: str, value: Value | None, surface: str = "", source: str = "") -> None:
        """Add a fact; nothing where the package has no value.

        Args:
            relation: its name.
            value: typed.
            surface: what a model writes for it; by default made of the value.
            source: of this fact, if it is not that of the thing.
        """
        if value is None or value == "":
            return
        self._facts.append(
            Fact(
                entity=self.name,
                relation=relation,
                value=value,
                surface=surface or surface_of(value),
                sources=(source or self.source,),
            )
        )

    def facts(self) -> Iterator[Fact]:
        """Yield the facts, several values of a relation in the order in which they were said."""
        yield from self._facts
