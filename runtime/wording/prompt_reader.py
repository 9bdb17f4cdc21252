"""Choose what the end of a text asks memory: an entity of the text and relations of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lamlam.memory_backends.model.text_names import KnownName
from lamlam.runtime.wording.prompt_form import Form, last_sentence
from lamlam.runtime.wording.reading import Reading, read_sentence

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import EntityView

MOST_ENTITIES = 8
"""Entities of a text that are compared, those that stand last."""


@dataclass(frozen=True, slots=True)
class NamedEntity:
    """A name of the text and what memory holds under it."""

    name: KnownName
    view: EntityView


@dataclass(frozen=True, slots=True)
class Asked:
    """What the words ask for."""

    form: Form
    entity: str
    """The name to ask by; empty where no name of the text is known."""
    key: str
    """Of the entity in memory."""
    relations: tuple[str, ...]
    """Relations that the entity holds and that the words ask for, best first."""
    wanted: str = ""
    """The usual name of the relation that the words name, held or not; empty where they name none."""

    n_equal: int = 0
    """How many of the relations, the first ones, the words ask for equally."""
    is_unfit: bool = False
    """The words name a relation, but what memory holds under its name cannot stand here."""

    @property
    def is_clear(self) -> bool:
        """The words name a relation."""
        return bool(self.wanted)


def read_prompt(text: str, named: Sequence[NamedEntity]) -> Asked | None:
    """Return what the end of a text asks for; ``None`` where no sentence is under way.

    Args:
        named: the entities whose names stand in the text, in order.
    """
    sentence = last_sentence(text, [(one.name.start, one.name.end) for one in named])
    if sentence is None:
        return None
    here = [one for one in named if one.name.start >= sentence.start]
    # A sentence without a name speaks of what the text began with: "It was written by".
    subjects = _by_entity(here or named)
    readings = [
        (read_sentence(sentence, view, places, _without(text, places)), places[-1 if here else 0])
        for view, places in subjects.values()
    ]
    if not readings:
        return Asked(sentence.form, "", "", ())
    best, _ = max(readings, key=partial(_strength, is_last_first=bool(here)))
    # A pronoun stands in running text, where the model knows better what memory may lack.
    is_running = sentence.form == "open" and not here
    if not best.relations and not best.wanted and best.score and not is_running:
        return Asked(best.form, best.view.name, best.view.key, (), is_unfit=best.is_tied)
    if not best.relations and (is_running or not best.is_tied):
        return Asked(sentence.form, best.view.name, best.view.key, ())
    return Asked(
        best.form, best.view.name, best.view.key, best.relations, best.wanted, best.n_equal
    )


def _without(text: str, places: Sequence[tuple[int, int]]) -> str:
    """Return the text without an entity's own name, which may hold its value: "Lund Airport"."""
    for start, end in reversed(places):
        text = f"{text[:start]}\n{text[end:]}"
    return text


def _strength(
    reading: tuple[Reading, tuple[int, int]], *, is_last_first: bool
) -> tuple[float, bool, int]:
    found, place = reading
    # Of two entities of one score, the one that holds an answer, then by its place: the subject
    # of an open sentence stands first.
    is_last_first = is_last_first and (found.is_tied or found.form != "open")
    return found.score, bool(found.relations), place[0] if is_last_first else -place[0]


def _by_entity(
    named: Sequence[NamedEntity],
) -> dict[str, tuple[EntityView, list[tuple[int, int]]]]:
    found: dict[str, tuple[EntityView, list[tuple[int, int]]]] = {}
    for one in named:
        found.setdefault(one.view.key, (one.view, []))[1].append((one.name.start, one.name.end))
    return dict([*list(found.items())[:1], *list(found.items())[1:][-MOST_ENTITIES:]])
