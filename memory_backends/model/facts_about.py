"""What memory holds about the names in a text: the question, and the typed answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypedDict

from lamlam.errors import BadFact, OverlayCycle
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.lookups import check_as_of
from lamlam.memory_backends.model.namespaces import written
from lamlam.memory_backends.model.timestamps import written_moment
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS, is_text

MAX_TEXT_CHARACTERS = 100_000
"""Of a text whose names are looked for: some 16,000 words."""
LONG_TEXT = 4_000
"""Characters above which a text is not read in the thread of an event loop."""
MOST_FACTS = 20
"""That are returned unless the caller says otherwise."""
MOST_READ = 1024
"""Facts of an entity that are looked at, the first in stored order."""
MOST_READ_OF_TEXT = 16_384
"""Facts of all entities of a text that are looked at before each has the first `LEAST_READ` only."""
LEAST_READ = 16
MOST_MEANT = 3
"""Entities of an ambiguous name that are told about."""
MOST_CHARACTERS = 4_000
"""Of the lines of these facts, unless the caller says otherwise: about 1,000 tokens."""
_MOST_ASKED = 10_000_000
_BREAKS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\s]+")
"""White space, control characters (a line may end at some), and signs that turn text round."""


class AboutOptions(TypedDict, total=False):
    """Keywords of `FactStore.facts_about`."""

    namespace: Namespace
    shared_namespace: Namespace | None
    me: str | None
    max_facts: int
    max_characters: int
    as_of: int | None


@dataclass(frozen=True, slots=True)
class TextQuestion:
    """What is asked about a text; `text_question` makes one of what a caller gave."""

    text: str
    namespaces: tuple[Namespace, ...]
    """Where names are looked for; facts of the first hide those of the next."""
    me: str | None
    max_facts: int
    max_characters: int
    as_of: int | None


@dataclass(frozen=True, slots=True)
class NameInText:
    """A stretch of a text that names an entity of which memory holds facts."""

    text: str
    """As the text writes it, or "my" and the like."""
    start: int
    end: int
    """Offsets of the text, as a Python string counts them."""
    entity: str
    """The name as memory has it."""
    namespace: Namespace
    """The first in which the entity was found."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Facts of an entity that the budget did not let in."""

    entity: str
    namespace: Namespace
    n_facts: int
    is_more: bool = False
    """The entity has more facts than were looked at: at least so many were left out."""


@dataclass(frozen=True, slots=True)
class FactsAbout:
    """The names found in a text, and the facts about them, the best first."""

    names: tuple[NameInText, ...] = ()
    """In the order of the text; an ambiguous name stands here once for each entity."""
    facts: tuple[Fact, ...] = ()
    """First those whose relation the words of the text name, then as memory orders them."""
    left_out: tuple[LeftOut, ...] = ()

    @property
    def n_left_out(self) -> int:
        """Facts that the budget did not let in; at least so many, where an entity has very many."""
        return sum(one.n_facts for one in self.left_out)

    def lines(self) -> tuple[str, ...]:
        """Return a line of plain text for each fact, for the prompt of a model.

        Names and values are data that others wrote: whatever they contain, a fact is one line, and
        no line is anything but a fact.

        >>> FactsAbout(facts=(Fact(entity="Ada Quill", relation="spouse", value="Bob\\nX: y: z"),)).lines()
        ('Ada Quill: spouse: Bob X: y: z',)
        """
        return tuple(
            [
                fact_line(one.entity, one.relation, one.surface, one.valid_from, one.valid_to)
                for one in self.facts
            ]
        )

    def as_text(self) -> str:
        """Return the lines as one text; empty without facts."""
        return "\n".join(self.lines())


def text_question(
    text: str,
    *,
    namespace: Namespace = (),
    shared_namespace: Namespace | None = (),
    me: str | None = None,
    max_facts: int = MOST_FACTS,
    max_characters: int = MOST_CHARACTERS,
    as_of: int | None = None,
) -> TextQuestion:
    """Return the question, whose fields are what they should be.

    Raises:
        BadFact: the text is not a string or too long, ``me`` is not a name, a budget or the
            revision is not a whole number, or a namespace is not valid.
    """
    if not isinstance(text, str):
        raise BadFact(f"text must be a string, got {type(text).__name__}")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadFact(
            f"text must be at most {MAX_TEXT_CHARACTERS:,} characters, got {len(text):,}",
            hint="give the part whose names matter, such as the last message, or ask in parts",
        )
    if me is not None:
        _check_me(me)
        me = me if is_text(me) else None  # half a surrogate pair: nothing has such a name
    for what, number in (("max_facts", max_facts), ("max_characters", max_characters)):
        is_whole = isinstance(number, int) and not isinstance(number, bool)
        if not is_whole or not 0 <= number <= _MOST_ASKED:
            got = number if is_whole and abs(number) < 10**18 else type(number).__name__
            raise BadFact(f"{what} must be a whole number from 0 to {_MOST_ASKED:,}, got {got}")
    if as_of is not None:
        check_as_of(as_of)
    own = check_namespace(namespace)
    spaces = [own]
    if shared_namespace is not None:
        spaces.append(check_namespace(shared_namespace))
        if own and spaces[1] == own:
            raise OverlayCycle.of(written(own))
    return TextQuestion(text, tuple(dict.fromkeys(spaces)), me, max_facts, max_characters, as_of)


def _check_me(me: str) -> None:
    if not isinstance(me, str):
        raise BadFact(f"me must be the name of an entity, got {type(me).__name__}")
    if not me.strip():
        raise BadFact("me must be the name of an entity, got an empty text", hint="leave it out")
    if len(me) > MAX_NAME_CHARACTERS:
        raise BadFact(
            f"me must be a name of at most {MAX_NAME_CHARACTERS:,} characters, got {len(me):,}"
        )


def fact_line(
    entity: str,
    relation: str,
    value: str,
    valid_from: Instant | None = None,
    valid_to: Instant | None = None,
) -> str:
    """Return a fact as one line of plain text, with the period in which it holds."""
    begin = "" if valid_from is None else f"from {written_moment(valid_from)}"
    end = "" if valid_to is None else f"until {written_moment(valid_to)}"
    period = f"{begin} {end}".strip()
    line = f"{entity}: {relation}: {value}" + (f" ({period})" if period else "")
    return _BREAKS.sub(" ", line).strip()
